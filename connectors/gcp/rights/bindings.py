"""Allow policies as the APIs return them, their bindings, and the service accounts that these may name (pure)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b

from msgspec import Struct

from connectors.gcp.rights.conditions import Expression
from connectors.gcp.rights.members import LISTED, MACHINES, GcpMember, MemberKind, account_of, parse_member
from connectors.gcp.rights.tree import GcpResource, Tree


class Binding(Struct, frozen=True, kw_only=True, gc=False):
    """A role of one member on one resource.

    ``entitlement``: by which the member may request the role, and ``granted``: how it is granted; both are empty if it
    has the role.
    """

    resource: GcpResource
    role: str
    member: GcpMember
    condition: Expression | None = None
    entitlement: str = ""
    granted: str = ""

    @property
    def key(self) -> str:
        """Unique among all bindings: a member may have a role twice, under different conditions."""
        text = "" if self.condition is None else self.condition.expression
        condition = f" if {blake2b(text.encode(errors='replace'), digest_size=6).hexdigest()}" if text else ""
        asked = f" by {self.entitlement}" if self.entitlement else ""
        return f"{self.resource.name} {self.role} {self.member}{condition}{asked}"

    @property
    def counts(self) -> bool:
        """Whether its member is not human, or no longer exists."""
        return self.member.kind in MACHINES or self.member.is_deleted


class BindingPayload(Struct, frozen=True, kw_only=True):
    """A binding with all its members."""

    role: str
    members: tuple[str, ...] = ()
    condition: Expression | None = None


class PolicyPayload(Struct, frozen=True, kw_only=True):
    """An allow policy, as ``getIamPolicy`` returns it."""

    bindings: tuple[BindingPayload, ...] = ()

    def on(self, resource: GcpResource) -> Iterator[Binding]:
        """The bindings of the policy, one for each member."""
        for binding in self.bindings:
            for member in binding.members:
                yield Binding(
                    resource=resource, role=binding.role, member=parse_member(member), condition=binding.condition
                )


class SearchResult(Struct, frozen=True, kw_only=True, rename="camel"):
    """A policy in the results of Cloud Asset's search for policies. ``project``: by its number."""

    resource: str
    policy: PolicyPayload = PolicyPayload()
    project: str = ""

    def resource_in(self, tree: Tree) -> GcpResource:
        """The resource of its policy."""
        return tree.resource(self.resource, self.project.removeprefix("projects/") or None)


class Sieve:
    """Keeps bindings of non-human members, and counts the others, which are mostly people."""

    def __init__(self) -> None:
        self.kept: list[Binding] = []
        self._left: Counter[MemberKind] = Counter()

    def add(self, bindings: Iterable[Binding]) -> None:
        """Keep the bindings that count, or that are for all users."""
        for binding in bindings:
            if binding.counts or binding.member.kind == "anyone":
                self.kept.append(binding)
            else:
                self._left[binding.member.kind] += 1

    def notes(self) -> Iterator[str]:
        """Notes with the numbers of bindings of people and groups, which are left out, and of all users."""
        people, groups = self._left["person"], self._left["group"]
        if people or groups:
            yield f"left out: rights of people ({people}) and of groups ({groups})"
        if everyone := sum(binding.member.kind == "anyone" for binding in self.kept):
            yield f"rights of all users: {everyone}"


# --- Listed service accounts ---


class Accounts(Struct, frozen=True, kw_only=True):
    """The listed accounts. ``emails``: by project id; ``ids``: e-mails by unique id; ``complete``: listed projects."""

    emails: Mapping[str, tuple[str, ...]] = {}
    ids: Mapping[str, str] = {}
    complete: frozenset[str] = frozenset()

    def lacks(self, member: GcpMember, tree: Tree) -> bool | None:
        """Whether an account is missing from its project, if that was listed in full; None for any other member."""
        is_account = member.kind == "service_account" and account_of(member.id).kind in LISTED
        project = tree.project_of(member.id) if is_account else None
        if project is None or project not in self.complete:
            return None
        return member.id not in self.emails.get(project, ())

    def within(self, member: GcpMember, tree: Tree) -> tuple[str, ...]:
        """The e-mails of the listed accounts in a set of all accounts of a resource."""
        kind, _, named = (member.pool or "").partition("/")
        place = f"projects/{tree.project_id(named)}" if kind == "projects" else f"{kind}/{named}"
        if member.selector == "ServiceAgent":
            return ()
        return tuple(sorted(email for project in tree.projects(place) for email in self.emails.get(project, ())))


def accounts_of(rows: Iterable[tuple[str, str, str]], complete: Iterable[str] = ()) -> Accounts:
    """The accounts with these project ids, e-mails and unique ids; ``complete``: projects with no further accounts."""
    emails: defaultdict[str, list[str]] = defaultdict(list)
    ids: dict[str, str] = {}
    for project, email, unique_id in rows:
        emails[project].append(email)
        ids[unique_id] = email
    return Accounts(
        emails={project: tuple(each) for project, each in emails.items()}, ids=ids, complete=frozenset(complete)
    )
