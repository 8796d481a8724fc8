"""The privilege of roles and keys, by their permissions, never by their names (pure).

Source: OpenAI's documentation of role-based access control, "Permissions": ``api.AREA.read`` and ``api.AREA.write``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from connectors.ai_vendors.records import REASONS, Rights, highest
from connectors.openai.payloads import Role
from scanner.model import POTENTIAL, Consequence, ConsequenceKind, Grant, PrivilegeLevel

_ORGANIZATION: Final = "organization"
_ADMIN = re.compile(r"\*|(?:api\.)?(?:management|organization)\.(?:write|\*)|(?:api\.)?\*")
_ESCALATION = re.compile(
    r"(?:api\.)?(?:organization\.)?(?:admin_api_keys|roles|role_assignments|users|members|rbac)\.(?:write|\*)"
)
"""It makes itself an admin: by an admin key, or by the role that it gives itself."""
_GROUPS = re.compile(r"(?:api\.)?(?:organization\.)?groups\.(?:write|\*)")
_HIGH = re.compile(
    r"(?:api\.)?(?:[\w.]+\.)?(?:service_accounts|api_keys|projects?|workload_identity\w*|audit_logs|external_\w+)"
    r"\.(?:write|\*)"
)
_KINDS: Mapping[ConsequenceKind, str] = {
    "change_rights": r"(?:roles|groups|users|members|service_accounts|api_keys|projects?)\.(?:write|\*)",
    "invoke_models": r"(?:model\w*|responses|chat|agents|assistants|threads|evals|batch\w*)\.(?:request|write|\*)",
    "read_data": r"(?:files|vector_stores|threads|conversations|sessions|datasets)\.(?:read|write|\*)",
    "delete": r"(?:files|vector_stores|threads|conversations|datasets)\.(?:write|delete|\*)",
    "read_secrets": r"(?:vaults?|vault_credentials)\.(?:read|write|\*)",
}
_CONSEQUENCES = {kind: re.compile(rf"(?:.*\.)?{pattern}") for kind, pattern in _KINDS.items()}
_OWNER: Final = "owner"
OF_A_PROJECT: Final = frozenset({"owner", "member"})


def rights_of(
    roles: Iterable[tuple[Role, str]], *, project: str = "", project_role: str | None = None, owns: Iterable[str] = ()
) -> Rights:
    """``roles``: with what each comes by. ``project_role``: in the project of that name. ``owns``: what makes an admin.

    A role in a project counts as high where the same would be an escalation in the organization: it ends there.
    """
    levels: list[tuple[PrivilegeLevel, str]] = [("admin", one) for one in owns]
    grants: dict[Grant, None] = {}
    allowed: dict[tuple[ConsequenceKind, str], set[str]] = {}
    for role, via in roles:
        is_whole = _ORGANIZATION in role.resource_type
        grants[Grant(name=role.name or role.id, via=via, resource=role.resource_type or None)] = None
        for permission in role.permissions:
            level = _level(permission)
            bounded = level if is_whole or level == "normal" else "high"
            levels.append((bounded, _why(bounded, permission, f"the role {role.name or role.id}")))
            for kind, pattern in _CONSEQUENCES.items():
                if pattern.fullmatch(permission):
                    allowed.setdefault((kind, f"the role {role.name or role.id}"), set()).add(permission)
    if project_role in OF_A_PROJECT:
        by = f"{project_role} of the project {project}"
        grants[Grant(name=f"project {project_role}", via="direct", resource=project)] = None
        levels.append(("high" if project_role == _OWNER else "normal", by))
        allowed.setdefault(("invoke_models", by), set()).add("api.model.request")
        if project_role == _OWNER:
            allowed.setdefault(("change_rights", by), set()).add("api.api_keys.write")
    return Rights(
        privilege=highest(levels),
        grants=tuple(grants),
        consequences=tuple(
            Consequence(kind=kind, actions=tuple(sorted(actions)[:REASONS]), by=by)
            for (kind, by), actions in sorted(allowed.items())
        ),
    )


def _level(permission: str) -> PrivilegeLevel:
    if _ADMIN.fullmatch(permission):
        return "admin"
    if _ESCALATION.fullmatch(permission):
        return "escalation"
    return "high" if _HIGH.fullmatch(permission) or _GROUPS.fullmatch(permission) else "normal"


def _why(level: PrivilegeLevel, permission: str, role: str) -> str:
    if level == "escalation":
        return f"using {permission}, which {role} allows"
    if _GROUPS.fullmatch(permission):
        return f"{POTENTIAL}could join groups with more roles: {role} allows {permission}"
    return f"{role} allows {permission}"
