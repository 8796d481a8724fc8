"""The values of states, kinds and levels, as stored and printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

SCHEMA = "muster.scan/1"

Severity: TypeAlias = Literal["critical", "high", "medium", "low", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")
"""Highest first."""
SEVERITY_RANK: Mapping[Severity, int] = {severity: rank for rank, severity in enumerate(SEVERITIES)}
"""The position of each severity, for sorting."""

CredentialKind: TypeAlias = Literal[
    "access_key", "password", "client_secret", "certificate", "secret_id", "token", "api_key", "ssh_key",
    "federation", "service_specific",
]  # fmt: skip
ROTATED: frozenset[CredentialKind] = frozenset(
    {"access_key", "client_secret", "secret_id", "token", "api_key", "ssh_key", "service_specific"}
)
"""Kinds of credentials that stay valid until they are rotated.

A certificate expires by itself, and federation stores no secret.
"""
Relation: TypeAlias = Literal["can_assume", "runs_as", "stores", "federates", "member_of", "acts_as"]
Fact: TypeAlias = Literal["credentials", "permissions", "tags", "trusts", "use"]
"""Facts of an identity that a gap can hide."""

Rung: TypeAlias = Literal["key", "unique_id", "credential", "tag", "alias", "name", "glob"]
RUNGS: tuple[Rung, ...] = get_args(Rung)

NatureVerdictName: TypeAlias = Literal["non_human", "human", "mixed", "unknown"]
RegistryState: TypeAlias = Literal["registered", "unregistered", "ambiguous", "exempt", "unchecked"]
OwnershipState: TypeAlias = Literal["owned", "orphaned", "unchecked", "not_applicable"]
OrphanReason: TypeAlias = Literal[
    "unregistered", "ambiguous", "never_assigned", "departed", "unresolvable", "group_empty", "owner_is_machine"
]  # fmt: skip
UsageState: TypeAlias = Literal["active", "dormant", "never_used", "disabled", "unknown"]
PrivilegeLevel: TypeAlias = Literal["admin", "escalation", "high", "normal", "unknown"]
PRIVILEGES: tuple[PrivilegeLevel, ...] = ("admin", "escalation", "high", "unknown", "normal")
"""Highest first. ``unknown`` can hide any level, so it outranks ``normal``."""
POWERFUL: frozenset[PrivilegeLevel] = frozenset({"admin", "escalation"})
"""Levels of an admin, or of an identity that can escalate to one."""
ConsequenceKind: TypeAlias = Literal[
    "administer", "change_rights", "read_secrets", "read_data", "send", "delete", "pay", "invoke_models", "share",
    "hide_traces",
]  # fmt: skip
CONSEQUENCES: Mapping[ConsequenceKind, str] = {
    "administer": "administer everything",
    "change_rights": "change the rights of others",
    "read_secrets": "read secrets",
    "read_data": "read data",
    "send": "send messages",
    "delete": "destroy data",
    "pay": "spend money",
    "invoke_models": "invoke models",
    "share": "open to others",
    "hide_traces": "hide traces",
}
"""High-consequence actions by kind, as reports and registries name them. ``administer``: any action, in its scope."""
EntryStatus: TypeAlias = Literal["proposed", "active", "suspended", "retired"]
EntryState: TypeAlias = Literal[
    "found", "not_found", "not_evaluated", "retired_but_alive", "retired", "proposed", "suspended"
]  # fmt: skip
InputRole: TypeAlias = Literal["config", "registry", "people", "export"]
PersonStatus: TypeAlias = Literal["active", "leaving", "left", "unknown"]
FindingStatus: TypeAlias = Literal["new", "open", "reopened"]
FindingState: TypeAlias = Literal["worsened", "open", "in_review", "proposed", "asked", "acknowledged"]
Handled: TypeAlias = Literal["in_review", "proposed"]
DriftAspect: TypeAlias = Literal[
    "owner", "environment", "systems", "permissions", "credential_id", "credential_kind", "credential_age", "reach"
]  # fmt: skip
