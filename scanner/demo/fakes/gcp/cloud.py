"""The state of the fake cloud, in the form of the APIs, and its builder methods.

Collections of rows are named by their path without the version: ``projects/acme/serviceAccounts``. Projects are found
by id or number, as in the APIs.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from scanner.demo.fakes.gcp.faults import Faults

Row = dict[str, Any]
_NUMBERED = re.compile(r"projects/\d+(?![^/:])")
CREATED = "2024-03-01T08:00:00.123456Z"


class Cloud:
    """State. ``log``: requests, ``METHOD /path?query`` or a gRPC method. ``policies``: by full resource name.

    ``rights``: the permissions of every caller in tests of permissions.
    """

    def __init__(self) -> None:
        self.organizations: dict[str, Row] = {}
        self.folders: dict[str, Row] = {}
        self.projects: dict[str, Row] = {}
        self.rows: defaultdict[str, list[Row]] = defaultdict(list)
        self.policies: dict[str, Row] = {}
        self.rights: set[str] = set()
        self.faults = Faults()
        self.log: list[str] = []

    def add_organization(self, number: str, display_name: str = "example.com") -> str:
        """Returns its name, for children."""
        name = f"organizations/{number}"
        self.organizations[number] = {
            "name": name,
            "displayName": display_name,
            "directoryCustomerId": "C0123abcd",
            "state": "ACTIVE",
            "createTime": CREATED,
        }
        return name

    def add_folder(self, number: str, parent: str, display_name: str = "team") -> str:
        """Returns its name, for children."""
        name = f"folders/{number}"
        self.folders[number] = {
            "name": name,
            "parent": parent,
            "displayName": display_name,
            "state": "ACTIVE",
            "createTime": CREATED,
        }
        return name

    def add_project(self, project: str, number: str, parent: str | None = None, **fields: Any) -> str:
        """Returns its id. ``fields``: labels, state and others."""
        row = {"name": f"projects/{number}", "projectId": project, "state": "ACTIVE", "createTime": CREATED}
        self.projects[project] = row | ({} if parent is None else {"parent": parent}) | fields
        return project

    def add_account(self, project: str, name: str, **fields: Any) -> Row:
        """A user-managed service account, or one with a given ``email``. Its unique id is derived from the e-mail."""
        email = fields.pop("email", f"{name}@{project}.iam.gserviceaccount.com")
        unique = fields.pop("uniqueId", digits(email, 21))
        row = {
            "name": f"projects/{project}/serviceAccounts/{email}",
            "projectId": project,
            "uniqueId": unique,
            "email": email,
            "etag": "MDEwMjE5MjA=",
            "oauth2ClientId": unique,
        }
        return self.add(f"projects/{project}/serviceAccounts", row | fields)

    def add(self, collection: str, row: Row) -> Row:
        """Add a row to a listing."""
        self.rows[collection].append(row)
        return row

    def set_policy(
        self,
        name: str,
        *bindings: Row,
        asset_type: str = "cloudresourcemanager.googleapis.com/Project",
        project: str | None = None,
    ) -> None:
        """The allow policy of a resource by its full name, ``//cloudresourcemanager.googleapis.com/projects/acme``.

        ``project``: the id of the project of a bucket, whose name does not say.
        """
        policy = {"version": 3 if any("condition" in one for one in bindings) else 1, "bindings": list(bindings)}
        held = {"assetType": asset_type, "policy": policy | {"etag": "BwYfE0kd9wE="}}
        self.policies[name] = held if project is None else held | {"project": project}

    def canonical(self, path: str) -> str:
        """The path with a project's number replaced by its id."""
        numbered = _NUMBERED.match(path)
        for project, row in self.projects.items():
            if numbered is not None and row["name"] == numbered.group():
                return f"projects/{project}{path[numbered.end() :]}"
        return path

    def exists(self, place: str) -> bool:
        """Whether the project (by id), folder or organization exists."""
        kind, _, name = place.partition("/")
        return name in {"projects": self.projects, "folders": self.folders, "organizations": self.organizations}[kind]

    def ancestors(self, project: str) -> list[str]:
        """Ancestors, the nearest first, beginning with the project itself by its number, as in Cloud Asset."""
        row = self.projects[project]
        chain = [row["name"]]
        parent = row.get("parent")
        while parent:
            chain.append(parent)
            parent = self.folders.get(parent.removeprefix("folders/"), {}).get("parent")
        return chain

    def below(self, place: str) -> Iterator[str]:
        """Ids of the projects at or below a resource."""
        for project in self.projects:
            if place in (f"projects/{project}", *self.ancestors(project)):
                yield project


def digits(text: str, length: int) -> str:
    """A number of that many digits, derived from a text; it does not begin with zero."""
    number = int(hashlib.sha256(text.encode()).hexdigest(), 16) % 10 ** (length - 1)
    return str(10 ** (length - 1) + number)
