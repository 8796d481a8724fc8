"""The bindings of a cluster, by subject and by place. A binding to a role that does not exist grants nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from connectors.kubernetes.rights.rules import KubernetesRule
from connectors.kubernetes.rights.targets import Account

ACCOUNT_PREFIX: Final = "system:serviceaccount:"
ALL_ACCOUNTS: Final = "system:serviceaccounts"
ALL_CALLERS: Final = ("system:authenticated", "system:unauthenticated")
"""Groups of all callers; the second one includes anyone on the network."""
RoleKey: TypeAlias = tuple[str, str, str]
"""Kind, namespace (empty for a ClusterRole) and name of a role."""
Subject: TypeAlias = tuple[str, str]
"""Kind and name; a service account is the user with its full name."""


class Bound(Struct, frozen=True, kw_only=True):
    """A binding with the rules it grants. ``namespace``: empty for the whole cluster. ``rules``: None if malformed.

    ``missing``: the role does not exist. ``usual``: the binding is built in. ``users``: the users that it names.
    """

    binding: str
    role: str
    namespace: str
    rules: tuple[KubernetesRule, ...] | None
    missing: bool = False
    usual: bool = False
    users: frozenset[str] = frozenset()

    @property
    def where(self) -> str:
        """The place where it grants, in words."""
        return f"namespace {self.namespace}" if self.namespace else "the cluster"

    @property
    def name(self) -> str:
        """The name of the binding."""
        return self.binding.rpartition("/")[2]

    @property
    def key(self) -> RoleKey:
        """The key of its role."""
        kind, _, name = self.role.partition("/")
        return kind, self.namespace if kind == "Role" else "", name


def account_user(account: Account) -> str:
    """The user name of a service account."""
    return f"{ACCOUNT_PREFIX}{account[0]}:{account[1]}"


def subjects_of(account: Account) -> tuple[Subject, ...]:
    """A service account and its groups, without the group of all callers."""
    return ("User", account_user(account)), ("Group", ALL_ACCOUNTS), ("Group", f"{ALL_ACCOUNTS}:{account[0]}")


class Bindings:
    """All bindings of a cluster. ``roles``: their rules, None if malformed."""

    def __init__(self, roles: Mapping[RoleKey, tuple[KubernetesRule, ...] | None]) -> None:
        self.roles = roles
        self._bound: list[Bound] = []
        self._of: defaultdict[Subject, list[int]] = defaultdict(list)
        self._in: defaultdict[str, list[Bound]] = defaultdict(list)

    def bind(self, bound: Bound, subjects: Iterable[Subject]) -> None:
        """Add a binding."""
        number = len(self._bound)
        self._bound.append(bound)
        self._in[bound.namespace].append(bound)
        for subject in subjects:
            self._of[subject].append(number)

    def numbers(self, subjects: Iterable[Subject]) -> tuple[int, ...]:
        """The numbers of the bindings of subjects together."""
        return tuple(sorted({number for subject in subjects for number in self._of.get(subject, ())}))

    def numbered(self, numbers: Iterable[int]) -> tuple[Bound, ...]:
        """The bindings of these numbers."""
        return tuple(self._bound[number] for number in numbers)

    def of(self, subjects: Iterable[Subject]) -> tuple[Bound, ...]:
        """The bindings of subjects together."""
        return self.numbered(self.numbers(subjects))

    def within(self, namespace: str) -> Sequence[Bound]:
        """The RoleBindings of a namespace; empty: the ClusterRoleBindings."""
        return self._in.get(namespace, ())

    def namespaces(self) -> tuple[str, ...]:
        """The namespaces with RoleBindings."""
        return tuple(filter(None, self._in))

    def is_bound(self, account: Account) -> bool:
        """Whether any binding names the account itself."""
        return ("User", account_user(account)) in self._of

    def names(self, kind: str) -> tuple[str, ...]:
        """The users or groups that bindings name; service accounts are users, too."""
        return tuple(name for of, name in self._of if of == kind)

    def users(self) -> list[str]:
        """The users that bindings name, without service accounts."""
        return sorted(name for name in self.names("User") if not name.startswith(ACCOUNT_PREFIX))

    def accounts(self, namespace: str) -> list[Account]:
        """The accounts of a namespace (empty: of all) that bindings name, whether or not they exist."""
        named = (user.removeprefix(ACCOUNT_PREFIX) for user in self.names("User") if user.startswith(ACCOUNT_PREFIX))
        found = ((space, name) for space, _, name in (one.partition(":") for one in named))
        return sorted(one for one in found if namespace in ("", one[0]))

    def spaces(self) -> list[str]:
        """The namespaces whose accounts have rights as a group."""
        prefix = f"{ALL_ACCOUNTS}:"
        return sorted(name.removeprefix(prefix) for name in self.names("Group") if name.startswith(prefix))
