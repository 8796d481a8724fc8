"""Users, roles and the root user as identities, from everything that was read of them (pure)."""

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
from scanner.model import Credential, Identity, Link, Privilege, Signal, Trust, credential_key

USER_USE_TRACKED_DAYS = 3650
"""Passwords have been tracked since 2014-10-20 and keys since 2015-04-22: longer than this, and ever longer."""
ROLE_USE_TRACKED_DAYS = 400

_SERVICE_LINKED = re.compile(r"/aws-service-role/([^/]+)/")
_IDENTITY_CENTER = "/aws-reserved/sso.amazonaws.com/"
_ROOT_PRIVILEGE = Privilege(level="admin", evidence=("the root user of the account",))


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
        keys_known = self.keys is not None and all(key.access_key_id in self.uses for key in self.keys)
        return keys_known and (self.password is False or self.password_use_known)


def user_identity(
    user: UserDetail, facts: UserFacts, permissions: Permissions, links: Iterable[Link], place: Place
) -> Identity:
    """An IAM user."""
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
    )


def role_identity(
    role: RoleDetail, trusts: tuple[Trust, ...], permissions: Permissions, links: Iterable[Link], place: Place
) -> Identity:
    """An IAM role."""
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
        signals=(*provider_signals, *agent_signals(trusts), *permissions.signals),
        privilege=permissions.privilege,
        grants=permissions.grants,
        links=tuple(links),
        trusts=trusts,
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


def root_identity(row: ReportRow | None, summary: Mapping[str, int], place: Place) -> Identity:
    """The account's root user, from its row of the credential report, else from the account's summary."""
    arn = f"arn:{place.partition}:iam::{place.account}:root"
    mfa = row.mfa_active if row else _count(summary, "AccountMFAEnabled")
    credentials = _root_from_report(arn, row) if row else _root_from_summary(arn, summary)
    keys = [credential for credential in credentials if credential.kind == "access_key" and credential.enabled]
    return Identity(
        key=arn,
        provider="aws",
        source=place.source,
        scope=place.account,
        kind="root",
        name="root",
        enabled=True,
        last_used_at=row.last_used_at if row else None,
        use_tracked_days=USER_USE_TRACKED_DAYS if row else None,
        attributes=known(mfa_active=mfa, active_keys=len(keys)),
        signals=(_root_signal(keys),),
        privilege=_ROOT_PRIVILEGE,
        credentials=credentials,
    )


def _root_signal(keys: list[Credential]) -> Signal:
    if keys:
        return Signal(says="machine", sort="credential", evidence="the root user has an access key")
    return Signal(says="human", sort="provider", evidence="the root user, whom only a person signs in as")


def _root_from_report(arn: str, row: ReportRow) -> tuple[Credential, ...]:
    keys = tuple(
        Credential(
            key=credential_key(arn, "access_key", f"root-key-{number}"),
            kind="access_key",
            id=f"root-key-{number}",
            enabled=slot.active,
            created_at=slot.rotated_at,
            never_expires=True,
            last_used_at=slot.last_used_at,
            use_tracked_days=USER_USE_TRACKED_DAYS,
            attributes=known(last_used_service=slot.last_used_service, last_used_region=slot.last_used_region),
        )
        for number, slot in enumerate(row.slots, start=1)
    )
    if row.password_enabled is False:
        return keys
    password = Credential(
        key=credential_key(arn, "password", "root"),
        kind="password",
        id="root",
        enabled=row.password_enabled,
        created_at=row.password_changed_at,
        last_used_at=row.password_last_used_at,
        use_tracked_days=USER_USE_TRACKED_DAYS,
    )
    return (*keys, password)


def _root_from_summary(arn: str, summary: Mapping[str, int]) -> tuple[Credential, ...]:
    keys = tuple(
        Credential(
            key=credential_key(arn, "access_key", f"root-key-{number}"),
            kind="access_key",
            id=f"root-key-{number}",
            enabled=True,
            never_expires=True,
        )
        for number in range(1, summary.get("AccountAccessKeysPresent", 0) + 1)
    )
    if not summary.get("AccountPasswordPresent"):
        return keys
    password = Credential(key=credential_key(arn, "password", "root"), kind="password", id="root", enabled=True)
    return (*keys, password)


def _count(summary: Mapping[str, int], name: str) -> bool | None:
    return bool(summary[name]) if name in summary else None


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
