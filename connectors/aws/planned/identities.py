"""Identities of an account as they would be at one moment, by the connector's parsers and evaluation of rights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import structs

from connectors.aws.client.iam_calls import AwsListing
from connectors.aws.client.payloads import AccessKey, AwsAccount, RoleDetail, UserDetail
from connectors.aws.identities.providers import PROVIDER_KINDS, OidcProvider, SamlProvider, provider_identity
from connectors.aws.identities.users import UserFacts, role_identity, user_identity
from connectors.aws.planned.forms import CREDENTIAL_KINDS, AwsDeclared, tags_in
from connectors.aws.planned.listing import COMPUTED, Account, Holder, givers_in, places_of
from connectors.aws.planned.names import MADE_UP_ACCOUNT, Names
from connectors.aws.rights.account_rights import AwsRights, rights_in
from connectors.aws.rights.patterns import has_wildcard, resource_matches
from connectors.aws.rights.permissions import Permissions
from connectors.planned import UNKNOWN
from connectors.planned.effects import PlannedState
from scanner.model import Credential, Grant, Identity, Privilege, Way, credential_key
from scanner.model.attributes import END_COMPUTED, LIVES_HOURS
from scanner.model.planned import Effect
from scanner.model.terms import POWERFUL

SOURCE = "planned"
UNKNOWN_ACCOUNT = "unknown"
"""The scope of an identity whose account is not known."""
_UNREAD = re.compile(rf"policy (.*){re.escape(COMPUTED)} \([^()]*\) could not be read", re.DOTALL)
_PROVIDERS = {kind.kind: kind for kind in PROVIDER_KINDS}


class Renamed:
    """Keys in place of the ARNs that were made up for judging."""

    def __init__(self, names: Names, holders: Iterable[Holder], account: str | None) -> None:
        named = [*names.of.values(), *(holder.named for holder in holders)]
        self._keys = {each.arn: each.key for each in named if each.key != each.arn}
        self._account = account

    def key(self, arn: str) -> str:
        """The key of what has the ARN."""
        return self._keys.get(arn, arn)

    def way(self, way: Way) -> Way:
        """The way with keys in place of made-up ARNs, also of those that a pattern means."""
        meant = {
            key
            for arn, key in self._keys.items()
            if any(has_wildcard(pattern) and resource_matches(pattern, arn) for pattern in way.on)
            and not any(resource_matches(pattern, arn) for pattern in way.but)
        }
        on = dict.fromkeys((*map(self.key, way.on), *sorted(meant)))
        return structs.replace(way, on=tuple(on), but=tuple(map(self.key, way.but)))

    def identity(self, identity: Identity) -> Identity:
        """The identity with keys in place of made-up ARNs; one of an unknown account presents no tokens yet."""
        if not self._keys:
            return identity
        links = tuple(structs.replace(link, target=self.key(link.target)) for link in identity.links)
        key = self.key(identity.key)
        subjects = identity.token_subjects if key == identity.key else ()
        return structs.replace(
            identity,
            key=key,
            scope=self._account or UNKNOWN_ACCOUNT,
            links=links,
            reach=tuple(map(self.way, identity.reach)),
            token_subjects=subjects,
            credentials=tuple(
                structs.replace(each, key=credential_key(key, each.kind, each.id)) for each in identity.credentials
            ),
        )


def identities_in(
    account: Account, declared: Iterable[AwsDeclared], names: Names, where: tuple[str | None, str]
) -> list[PlannedState]:
    """The roles, users and identity providers of an account, with what gives them rights."""
    number, partition = where
    place = AwsAccount(source=SOURCE, account=number or MADE_UP_ACCOUNT, partition=partition)
    listing = account.listing()
    rights = rights_in(listing, place.account, None)
    renamed = Renamed(names, account.all, number)
    found = [
        _found(holder, _identity(holder, row, rights, place), renamed, rights)
        for holder, row in _rows(account, listing)
    ]
    providers = (_provider(each, names, place, renamed) for each in declared if each.form.what in _PROVIDERS)
    return [*found, *providers]


def _rows(account: Account, listing: AwsListing) -> Iterator[tuple[Holder, UserDetail | RoleDetail]]:
    """Each role and user with its row."""
    principals: list[UserDetail | RoleDetail] = [*listing.roles, *listing.users]
    rows = {row.arn: row for row in principals}
    yield from ((holder, rows[holder.named.arn]) for holder in account.all if holder.kind != "group")


def _identity(holder: Holder, row: UserDetail | RoleDetail, rights: AwsRights, place: AwsAccount) -> Identity:
    permissions, links = rights.permissions[row.arn], rights.links[row.arn]
    if isinstance(row, RoleDetail):
        return role_identity(row, rights.trusts.get(row.arn), permissions, links, place)
    identity = user_identity(row, _facts(holder), permissions, links, place)
    return structs.replace(identity, enabled=True if identity.credentials else None)  # others may be made elsewhere


def _found(holder: Holder, identity: Identity, renamed: Renamed, rights: AwsRights) -> PlannedState:
    permissions = rights.permissions[identity.key]
    identity = renamed.identity(_readable(identity, permissions))
    if "name" in holder.computed:
        identity = structs.replace(identity, name=holder.at)
    computed = set(holder.computed)
    if any(_id(each) is None for each in holder.credentials):
        computed.add("credentials")
    return PlannedState(
        at=holder.at,
        identity=identity,
        effect=effect_of(holder.declared),
        gains=any(each.resource.effect != "unchanged" for each in holder.given),
        has_state=holder.declared is None or holder.declared.resource.format == "terraform",
        places=places_of(holder),
        givers=givers_in(holder),
        computed=frozenset(computed),
        credentials_at={
            credential_key(identity.key, kind, name): each.resource.place
            for each in holder.credentials
            for kind, name in (_kind_and_id(holder, each),)
        },
    )


def effect_of(declared: AwsDeclared | None) -> Effect | None:
    """The effect of the change on a resource; None for a data source, which is declared elsewhere."""
    return None if declared is None or declared.is_data else declared.resource.effect


def _readable(identity: Identity, permissions: Permissions) -> Identity:
    """The identity without the stand-ins of what only deploying determines, which is said in words.

    An administrator by what is known is one, whatever the rest will be.
    """
    known = {grant.name for grant in identity.grants}
    grants = [_written(grant) for grant in identity.grants]
    kept = [
        grant
        for grant, written in zip(identity.grants, grants, strict=True)
        if grant.name == written.name or written.name not in known
    ]
    if len(kept) == len(identity.grants) and grants == list(identity.grants):
        return identity
    evidence = tuple(
        _UNREAD.sub(r"policy \1 is only known after deploying", each) for each in identity.privilege.evidence
    )
    level = identity.privilege.level
    if level == "unknown" and permissions.amounts_to in POWERFUL:
        level = permissions.amounts_to
    return structs.replace(
        identity,
        grants=tuple(_written(grant) for grant in kept),
        privilege=Privilege(level=level, evidence=evidence),
    )


def _written(grant: Grant) -> Grant:
    return structs.replace(grant, name=grant.name.removesuffix(COMPUTED))


# --- Credentials of users ---


def _id(declared: AwsDeclared) -> str | None:
    """The id of a credential; None if only deploying determines it. A password has its user's name."""
    return "" if declared.form.what in ("password", "user") else declared.text("id")


def _kind_and_id(holder: Holder, declared: AwsDeclared) -> tuple[Any, str]:
    if declared.form.what in ("password", "user"):
        return "password", holder.named.name
    kind = "access_key" if declared.form.what == "access_key" else CREDENTIAL_KINDS[declared.resource.type]
    return kind, declared.text("id") or declared.at


def _facts(holder: Holder) -> UserFacts:
    keys: list[AccessKey] = []
    others: list[Credential] = []
    password = False
    for each in holder.credentials:
        kind, name = _kind_and_id(holder, each)
        status = each.text("status") or "Active"
        if kind == "password":
            password = True
        elif kind == "access_key":
            keys.append(AccessKey(access_key_id=name, status=status))
        else:
            others.append(
                Credential(
                    key=credential_key(holder.named.arn, kind, name),
                    kind=kind,
                    id=name,
                    enabled=status.lower() == "active",
                    attributes=_end(each),
                )
            )
    return UserFacts(keys=tuple(keys), password=password, others=tuple(others))


def _end(declared: AwsDeclared) -> dict[str, Any]:
    """The end of a credential that may have one: of a certificate it is in its text, which is not read."""
    if CREDENTIAL_KINDS[declared.resource.type] == "certificate":
        return {END_COMPUTED: True}
    days = declared.get("days")
    if isinstance(days, int | float):
        return {LIVES_HOURS: days * 24}
    return {END_COMPUTED: True} if days is UNKNOWN and declared.is_given("days") else {}


# --- Identity providers ---


def _provider(declared: AwsDeclared, names: Names, place: AwsAccount, renamed: Renamed) -> PlannedState:
    named = names.of[declared.at]
    kind = _PROVIDERS[declared.form.what]
    detail: OidcProvider | SamlProvider = SamlProvider()
    if kind.kind == "oidc_provider":
        detail = OidcProvider(url=declared.text("name"))
    identity = renamed.identity(provider_identity(named.arn, kind, detail, place, None))
    return PlannedState(
        at=declared.at,
        identity=structs.replace(
            identity, name=named.name if named.name_known else declared.at, tags=dict(sorted(tags_in(declared)))
        ),
        effect=effect_of(declared),
        has_state=declared.resource.format == "terraform",
        places=(declared.resource.place,),
        computed=frozenset() if named.name_known else frozenset({"name"}),
    )
