"""What things are called: projects by id and number, accounts by e-mail and unique id, and files by what is in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, structs

from connectors.gcp.keys import account_key
from connectors.gcp.offline import recognise as k
from connectors.gcp.offline.recognise import Thing
from connectors.gcp.offline.rows import Project, Rows
from connectors.gcp.places import ProjectRef, ancestors_of

_IN_PROJECT = re.compile(r"(?P<before>(?:.*?/)?projects/)(?P<project>[^/]+)(?P<rest>.*)", re.DOTALL)
_ABOVE = re.compile(r"(organization|folder)s?[-_/ ]?(\d+)")
_RESOURCE_MANAGER = "//cloudresourcemanager.googleapis.com"


class Names(Struct, frozen=True, kw_only=True):
    """``told``: what is told of each project, by its id. ``numbers``: ids of projects by number.

    ``emails``: of accounts by unique id. ``homes``: ids of projects by the e-mails of the accounts in them.
    ``parents``: of folders and organizations.
    """

    told: Mapping[str, Project]
    numbers: Mapping[str, str]
    emails: Mapping[str, str]
    homes: Mapping[str, str]
    parents: Mapping[str, str | None]

    def id_of(self, called: str) -> str:
        """A project's id by its number or id; the number where no file tells the id."""
        return self.numbers.get(called, called)

    def project_in(self, name: str) -> str:
        """The id of the project in a resource name; empty where there is none."""
        found = _IN_PROJECT.fullmatch(name)
        return self.id_of(found["project"]) if found else ""

    def resource(self, name: str) -> str:
        """A resource name with the project's id, and of an account with its e-mail."""
        found = _IN_PROJECT.fullmatch(name)
        if found is None:
            return name
        rest = found["rest"]
        if rest.startswith("/serviceAccounts/"):
            account, _, more = rest.removeprefix("/serviceAccounts/").partition("/")
            email = self.emails.get(account, account)
            rest = f"/serviceAccounts/{email}{'/' if more else ''}{more}"
        return f"{found['before']}{self.id_of(found['project'])}{rest}"

    def within(self, thing: Thing) -> Thing:
        """The thing with its name so."""
        return structs.replace(thing, path=self.resource(thing.path))

    def projects(self) -> dict[str, ProjectRef]:
        """Those that are not being deleted, in the order of their ids."""
        active = (self.told[id_] for id_ in sorted(self.told) if self.told[id_].is_active)
        return {
            one.id: ProjectRef(id=one.id, number=one.number or "-", ancestors=self._above(one), labels=one.labels)
            for one in active
        }

    def project_named(self, file: str) -> str | None:
        """The id of the project whose id or number is in a file's name, the longest of several; or the only one."""
        calls = {**{one: one for one in self.told}, **self.numbers}
        named = max((one for one in calls if one in file), key=len, default=None)
        if named is not None:
            return calls[named]
        return next(iter(self.told)) if len(self.told) == 1 else None

    def policy_in(self, file: str) -> str | None:
        """The full name of what the policy in a file is of."""
        account = self._account_named(file)
        if account is not None:
            return account
        above = _ABOVE.search(file)
        if above is not None:
            return f"{_RESOURCE_MANAGER}/{above[1]}s/{above[2]}"
        project = self.project_named(file)
        return None if project is None else f"{_RESOURCE_MANAGER}/projects/{project}"

    def _account_named(self, file: str) -> str | None:
        email = next((one for one in self.homes if one in file), None)
        return None if email is None else account_key(self.homes[email], email)

    def _above(self, project: Project) -> tuple[str, ...]:
        return project.ancestors or ancestors_of(project.parent or None, self.parents)


def names_of(files: Iterable[Rows]) -> Names:
    """What all files together tell."""
    every = tuple(files)
    told = [one for rows in every for one in rows.projects]
    numbers = {one.number: one.id for one in told if one.id and one.number}
    things = [thing for rows in every for thing in rows.things]
    called = {found["project"] for thing in things if (found := _IN_PROJECT.fullmatch(thing.path))}
    told += [Project(number=one) if one.isdigit() else Project(id=one) for one in called]
    told += [Project(id=found["project"]) for found in map(_IN_PROJECT.fullmatch, _containers(every)) if found]
    projects: dict[str, Project] = {}
    for one in told:
        id_ = numbers.get(one.number, one.number) if not one.id else numbers.get(one.id, one.id)
        projects[id_] = _merged(projects.get(id_, Project(id=id_)), one)
    accounts = [(thing, str(thing.data.get("email"))) for thing in things if thing.type == k.ACCOUNT]
    return Names(
        told=projects,
        numbers=numbers,
        emails={str(thing.data.get("uniqueId")): email for thing, email in accounts},
        homes={email: numbers.get(home := thing.path.split("/")[1], home) for thing, email in accounts},
        parents={name: parent for rows in every for name, parent in rows.parents.items()},
    )


def _containers(files: Iterable[Rows]) -> Iterator[str]:
    """Projects whose own policy is told."""
    for rows in files:
        for policy in rows.policies:
            if policy.resource and policy.resource.startswith(f"{_RESOURCE_MANAGER}/projects/"):
                yield policy.resource.removeprefix("//")


def _merged(one: Project, other: Project) -> Project:
    return Project(
        id=one.id,
        number=one.number or other.number,
        parent=one.parent or other.parent,
        ancestors=max(one.ancestors, other.ancestors, key=len),
        labels={**one.labels, **other.labels},
        is_active=one.is_active and other.is_active,
    )
