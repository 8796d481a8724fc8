"""IAM roles as identities, from everything that was read of them (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import structs

from connectors.aws.agent_trust import agent_signals
from connectors.aws.identities import Place, boundary_of, known
from connectors.aws.model_calls import lets_models_answer
from connectors.aws.payloads import RoleDetail, tags_of, utc
from connectors.aws.permissions import Permissions
from connectors.unread import unread_facts
from scanner.model import Identity, Link, Signal, Trust

ROLE_USE_TRACKED_DAYS = 400

_SERVICE_LINKED = re.compile(r"/aws-service-role/([^/]+)/")
_IDENTITY_CENTER = "/aws-reserved/sso.amazonaws.com/"


def role_identity(
    role: RoleDetail,
    trusts: tuple[Trust, ...] | None,
    permissions: Permissions,
    links: Iterable[Link],
    place: Place,
    *,
    by_name: bool = False,
) -> Identity:
    """An IAM role. ``trusts``: None where its trust policy could not be read.

    ``by_name``: it comes from a listing without tags, because the full one was refused.
    """
    used = role.role_last_used
    managed_by, provider_signals = _nature(role)
    # Of a role without any policy nobody knows yet what it will be used for.
    answers = not permissions.documents or not permissions.is_whole or lets_models_answer(permissions.documents)
    of_agents = agent_signals(role.assume_role_policy_document, trusts or (), answers=answers)
    return Identity(
        key=role.arn,
        provider="aws",
        source=place.source,
        scope=place.account,
        kind="role",
        name=role.role_name,
        description=role.description or None,
        unique_id=role.role_id,
        enabled=True,
        created_at=utc(role.create_date),
        last_used_at=utc(used.last_used_date) if used else None,
        use_tracked_days=None if used is None else ROLE_USE_TRACKED_DAYS,
        managed_by=managed_by,
        tags=tags_of(role.tags),
        attributes=known(
            path=role.path,
            boundary=boundary_of(role.permissions_boundary),
            last_used_region=used.region if used else None,
            instance_profiles=sorted(profile.instance_profile_name for profile in role.instance_profile_list),
            token_subjects=_token_subjects(role, place),
            session_seconds=role.max_session_duration,
            template=role.source_role_template.template_arn if role.source_role_template else None,
        ),
        signals=(*provider_signals, *of_agents, *permissions.signals),
        privilege=permissions.privilege,
        grants=permissions.grants,
        links=tuple(links),
        trusts=trusts or (),
        reach=(*permissions.elsewhere, *permissions.takeovers),
        unread=unread_facts(
            permissions=not permissions.is_whole,
            tags=by_name,
            trusts=trusts is None,
            use=by_name and used is None,
        ),
    )


def _token_subjects(role: RoleDetail, place: Place) -> list[list[str]]:
    """What AWS vouches for to others: a session of the role, by whatever name (IAM's identifiers of principals)."""
    partition = role.arn.split(":")[1]
    return [[f"aws:{place.account}", f"arn:{partition}:sts::{place.account}:assumed-role/{role.role_name}/*"]]


def with_details(role: RoleDetail, details: Mapping[str, RoleDetail]) -> RoleDetail:
    """The role with what only the smaller listing (by ARN) tells of it."""
    if role.arn not in details:
        return role
    told = details[role.arn]
    return structs.replace(
        role,
        description=told.description,
        max_session_duration=told.max_session_duration,
        source_role_template=told.source_role_template,
    )


def manager_of(role: RoleDetail) -> str | None:
    """Who manages a role other than its owner; None: nobody."""
    return _nature(role)[0]


def _nature(role: RoleDetail) -> tuple[str | None, tuple[Signal, ...]]:
    """Who manages it, and what that says: from its path, which only AWS itself can give those values."""
    if linked := _SERVICE_LINKED.fullmatch(role.path):
        words = f"AWS service-linked role of {linked[1]}"
        return words, (Signal(says="machine", sort="provider", evidence=words),)
    if role.path.startswith(_IDENTITY_CENTER):
        words = "human access through IAM Identity Center"
        return words, (Signal(says="human", sort="provider", evidence=words),)
    return None, (Signal(says="machine", sort="provider", evidence="an IAM role"),)
