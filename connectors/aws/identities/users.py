"""IAM users and roles as identities, from everything that was read (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct, structs

from connectors.aws.client.credential_report import KeyUse, ReportRow, is_active
from connectors.aws.client.payloads import (
    USER_USE_TRACKED_DAYS,
    AccessKey,
    AwsAccount,
    RoleDetail,
    UserDetail,
    boundary_of,
    known,
    newest,
    tags_of,
    utc,
)
from connectors.aws.identities.user_credentials import MODEL_PROVIDERS
from connectors.aws.rights.model_calls import allows_model_calls
from connectors.aws.rights.permissions import Permissions
from connectors.aws.rights.trust import agent_signals
from connectors.core.reading import unread_facts
from scanner.model import Credential, Identity, Link, Signal, TokenSubject, Trust, credential_key

# --- IAM users as identities (pure) ---

_OTHERS = ("api_key", "service_specific", "certificate", "ssh_key")


class UserFacts(Struct, frozen=True, kw_only=True, gc=False):
    """The credentials of one user, as far as they were read.

    ``keys``: None if they could not be listed. ``uses``: by key id; unknown for keys that are missing. ``password``:
    None if it could not be read. ``password_use_known``: whether "no use" means "never". ``others``: credentials of
    which AWS keeps no record of use; ``others_known``: whether these are complete. ``second_factors``: types of MFA
    devices; None if not requested or unreadable.
    """

    row: ReportRow | None = None
    keys: tuple[AccessKey, ...] | None = None
    uses: Mapping[str, KeyUse] = {}
    password: bool | None = None
    password_last_used_at: datetime | None = None
    password_use_known: bool = False
    others: tuple[Credential, ...] = ()
    others_known: bool = True
    second_factors: tuple[str, ...] | None = None

    @property
    def active_keys(self) -> int | None:
        """Active access keys: as listed, or as counted in the report; None: unknown."""
        if self.keys is not None:
            return sum(map(is_active, self.keys))
        return None if self.row is None else self.row.active_keys

    @property
    def mfa_active(self) -> bool | None:
        """Whether it has a second factor, according to the report or its devices; None: unknown."""
        if self.row is not None:
            return self.row.mfa_active
        return None if self.second_factors is None else bool(self.second_factors)

    @property
    def may_have_second_factors(self) -> bool:
        """Whether it has MFA according to the report; for a user that is not in it, whether it has a password."""
        return self.password is not False if self.row is None else self.row.mfa_active is True

    @property
    def may_have_certificates(self) -> bool:
        """Whether the report counts signing certificates, or has no row of the user."""
        return self.row is None or self.row.certificates

    @property
    def api_keys(self) -> tuple[Credential, ...]:
        """Its active long-term API keys."""
        return tuple(one for one in self.others if one.kind == "api_key" and one.enabled)

    @property
    def enabled(self) -> bool | None:
        """Whether it can sign in or sign requests; None if unknown."""
        if self.password or self.active_keys or self._others_active:
            return True
        known_well = self.password is not None and self.active_keys is not None and self.others_known
        return False if known_well else None

    @property
    def last_used_at(self) -> datetime | None:
        """The latest use of any credential, including deleted keys."""
        return newest(
            self.row.last_used_at if self.row else None,
            self.password_last_used_at,
            *(use.last_used_at for use in self.uses.values()),
        )

    @property
    def use_tracked(self) -> bool:
        """Whether every credential's use is recorded and was read, so that "no use" means "never"."""
        return self._records_read and self.others_known and not self._others_active

    @property
    def credentials_known(self) -> bool:
        """Whether its keys and other credentials were listed, and its password is known."""
        return self.keys is not None and self.password is not None and self.others_known

    @property
    def unread_kinds(self) -> list[str]:
        """The kinds of credentials that could not all be listed."""
        others = () if self.others_known else _OTHERS
        read = {"access_key": self.keys is not None, "password": self.password is not None}
        return [*(kind for kind, is_read in read.items() if not is_read), *others]

    @property
    def use_known(self) -> bool:
        """Whether everything that AWS records about its use, and about the use of each of its keys, was read."""
        return self._records_read and self._uses_known and self.others_known

    @property
    def _records_read(self) -> bool:
        """Whether what AWS records of its use was read: from the report, or key by key."""
        if self.row is not None:
            return True
        return self.keys is not None and self._uses_known and (self.password is False or self.password_use_known)

    @property
    def _others_active(self) -> bool:
        """Whether it has an active credential whose use AWS does not record."""
        in_report = self.row is not None and self.row.certificate_active
        return in_report or any(one.enabled for one in self.others)

    @property
    def _uses_known(self) -> bool:
        return all(key.access_key_id in self.uses for key in self.keys or ())


def user_identity(
    user: UserDetail,
    facts: UserFacts,
    permissions: Permissions,
    links: Iterable[Link],
    place: AwsAccount,
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
            attached_policies=sorted(one.policy_arn for one in user.attached_managed_policies) or None,
            boundary=boundary_of(user.permissions_boundary),
            console_password=facts.password,
            mfa_active=facts.mfa_active,
            second_factors=sorted(facts.second_factors or ()),
            active_keys=facts.active_keys,
            unread_credentials=facts.unread_kinds or None,
            granted_services=permissions.granted_services,
            allowed_actions=permissions.actions,
            allowed_actions_unread=permissions.actions_unread or None,
            **permissions.of_agents,
        ),
        signals=(*_signals(facts), *permissions.signals),
        privilege=permissions.privilege,
        consequences=permissions.consequences,
        credentials=(*_keys(user.arn, facts), *_password(user, facts), *facts.others),
        grants=permissions.grants,
        links=tuple(links),
        reach=(*permissions.elsewhere, *permissions.ways),
        unread=unread_facts(
            credentials=not facts.credentials_known,
            permissions=not permissions.is_whole,
            tags=by_name,
            use=not facts.use_known,
        ),
    )


def _signals(facts: UserFacts) -> Iterator[Signal]:
    if facts.active_keys:
        yield Signal(says="machine", sort="credential", evidence="it has active access keys")
    elif facts.api_keys:
        yield Signal(says="machine", sort="credential", evidence="it has active API keys")
    elif facts.active_keys == 0 and facts.password:
        second = " with a second factor" if facts.mfa_active else ""
        evidence = f"it has a console password{second} and no active key"
        yield Signal(says="human", sort="credential", evidence=evidence)
    for service in sorted({str(key.attributes["service"]) for key in facts.api_keys} & MODEL_PROVIDERS):
        evidence = f"it holds an API key for the models of {service}"
        yield Signal(says="agent", sort="credential", strength="weak", evidence=evidence)


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
            attributes=known(mfa_active=facts.mfa_active),
        )


# --- IAM roles as identities (pure) ---

ROLE_USE_TRACKED_DAYS = 400

_SERVICE_LINKED = re.compile(r"/aws-service-role/([^/]+)/")
_IDENTITY_CENTER = "/aws-reserved/sso.amazonaws.com/"


def role_identity(
    role: RoleDetail,
    trusts: tuple[Trust, ...] | None,
    permissions: Permissions,
    links: Iterable[Link],
    place: AwsAccount,
    *,
    by_name: bool = False,
) -> Identity:
    """An IAM role. ``trusts``: None where its trust policy could not be read.

    ``by_name``: it comes from a listing without tags, because the full one was refused.
    """
    used = role.role_last_used
    managed_by, provider_signals = _nature(role)
    # The purpose of a role without a policy is unknown.
    answers = not permissions.documents or not permissions.is_whole or allows_model_calls(permissions.documents)
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
            attached_policies=sorted(one.policy_arn for one in role.attached_managed_policies) or None,
            instance_profiles=sorted(profile.instance_profile_name for profile in role.instance_profile_list),
            session_seconds=role.max_session_duration,
            template=role.source_role_template.template_arn if role.source_role_template else None,
            granted_services=permissions.granted_services,
            allowed_actions=permissions.actions,
            allowed_actions_unread=permissions.actions_unread or None,
            **permissions.of_agents,
        ),
        signals=(*provider_signals, *of_agents, *permissions.signals),
        privilege=permissions.privilege,
        consequences=permissions.consequences,
        grants=permissions.grants,
        links=tuple(links),
        trusts=trusts or (),
        reach=(*permissions.elsewhere, *permissions.ways),
        token_subjects=_token_subjects(role, place),
        unread=unread_facts(
            permissions=not permissions.is_whole,
            tags=by_name,
            trusts=trusts is None,
            use=by_name and used is None,
        ),
    )


def _token_subjects(role: RoleDetail, place: AwsAccount) -> tuple[TokenSubject, ...]:
    """The principal that AWS asserts to others: a session of the role with any name (IAM's principal identifiers)."""
    partition = role.arn.split(":")[1]
    sessions = f"arn:{partition}:sts::{place.account}:assumed-role/{role.role_name}/*"
    return (TokenSubject(f"aws:{place.account}", sessions),)


def with_details(role: RoleDetail, details: Mapping[str, RoleDetail]) -> RoleDetail:
    """The role with the details that only the listing by name has, by ARN."""
    if role.arn not in details:
        return role
    detail = details[role.arn]
    return structs.replace(
        role,
        description=detail.description,
        max_session_duration=detail.max_session_duration,
        source_role_template=detail.source_role_template,
    )


def manager_of(role: RoleDetail) -> str | None:
    """The manager of a role besides its owner, such as AWS; None if there is none."""
    return _nature(role)[0]


def _nature(role: RoleDetail) -> tuple[str | None, tuple[Signal, ...]]:
    """The manager of the role, and signals, from its path: only AWS can assign those paths."""
    if linked := _SERVICE_LINKED.fullmatch(role.path):
        words = f"AWS service-linked role of {linked[1]}"
        return words, (Signal(says="machine", sort="provider", evidence=words),)
    if role.path.startswith(_IDENTITY_CENTER):
        words = "human access through IAM Identity Center"
        return words, (Signal(says="human", sort="provider", evidence=words),)
    return None, (Signal(says="machine", sort="provider", evidence="an IAM role"),)
