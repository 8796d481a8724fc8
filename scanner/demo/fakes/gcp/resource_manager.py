"""Resource Manager v3, and the allow policies that it and IAM return."""

from __future__ import annotations

from typing import Any

from scanner.demo.fakes.gcp.call import Answer, Call, FakeRoute, paged
from scanner.demo.fakes.gcp.cloud import Row
from scanner.demo.fakes.gcp.faults import Refused

_HOST = "//cloudresourcemanager.googleapis.com"
_WITH_CONDITIONS = 3
"""The policy version with conditions."""


def _search(kind: str) -> Answer:
    def search(call: Call) -> Row:
        rows = getattr(call.cloud, kind).values()
        asked = call.one("query").removeprefix("state:")
        return paged(call, [row for row in rows if asked in ("", row["state"])], kind, default=100, cap=1000)

    return search


def _get(kind: str) -> Answer:
    def get(call: Call) -> Row:
        _must_exist(call, f"{kind}/{call.places['name']}")
        row: Row = getattr(call.cloud, kind)[call.places["name"]]
        return row

    return get


def _policy(kind: str) -> Answer:
    def policy(call: Call) -> Row:
        place = f"{kind}/{call.places['name']}"
        _must_exist(call, place)
        return policy_of(call, f"{_HOST}/{place}", version=(call.body or {}).get("options", {}))

    return policy


def _test(kind: str) -> Answer:
    def test(call: Call) -> Row:
        _must_exist(call, f"{kind}/{call.places['name']}")
        granted = [one for one in (call.body or {}).get("permissions", []) if one in call.cloud.rights]
        return {"permissions": granted} if granted else {}

    return test


def policy_of(call: Call, name: str, version: Any) -> Row:
    """The policy of a resource; requests for a lower version than 3 change its conditional bindings."""
    found: Row = call.cloud.policies.get(name, {}).get("policy", {"etag": "ACAB"})
    if version.get("requestedPolicyVersion") == _WITH_CONDITIONS:
        return found
    bindings = [
        {**one, "role": f"{one['role']}_withcond_0123456789abcdef"} if "condition" in one else one
        for one in found.get("bindings", [])
    ]
    plain = [{name: value for name, value in one.items() if name != "condition"} for one in bindings]
    return {**found, "version": 1, **({"bindings": plain} if plain else {})}


def _must_exist(call: Call, place: str) -> None:
    if not call.cloud.exists(place):
        raise Refused(403, f"The caller does not have permission on {place} (or it may not exist).")


_KINDS = ("organizations", "folders", "projects")
ROUTES = (
    *(FakeRoute(api="cloudresourcemanager", path=f"/v3/{kind}:search", answer=_search(kind)) for kind in _KINDS),
    *(FakeRoute(api="cloudresourcemanager", path=f"/v3/{kind}/{{name}}", answer=_get(kind)) for kind in _KINDS),
    *(
        FakeRoute(api="cloudresourcemanager", path=f"/v3/{kind}/{{name}}:{verb}", method="POST", answer=answer(kind))
        for kind in _KINDS
        for verb, answer in (("getIamPolicy", _policy), ("testIamPermissions", _test))
    ),
)
