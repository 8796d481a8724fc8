"""What the path of a file says its content is of, for content that does not say it: policies, empty listings (pure).

Auditors keep exports as ``projects/acme/secrets/db/iam.json`` or as ``policy-acme.json``. A name counts only as a
whole: an account's e-mail does not name the account whose e-mail ends like it, and what is inside a project is not the
project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from msgspec import Struct

from connectors.core.file_names import exact, is_neutral, parts_of, words_in
from connectors.gcp.keys import account_key, project_of_account

_RESOURCE_MANAGER = "//cloudresourcemanager.googleapis.com"
_EMAIL = re.compile(r"[\w.+-]+@[a-z0-9][a-z0-9.-]*\.gserviceaccount\.com", re.ASCII)
_PROJECT = re.compile(r"(?:[a-z0-9.-]{1,62}:)?[a-z0-9][a-z0-9-]{0,61}[a-z0-9]", re.ASCII)
_POLICY_WORDS = frozenset({"iam", "policy", "policies"})
NEUTRAL = _POLICY_WORDS | {
    "allow", "audit", "backup", "bindings", "current", "describe", "dump", "export", "exported", "exports", "for",
    "gcloud", "gcp", "get", "google", "iampolicy", "latest", "list", "of", "project", "projects",
}  # fmt: skip
"""Words that say nothing of which resource the content is of."""
_ABOVE = {
    "organization": "organizations", "organizations": "organizations", "org": "organizations",
    "orgs": "organizations", "folder": "folders", "folders": "folders",
}  # fmt: skip
_PROJECTS = frozenset({"project", "projects"})
_ACCOUNTS = frozenset({"serviceaccount", "serviceaccounts"})
_INSIDE: Mapping[str, str] = {
    "secret": "//secretmanager.googleapis.com/projects/{project}/secrets/{name}",
    "secrets": "//secretmanager.googleapis.com/projects/{project}/secrets/{name}",
    "bucket": "//storage.googleapis.com/{name}",
    "buckets": "//storage.googleapis.com/{name}",
    "topic": "//pubsub.googleapis.com/projects/{project}/topics/{name}",
    "topics": "//pubsub.googleapis.com/projects/{project}/topics/{name}",
    "subscription": "//pubsub.googleapis.com/projects/{project}/subscriptions/{name}",
    "subscriptions": "//pubsub.googleapis.com/projects/{project}/subscriptions/{name}",
    "dataset": "//bigquery.googleapis.com/projects/{project}/datasets/{name}",
    "datasets": "//bigquery.googleapis.com/projects/{project}/datasets/{name}",
    "keyrings": "//cloudkms.googleapis.com/projects/{project}/keyRings/{name}",
    "cryptokeys": "//cloudkms.googleapis.com/projects/{project}/cryptoKeys/{name}",
    "repositories": "//artifactregistry.googleapis.com/projects/{project}/repositories/{name}",
    "functions": "//cloudfunctions.googleapis.com/projects/{project}/functions/{name}",
    "instances": "//compute.googleapis.com/projects/{project}/instances/{name}",
    "images": "//compute.googleapis.com/projects/{project}/global/images/{name}",
    "runservices": "//run.googleapis.com/projects/{project}/services/{name}",
}
"""Full names of what is in a folder of a project, by the folder's name in small letters and without signs."""


class GcpKnown(Struct, frozen=True, kw_only=True):
    """Names that files contain.

    ``projects``: ids by number and by id. ``emails``: of accounts, with their projects' ids. ``organization``: the
    only one, as far as files and settings say. ``only``: the id of the only project.
    """

    projects: Mapping[str, str]
    emails: Mapping[str, str]
    organization: str | None = None
    only: str | None = None


class GcpNamed(Struct, frozen=True, kw_only=True):
    """What a path names. ``resource``: its full name. ``project``: the id of the project that it is or is in."""

    resource: str
    project: str = ""


def is_of_a_policy(file: str) -> bool:
    """Whether a file's name says that it holds an allow policy."""
    return not _POLICY_WORDS.isdisjoint(words_in(parts_of(file)[-1]))


def projects_in(file: str) -> str | None:
    """The project that the path of a policy names, also where no file describes it: ``projects/NAME/``."""
    parts = parts_of(file)
    named = [name for before, name in pairwise(parts[:-1]) if _plain(before) in _PROJECTS]
    return named[-1] if named and _PROJECT.fullmatch(named[-1]) else None


def named_by(file: str, known: GcpKnown) -> GcpNamed | None:
    """What the policy in a file is of; None where its path does not say exactly that.

    The path is read from its end. The first part that is not made of neutral words decides.
    """
    parts = parts_of(file)
    at = len(parts) - 1
    while at >= 0 and is_neutral(parts[at], NEUTRAL) and (at == len(parts) - 1 or not _is_collection(parts, at - 1)):
        if named := _whole(parts[at], "", known):
            return named
        at -= 1
    if at < 0:
        return None if known.only is None else _of_project(known.only)
    part, before = parts[at], _plain(parts[at - 1]) if at else ""
    if before in _ACCOUNTS or before in _INSIDE:
        return _inside(before, _without_suffix(part), _project_of(parts[: at - 1], known), known)
    if before in _PROJECTS:
        return _of_project(known.projects.get(named_there := _without_suffix(part), named_there))
    return _whole(part, before, known)


def _is_collection(parts: list[str], at: int) -> bool:
    """Whether that part says what kind of thing the next one names."""
    kind = _plain(parts[at]) if at >= 0 else ""
    return kind in _ACCOUNTS or kind in _PROJECTS or kind in _INSIDE or kind in _ABOVE


def _whole(part: str, before: str, known: GcpKnown) -> GcpNamed | None:
    """The account, project, folder or organization that a part of a path names and nothing else."""
    if email := exact(part, known.emails, NEUTRAL):
        return _of_account(known.emails[email], email)
    if project := exact(part, known.projects, NEUTRAL):
        return _of_project(known.projects[project])
    above = _above(part, before, known)
    return GcpNamed(resource=f"{_RESOURCE_MANAGER}/{above}") if above else None


def last_part(file: str) -> str:
    """A file's own name, without its extension."""
    return parts_of(file)[-1]


def project_of(file: str, known: GcpKnown) -> str | None:
    """The id of the project that the folders of a file name, the innermost; else the only project."""
    return _project_of(parts_of(file)[:-1], known)


def _plain(part: str) -> str:
    return "".join(words_in(part))


def _without_suffix(part: str) -> str:
    """``db.iam`` is the policy of ``db``."""
    name, dot, last = part.rpartition(".")
    return _without_suffix(name) if dot and name and last.lower() in NEUTRAL else part


def _project_of(parts: list[str], known: GcpKnown) -> str | None:
    """The id of the project that these folders name, the innermost."""
    for at in range(len(parts) - 1, -1, -1):
        if at and _plain(parts[at - 1]) in _PROJECTS:
            return known.projects.get(parts[at], parts[at])
        if project := exact(parts[at], known.projects, NEUTRAL):
            return known.projects[project]
    return known.only


def _inside(kind: str, name: str, project: str | None, known: GcpKnown) -> GcpNamed | None:
    if kind in _ACCOUNTS:
        email = exact(name, known.emails, NEUTRAL) or (name if _EMAIL.fullmatch(name) or name.isdigit() else None)
        project = known.emails.get(email or "") or project or project_of_account(email or "")
        return _of_account(project, email) if email and project else None
    if project is None:
        return None
    return GcpNamed(resource=_INSIDE[kind].format(project=project, name=name), project=project)


def _of_account(project: str, email: str) -> GcpNamed:
    return GcpNamed(resource=account_key(project, email), project=project)


def _of_project(project: str) -> GcpNamed:
    return GcpNamed(resource=f"{_RESOURCE_MANAGER}/projects/{project}", project=project)


def _above(part: str, before: str, known: GcpKnown) -> str | None:
    """The organization or folder that a part names, by its number, or as the only organization."""
    words = list(words_in(part))
    kind = next((_ABOVE[word] for word in words if word in _ABOVE), _ABOVE.get(before))
    if kind is None:
        return None
    numbers = [word for word in words if word.isdigit() and len(word) > len("20261231")]
    numbers = numbers or [word for word in words if word.isdigit()]
    others = [word for word in words if not (word.isdigit() or word in _ABOVE or word in NEUTRAL)]
    if len(numbers) == 1 and not others:
        return f"{kind}/{numbers[0]}"
    is_named = kind == "organizations" and known.organization is not None and not numbers
    return f"organizations/{known.organization}" if is_named else None


def sole(names: Iterator[str]) -> str | None:
    """The only one of some names."""
    found = set(names)
    return found.pop() if len(found) == 1 else None
