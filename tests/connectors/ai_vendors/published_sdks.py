"""Writes anew what is kept of the APIs of OpenAI and Anthropic, from the types of their published SDKs.

::

    pip install openai==3.57.0 anthropic==2.14.0      # in an environment of its own
    python -m tests.connectors.ai_vendors.published_sdks

Both vendors generate their SDKs from their OpenAPI descriptions, which they publish late or not at all. Kept are the
requests of a connector's table: path, parameters, and the shape of the answer, in which an unknown field is an error.
OpenAI's SDK is under the Apache licence 2.0, Anthropic's under the MIT licence.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1]
_NO_QUERY = frozenset({"extra_headers", "extra_query", "extra_body", "timeout", "self", "betas", "user_profile_id"})
_WORDS = frozenset({"description", "title", "default", "examples"})

OPENAI = {
    "/v1/organization/projects": "admin.organization.projects.list",
    "/v1/organization/projects/{project_id}/api_keys": "admin.organization.projects.api_keys.list",
    "/v1/organization/projects/{project_id}/service_accounts": "admin.organization.projects.service_accounts.list",
    "/v1/organization/projects/{project_id}/hosted_tool_permissions": (
        "admin.organization.projects.hosted_tool_permissions.retrieve"
    ),
    "/v1/organization/projects/{project_id}/model_permissions": (
        "admin.organization.projects.model_permissions.retrieve"
    ),
    "/v1/projects/{project_id}/users/{user_id}/roles": "admin.organization.projects.users.roles.list",
    "/v1/organization/admin_api_keys": "admin.organization.admin_api_keys.list",
    "/v1/organization/users": "admin.organization.users.list",
    "/v1/organization/users/{user_id}/roles": "admin.organization.users.roles.list",
    "/v1/organization/groups": "admin.organization.groups.list",
    "/v1/organization/groups/{group_id}/users": "admin.organization.groups.users.list",
    "/v1/organization/groups/{group_id}/roles": "admin.organization.groups.roles.list",
    "/v1/organization/workload_identity_providers": "admin.organization.workload_identity_providers.list",
    "/v1/organization/workload_identity_providers/{provider_id}/federation_rules": (
        "admin.organization.workload_identity_providers.federation_rules.list"
    ),
    "/v1/organization/audit_logs": "admin.organization.audit_logs.list",
    **{
        f"/v1/organization/usage/{kind}": f"admin.organization.usage.{kind}"
        for kind in ("completions", "embeddings", "images", "audio_speeches", "audio_transcriptions", "moderations")
    },
    "/v1/agents": "beta.agents.list",
    "/v1/agents/automations": "beta.agents.automations.list",
    "/v1/agents/automations/{automation_id}/invocations": "beta.agents.automations.invocations.list",
    "/v1/vaults": "beta.agents.vaults.list",
    "/v1/vaults/{vault_id}/credentials": "beta.agents.vaults.credentials.list",
}
ANTHROPIC = {
    "/v1/organizations/me": "beta.organization.retrieve",
    "/v1/organizations/api_keys": "beta.organization.api_keys.list",
    "/v1/organizations/users": "beta.organization.users.list",
    "/v1/organizations/workspaces": "beta.organization.workspaces.list",
    "/v1/organizations/workspaces/{workspace_id}/members": "beta.organization.workspaces.members.list",
    "/v1/organizations/service_accounts": "beta.organization.service_accounts.list",
    "/v1/organizations/service_accounts/{id}/workspaces": "beta.organization.service_accounts.workspaces.list",
    "/v1/organizations/federation_issuers": "beta.organization.federation.issuers.list",
    "/v1/organizations/federation_rules": "beta.organization.federation.rules.list",
    "/v1/organizations/rbac_groups": "beta.organization.rbac_groups.list",
    "/v1/organizations/rbac_groups/{id}/members": "beta.organization.rbac_groups.members.list",
    "/v1/organizations/rbac_roles": "beta.organization.rbac_roles.list",
    "/v1/organizations/rbac_roles/{id}/permissions": "beta.organization.rbac_roles.permissions.list",
    "/v1/organizations/analytics/usage": "beta.organization.analytics.usage.list",
    "/v1/agents": "beta.agents.list",
    "/v1/deployments": "beta.deployments.list",
    "/v1/vaults": "beta.vaults.list",
    "/v1/vaults/{vault_id}/credentials": "beta.vaults.credentials.list",
}
NESTED = {"effective_at": ("gt", "gte", "lt", "lte")}
"""Parameters with members of their own."""
_TEXT = {"type": ["string", "null"]}
_ACTOR = {"type": {"type": "string"}} | dict.fromkeys(
    ("email_address", "user_id", "service_account_id", "api_key_id", "admin_api_key_id", "ip_address", "user_agent"),
    _TEXT,
)
_ACTIVITY = {
    "type": "object",
    "required": ["id", "created_at", "actor", "type"],
    "properties": {
        "id": {"type": "string"},
        "created_at": {"type": "string"},
        "type": {"type": "string"},
        "actor": {"type": "object", "required": ["type"], "properties": _ACTOR, "additionalProperties": False},
    },
}
_PAGE = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": {"type": "array", "items": _ACTIVITY}, "has_more": {}, "first_id": {}, "last_id": {}},
}
_BUCKET = {
    "type": "object",
    "required": ["starting_at", "ending_at", "results"],
    "properties": {
        "starting_at": {"type": "string"},
        "ending_at": {"type": "string"},
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["uncached_input_tokens", "output_tokens"],
                "properties": {"api_key_id": _TEXT, "uncached_input_tokens": {}, "output_tokens": {}},
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
_REPORT = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": {"type": "array", "items": _BUCKET}, "has_more": {}, "next_page": {}},
}


def _documented(page: Mapping[str, Any], *query: str) -> dict[str, Any]:
    return {
        "get": {
            "parameters": [{"name": one, "in": "query"} for one in query],
            "responses": {"200": {"content": {"application/json": {"schema": page}}}},
        }
    }


DOCUMENTED = {
    "/v1/compliance/activities": _documented(
        _PAGE, "limit", "after_id", "before_id", "created_at.gte", "created_at.gt", "created_at.lt"
    ),
    "/v1/organizations/usage_report/messages": _documented(
        _REPORT, "limit", "page", "starting_at", "ending_at", "bucket_width", "group_by[]"
    ),
}
"""What Anthropic's SDK does not have, from its documentation: of activities, each type has members of its own."""


class _Recorded(Exception):
    pass


def described(module: str, client: Any, table: Mapping[str, str], base: str) -> dict[str, Any]:
    """The requests as an OpenAPI description. Raises ValueError where the SDK asks another path."""
    seen: list[Any] = []

    def recorded(cast_to: Any, options: Any, **_: Any) -> Any:
        seen[:] = [options, cast_to]
        raise _Recorded

    client.request = recorded
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for path, name in table.items():
        method: Any = client
        for step in name.split("."):
            method = getattr(method, step)
        named = inspect.signature(method).parameters
        # Without a default are the places in the path, and what a request has always.
        values = {one: f"<{one}>" for one, what in named.items() if what.default is inspect.Parameter.empty}
        with suppress(_Recorded):
            method(**values)
        options, answer = seen
        url = base + options.url.partition("?")[0].replace("%3C", "<").replace("%3E", ">")
        if re.sub(r"<\w+>", "{}", url) != re.sub(r"\{\w+\}", "{}", path):
            raise ValueError(f"{name} asks {url}, not {path}")
        in_path = set(re.findall(r"<(\w+)>", url))
        shape = answer.model_json_schema(mode="validation", ref_template=f"#/components/schemas/{name}.{{model}}")
        for one, schema in shape.pop("$defs", {}).items():
            schemas[f"{name}.{one}"] = _strict(schema)
        whole = _strict(shape)
        if "data" in whole.get("properties", {}):  # a page has more members than the SDK names, such as its first id
            whole["additionalProperties"] = True
        query = sorted({*named} - _NO_QUERY - in_path)
        query += [f"{one}[{each}]" for one in query for each in NESTED.get(one, ())]
        sent = options.headers if isinstance(options.headers, Mapping) else {}
        paths[path] = {
            options.method: {
                "x-headers": {name.lower(): value for name, value in sent.items() if "beta" in name.lower()},
                "parameters": [{"name": one, "in": "query"} for each in query for one in (each, f"{each}[]")],
                "responses": {"200": {"content": {"application/json": {"schema": whole}}}},
            }
        }
    return {"info": {"version": import_module(module).__version__}, "paths": paths, "components": {"schemas": schemas}}


def _strict(found: Any, *, is_properties: bool = False) -> Any:
    """Without words; an object with properties has no others."""
    match found:
        case dict():
            plain = {
                name: _strict(value, is_properties=name == "properties" and not is_properties)
                for name, value in found.items()
                if is_properties or name not in _WORDS
            }
            if not is_properties and "properties" in plain:
                plain["additionalProperties"] = False
            return plain
        case list():
            return [_strict(one) for one in found]
    return found


if __name__ == "__main__":
    openai: Any = import_module("openai").OpenAI(api_key="-", admin_api_key="-")
    anthropic: Any = import_module("anthropic").Anthropic(api_key="-")
    for module, client, table, base in (
        ("openai", openai, OPENAI, "/v1"),
        ("anthropic", anthropic, ANTHROPIC, ""),
    ):
        found = described(module, client, table, base)
        found["paths"] |= DOCUMENTED if module == "anthropic" else {}
        text = json.dumps(found, indent=1, sort_keys=True) + "\n"
        (HERE / module / "published.json").write_text(text, encoding="utf-8")
