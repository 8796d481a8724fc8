"""Service accounts that were listed, as far as rights have to know of them (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct

from connectors.gcp.rights.emails import LISTED, account_of
from connectors.gcp.rights.members import Member
from connectors.gcp.rights.tree import Tree


class Accounts(Struct, frozen=True, kw_only=True):
    """``emails``: by project id. ``ids``: e-mails by unique id. ``complete``: projects of which all were listed."""

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
        """The e-mails of those that a set of all accounts of a resource stands for, as far as they were listed."""
        kind, _, named = (member.pool or "").partition("/")
        place = f"projects/{tree.project_id(named)}" if kind == "projects" else f"{kind}/{named}"
        if member.selector == "ServiceAgent":
            return ()
        return tuple(sorted(email for project in tree.projects(place) for email in self.emails.get(project, ())))


def accounts_of(rows: Iterable[tuple[str, str, str]], complete: Iterable[str] = ()) -> Accounts:
    """Of project id, e-mail and unique id of each; ``complete``: projects of which these are all."""
    emails: defaultdict[str, list[str]] = defaultdict(list)
    ids: dict[str, str] = {}
    for project, email, unique_id in rows:
        emails[project].append(email)
        ids[unique_id] = email
    return Accounts(
        emails={project: tuple(each) for project, each in emails.items()}, ids=ids, complete=frozenset(complete)
    )
