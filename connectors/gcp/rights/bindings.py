"""Allow policies as the APIs return them, their bindings, and the service accounts that these may name (pure)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b

from msgspec import Struct

from connectors.gcp.rights.conditions import Expression
from connectors.gcp.rights.members import LISTED, MACHINES, Member, MemberKind, account_of, parse_member
from connectors.gcp.rights.tree import Resource, Tree


class Binding(Struct, frozen=True, kw_only=True, gc=False):
    """A role that one member has on one resource, as its policy says.

    ``entitlement``: by which the member may only ask for it, and ``granted`` how; empty where it has the role.
    """

    resource: Resource
    role: str
    member: Member
    condition: Expression | None = None
    entitlement: str = ""
    granted: str = ""

    @property
    def key(self) -> str:
        """Unique over all bindings: a role may be given to one member twice, under different conditions."""
        text = "" if self.condition is None else self.condition.expression
        condition = f" if {blake2b(text.encode(errors='replace'), digest_size=6).hexdigest()}" if text else ""
        asked = f" by {self.entitlement}" if self.entitlement else ""
        return f"{self.resource.name} {self.role} {self.member}{condition}{asked}"

    @property
    def counts(self) -> bool:
        """Whether its member is not human, or no longer exists."""
        return self.member.kind in MACHINES or self.member.is_deleted


class BindingPayload(Struct, frozen=True, kw_only=True):
    """A binding, with all of its members."""

    role: str
    members: tuple[str, ...] = ()
    condition: Expression | None = None


class PolicyPayload(Struct, frozen=True, kw_only=True):
    """An allow policy, as every ``getIamPolicy`` gives it."""

    bindings: tuple[BindingPayload, ...] = ()

    def on(self, resource: Resource) -> Iterator[Binding]:
        """Its bindings, member by member."""
        for binding in self.bindings:
            for member in binding.members:
                yield Binding(
                    resource=resource, role=binding.role, member=parse_member(member), condition=binding.condition
                )


class SearchResult(Struct, frozen=True, kw_only=True, rename="camel"):
    """A policy as Cloud Asset's search for policies gives it. ``project``: by its number."""

    resource: str
    policy: PolicyPayload = PolicyPayload()
    project: str = ""

    def resource_in(self, tree: Tree) -> Resource:
        """The resource of its policy."""
        return tree.resource(self.resource, self.project.removeprefix("projects/") or None)


class Sieve:
    """Keeps bindings of non-human members, and counts the others, which are mostly people."""

    def __init__(self) -> None:
        self.kept: list[Binding] = []
        self._left: Counter[MemberKind] = Counter()

    def add(self, bindings: Iterable[Binding]) -> None:
        """Those that count, or let everyone in."""
        for binding in bindings:
            if binding.counts or binding.member.kind == "anyone":
                self.kept.append(binding)
            else:
                self._left[binding.member.kind] += 1

    def notes(self) -> Iterator[str]:
        """What was left out, for people, and what is open to everyone."""
        people, groups = self._left["person"], self._left["group"]
        if people or groups:
            yield f"left out: rights of people ({people}) and of groups ({groups})"
        if everyone := sum(binding.member.kind == "anyone" for binding in self.kept):
            yield f"rights of all users: {everyone}"


# --- Listed service accounts ---


class Accounts(Struct, frozen=True, kw_only=True):
    """``emails``: by project id. ``ids``: e-mails by unique id. ``complete``: projects that were listed in full."""

    emails: Mapping[str, tuple[str, ...]] = {}
    ids: Mapping[str, str] = {}
    complete: frozenset[str] = frozenset()

    def lacks(self, member: Member, tree: Tree) -> bool | None:
        """Whether an account of a completely listed project is not among those; None for whatever else."""
        is_account = member.kind == "service_account" and account_of(member.id).kind in LISTED
        project = tree.project_of(member.id) if is_account else None
        if project is None or project not in self.complete:
            return None
        return member.id not in self.emails.get(project, ())

    def within(self, member: Member, tree: Tree) -> tuple[str, ...]:
        """The e-mails of those that a set of all accounts of a resource represents, as far as they were listed."""
        kind, _, named = (member.pool or "").partition("/")
        place = f"projects/{tree.project_id(named)}" if kind == "projects" else f"{kind}/{named}"
        if member.selector == "ServiceAgent":
            return ()
        return tuple(sorted(email for project in tree.projects(place) for email in self.emails.get(project, ())))


def accounts_of(rows: Iterable[tuple[str, str, str]], complete: Iterable[str] = ()) -> Accounts:
    """From project id, e-mail and unique id of each; ``complete``: projects with no further accounts."""
    emails: defaultdict[str, list[str]] = defaultdict(list)
    ids: dict[str, str] = {}
    for project, email, unique_id in rows:
        emails[project].append(email)
        ids[unique_id] = email
    return Accounts(
        emails={project: tuple(each) for project, each in emails.items()}, ids=ids, complete=frozenset(complete)
    )
