"""Roles: predefined roles, and custom roles of organizations and projects.

``view=FULL`` includes the permissions, ``showDeleted`` deleted roles, as the IAM API documents.
"""

from __future__ import annotations

from scanner.demo.fakes.gcp.call import Call, FakeRoute, paged
from scanner.demo.fakes.gcp.cloud import Cloud, Row
from scanner.demo.fakes.gcp.faults import Refused

_PERMISSIONS = "includedPermissions"


def add_role(cloud: Cloud, name: str, *permissions: str, deleted: bool = False, stage: str = "GA") -> str:
    """A role by its full name, ``roles/viewer`` or ``projects/acme/roles/ours``. Returns its name, for bindings.

    ``stage``: ``DISABLED`` for a disabled custom role.
    """
    row: Row = {"name": name, "title": name.rpartition("/")[2], "stage": stage, "etag": "AA=="}
    row |= {_PERMISSIONS: list(permissions)} if permissions else {}
    cloud.add(name.rpartition("/")[0], row | ({"deleted": True} if deleted else {}))
    return name


def _list(call: Call) -> Row:
    shown = [row for row in call.cloud.rows[call.path] if call.one("showDeleted") == "true" or not row.get("deleted")]
    if call.one("view") != "FULL":
        shown = [{name: value for name, value in row.items() if name != _PERMISSIONS} for row in shown]
    return paged(call, shown, "roles", default=300, cap=1000)


def _get(call: Call) -> Row:
    collection, _, _ = call.path.rpartition("/")
    for row in call.cloud.rows[collection]:
        if row["name"] == call.path:
            return row
    raise Refused(404, f"The role named {call.path} was not found.")


_PARENTS = ("/v1/roles", "/v1/projects/{project}/roles", "/v1/organizations/{organization}/roles")
ROUTES = (
    *(FakeRoute(api="iam", path=parent, answer=_list) for parent in _PARENTS),
    *(FakeRoute(api="iam", path=f"{parent}/{{role}}", answer=_get) for parent in _PARENTS),
)
