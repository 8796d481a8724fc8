"""A small tree and its rights, for the tests of what is pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.gcp.rights.assignments import assignments_of
from connectors.gcp.rights.bindings import Binding, accounts_of
from connectors.gcp.rights.conditions import Expression
from connectors.gcp.rights.deny import Denials, Rule, parse_deny_policy
from connectors.gcp.rights.judging import Holdings
from connectors.gcp.rights.members import parse_member
from connectors.gcp.rights.roles import GcpRoles, Role
from connectors.gcp.rights.tree import Tree, full_name
from connectors.gcp.rights.vocabulary import counted
from scanner.model import Assignment

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
ORGANIZATION = "organizations/123"
TREE = Tree(
    numbers={"111": "acme-prod", "222": "acme-dev"},
    parents={
        "projects/acme-prod": ("folders/45", ORGANIZATION),
        "projects/acme-dev": (ORGANIZATION,),
        "folders/45": (ORGANIZATION,),
    },
    emails={"100000000000000000001": "billing@acme-prod.iam.gserviceaccount.com"},
)
BILLING = "billing@acme-prod.iam.gserviceaccount.com"
BUILDER = "builder@acme-dev.iam.gserviceaccount.com"
DEPLOYER = "deployer@acme-prod.iam.gserviceaccount.com"
OUTSIDER = "bot@vendor-prod.iam.gserviceaccount.com"


def key_of(email: str, project: str = "acme-prod") -> str:
    return f"//iam.googleapis.com/projects/{project}/serviceAccounts/{email}"


def bound(place: str, role: str, member: str = f"serviceAccount:{BILLING}", condition: str | None = None) -> Binding:
    """A binding; a member without a prefix is a service account."""
    return Binding(
        resource=TREE.resource(place if place.startswith("//") else full_name(place)),
        role=role,
        member=parse_member(member if ":" in member or member.startswith("all") else f"serviceAccount:{member}"),
        condition=None if condition is None else Expression(expression=condition),
    )


def deny(place: str, **rule: Any) -> Mapping[str, tuple[Rule, ...]]:
    """A deny policy with one rule, by where it is attached."""
    name = f"policies/cloudresourcemanager.googleapis.com%2F{place.replace('/', '%2F')}/denypolicies/guard"
    attached, rules = parse_deny_policy({"name": name, "rules": [{"denyRule": rule}]})
    return {attached: rules}


def holdings(
    *bindings: Binding,
    roles: Mapping[str, tuple[str, ...]] | None = None,
    denied: Mapping[str, tuple[Rule, ...]] | None = None,
    unread: tuple[str, ...] = (),
    tree: Tree = TREE,
) -> Holdings:
    """These bindings together, each role with these permissions."""
    read = GcpRoles(Role(name=name, permissions=counted(permissions)) for name, permissions in (roles or {}).items())
    return Holdings(bindings, read, tree, Denials(denied or {}, tree, NOW), NOW, unread)


def assigned(
    *bindings: Binding, listed: Mapping[str, frozenset[str]] | None = None, scope: str = ORGANIZATION, **facts: Any
) -> list[Assignment]:
    """Their assignments; ``listed``: the e-mails of projects whose accounts were."""
    known = listed or {}
    rows = [(project, email, f"id of {email}") for project, emails in known.items() for email in sorted(emails)]
    accounts = accounts_of(rows, known)
    return list(assignments_of(bindings, holdings(*bindings, **facts), accounts, source="prod", scope=scope))
