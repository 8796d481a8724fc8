"""Users and roles as identities, from everything that was read of them (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from connectors.aws.credential_report import ReportRow
from connectors.aws.keys import KeyUse, is_active
from connectors.aws.payloads import AccessKey, Boundary, RoleDetail, UserDetail, tags_of, utc
from connectors.aws.permissions import Permissions
from connectors.aws.trust import agent_signals
from connectors.unread import unread_facts
from scanner.model import Credential, Identity, Link, Signal, Trust, credential_key

USER_USE_TRACKED_DAYS = 3650
"""Passwords have been tracked since 2014-10-20 and keys since 2015-04-22: longer than this, and ever longer."""
ROLE_USE_TRACKED_DAYS = 400

_SERVICE_LINKED = re.compile(r"/aws-service-role/([^/]+)/")
_IDENTITY_CENTER = "/aws-reserved/sso.amazonaws.com/"


class Place(Struct, frozen=True, kw_only=True, gc=False):
    """Where identities were found; ``partition`` is the part of every ARN that tells AWS's worlds apart."""

    source: str
    account: str
    partition: str = "aws"


class UserFacts(Struct, frozen=True, kw_only=True, gc=False):
    """What was found out about one user's credentials.

    ``keys``: None where they could not be listed. ``uses`` by key id; a key that is not in it: its use is unknown.
    ``password``: None where it could not be read. ``password_use_known``: whether "no use" means "never".
    """

    row: ReportRow | None = None
    keys: tuple[AccessKey, ...] | None = None
    uses: Mapping[str, KeyUse] = {}
    password: bool | None = None
    password_last_used_at: datetime | None = None
    password_use_known: bool = False

    @property
    def active_keys(self) -> int | None:
        """Active access keys: as listed, else as the report counts them; None: unknown."""
        if self.keys is not None:
            return sum(map(is_active, self.keys))
        return None if self.row is None else self.row.active_keys

    @property
    def enabled(self) -> bool | None:
        """Whether it can sign in or sign requests; None where something that decides it is unknown."""
        certificate = self.row is not None and self.row.certificate_active
        if self.password or self.active_keys or certificate:
            return True
        return None if self.password is None or self.active_keys is None else False

    @property
    def last_used_at(self) -> datetime | None:
        """The newest use of any credential, deleted keys' included."""
        return newest(
            self.row.last_used_at if self.row else None,
            self.password_last_used_at,
            *(use.last_used_at for use in self.uses.values()),
        )

    @property
    def use_tracked(self) -> bool:
        """Whether every credential's use is known, so that "no use" means "never"."""
        if self.row is not None:
            return True
        return self.keys is not None and self._uses_known and (self.password is False or self.password_use_known)

    @property
    def credentials_known(self) -> bool:
        """Whether its keys are listed and it is known whether it has a password."""
        return self.keys is not None and self.password is not None

    @property
    def use_known(self) -> bool:
        """Whether its last use is known, and that of each of its keys."""
        return self.use_tracked and self._uses_known

    @property
    def _uses_known(self) -> bool:
        return all(key.access_key_id in self.uses for key in self.keys or ())


def user_identity(
    user: UserDetail,
    facts: UserFacts,
    permissions: Permissions,
    links: Iterable[Link],
    place: Place,
    *,
    by_name: bool = False,
) -> Identity:
    """An IAM user. ``by_name``: it comes from a listing without tags, because the full one was refused."""
    last_used_at = facts.last_used_at
    return Identity(
        key=user.arn,
        provider="aws",
        source=place.source,
        scope=place.account,
        kind="user",
        name=user.user_name,
        unique_id=user.user_id,
        enabled=facts.enabled,
        created_at=utc(user.create_date),
        last_used_at=last_used_at,
        use_tracked_days=USER_USE_TRACKED_DAYS if facts.use_tracked else None,
        tags=tags_of(user.tags),
        attributes=known(
            path=user.path,
            groups=sorted(user.group_list),
            boundary=_boundary(user.permissions_boundary),
            console_password=facts.password,
            mfa_active=facts.row.mfa_active if facts.row else None,
            active_keys=facts.active_keys,
        ),
        signals=(*_user_signals(facts), *permissions.signals),
        privilege=permissions.privilege,
        credentials=(*_keys(user.arn, facts), *_password(user, facts)),
        grants=permissions.grants,
        links=tuple(links),
        unread=unread_facts(
            credentials=not facts.credentials_known,
            permissions=not permissions.is_whole,
            tags=by_name,
            use=not facts.use_known,
        ),
    )


def role_identity(
    role: RoleDetail,
    trusts: tuple[Trust, ...] | None,
    permissions: Permissions,
    links: Iterable[Link],
    place: Place,
    *,
    by_name: bool = False,
) -> Identity:
    """An IAM role. ``trusts``: None where its trust policy could not be read; ``by_name`` as for a user."""
    used = role.role_last_used
    managed_by, provider_signals = _role_nature(role)
    return Identity(
        key=role.arn,
        provider="aws",
        source=place.source,
        scope=place.account,
        kind="role",
        name=role.role_name,
        description=role.description,
        unique_id=role.role_id,
        enabled=True,
        created_at=utc(role.create_date),
        last_used_at=utc(used.last_used_date) if used else None,
        use_tracked_days=None if used is None else ROLE_USE_TRACKED_DAYS,
        managed_by=managed_by,
        tags=tags_of(role.tags),
        attributes=known(
            path=role.path,
            boundary=_boundary(role.permissions_boundary),
            last_used_region=used.region if used else None,
            instance_profiles=sorted(profile.instance_profile_name for profile in role.instance_profile_list),
        ),
        signals=(*provider_signals, *agent_signals(trusts or ()), *permissions.signals),
        privilege=permissions.privilege,
        grants=permissions.grants,
        links=tuple(links),
        trusts=trusts or (),
        unread=unread_facts(
            permissions=not permissions.is_whole,
            tags=by_name,
            trusts=trusts is None,
            use=by_name and used is None,
        ),
    )


def _role_nature(role: RoleDetail) -> tuple[str | None, tuple[Signal, ...]]:
    """Who manages it, and what that says: from its path, which only AWS itself can give those values."""
    if linked := _SERVICE_LINKED.fullmatch(role.path):
        managed_by = f"AWS service-linked role of {linked[1]}"
        return managed_by, (Signal(says="machine", sort="provider", evidence=managed_by),)
    if role.path.startswith(_IDENTITY_CENTER):
        managed_by = "human access through IAM Identity Center"
        return managed_by, (Signal(says="human", sort="provider", evidence=managed_by),)
    return None, (Signal(says="machine", sort="provider", evidence="an IAM role"),)


def _user_signals(facts: UserFacts) -> tuple[Signal, ...]:
    if facts.active_keys:
        return (Signal(says="machine", sort="credential", evidence="it has active access keys"),)
    if facts.active_keys == 0 and facts.password:
        second = " with a second factor" if facts.row is not None and facts.row.mfa_active else ""
        evidence = f"it has a console password{second} and no active key"
        return (Signal(says="human", sort="credential", evidence=evidence),)
    return ()


def _keys(arn: str, facts: UserFacts) -> Iterable[Credential]:
    for key in sorted(facts.keys or (), key=lambda key: key.access_key_id):
        use = facts.uses.get(key.access_key_id)
        yield Credential(
            key=credential_key(arn, "access_key", key.access_key_id),
            kind="access_key",
            id=key.access_key_id,
            enabled=is_active(key),
            created_at=utc(key.create_date),
            never_expires=True,
            last_used_at=use.last_used_at if use else None,
            use_tracked_days=USER_USE_TRACKED_DAYS if use else None,
            attributes=known(last_used_service=use.service, last_used_region=use.region) if use else {},
        )


def _password(user: UserDetail, facts: UserFacts) -> Iterable[Credential]:
    if facts.password:
        tracked = facts.row is not None or facts.password_use_known
        yield Credential(
            key=credential_key(user.arn, "password", user.user_name),
            kind="password",
            id=user.user_name,
            enabled=True,
            created_at=facts.row.password_changed_at if facts.row else None,
            last_used_at=newest(facts.row.password_last_used_at if facts.row else None, facts.password_last_used_at),
            use_tracked_days=USER_USE_TRACKED_DAYS if tracked else None,
            attributes=known(mfa_active=facts.row.mfa_active if facts.row else None),
        )


def _boundary(boundary: Boundary | None) -> str | None:
    return None if boundary is None else boundary.permissions_boundary_arn


def newest(*moments: datetime | None) -> datetime | None:
    """The latest of them; None where none is known."""
    return max((moment for moment in moments if moment is not None), default=None)


def known(**facts: Any) -> dict[str, Any]:
    """The facts that are known; an empty list is none."""
    return {name: fact for name, fact in facts.items() if fact is not None and fact != []}
