"""Identity providers of an account, which authenticate external workloads and people.

A provider counts as an identity: it represents all of its subjects, needs an entry and an owner, and a new provider is
a finding. It has no rights of its own; the roles that trust it have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from connectors.aws.client.payloads import AwsAccount, Tag, iso, known, tags_of, utc
from connectors.aws.client.reading import AwsReader, expect, parsed, read_each
from connectors.aws.client.session import call, permission_of
from connectors.aws.spec import OIDC_PROVIDERS, SAML_PROVIDERS
from connectors.core.reading import unread_facts
from scanner.model import Coverage, Identity, Privilege, Signal, Trust

_NO_RIGHTS = Privilege(level="normal", evidence=("no rights of its own: the roles that trust it have them",))
_FEDERATES = Signal(says="machine", sort="provider", evidence="it authenticates workloads of an external issuer")


class _Listed(Struct, frozen=True, kw_only=True, rename="pascal"):
    arn: str


class OidcProvider(Struct, frozen=True, kw_only=True, rename="pascal"):
    """IAM ``GetOpenIDConnectProviderResponse``."""

    url: str | None = None
    audiences: tuple[str, ...] = msgspec.field(name="ClientIDList", default=())
    thumbprints: tuple[str, ...] = msgspec.field(name="ThumbprintList", default=())
    create_date: datetime | None = None
    identity_center_instance_arn: str | None = None
    tags: tuple[Tag, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """Its details, besides its name, date and tags."""
        return known(
            issuer=self.url,
            audiences=sorted(self.audiences),
            thumbprints=sorted(self.thumbprints),
            identity_center_instance=self.identity_center_instance_arn,
        )


class SamlProvider(Struct, frozen=True, kw_only=True, rename="pascal"):
    """IAM ``GetSAMLProviderResponse`` without its metadata document."""

    uuid: str | None = msgspec.field(name="SAMLProviderUUID", default=None)
    create_date: datetime | None = None
    valid_until: datetime | None = None
    assertion_encryption_mode: str | None = None
    identity_center_instance_arn: str | None = None
    tags: tuple[Tag, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """Its details, besides its name, date and tags."""
        return known(
            valid_until=iso(utc(self.valid_until)),
            assertion_encryption=self.assertion_encryption_mode,
            identity_center_instance=self.identity_center_instance_arn,
        )


class ProviderKind(Struct, frozen=True, kw_only=True):
    """A kind of provider, and the calls that describe it."""

    kind: str
    section: str
    listing: str
    member: str
    detail: str
    parameter: str
    shape: type[OidcProvider | SamlProvider]
    signals: tuple[Signal, ...]
    words: str


PROVIDER_KINDS = (
    ProviderKind(
        kind="oidc_provider",
        section=OIDC_PROVIDERS,
        listing="list_open_id_connect_providers",
        member="OpenIDConnectProviderList",
        detail="get_open_id_connect_provider",
        parameter="OpenIDConnectProviderArn",
        shape=OidcProvider,
        signals=(_FEDERATES,),
        words="OIDC providers",
    ),
    ProviderKind(
        kind="saml_provider",
        section=SAML_PROVIDERS,
        listing="list_saml_providers",
        member="SAMLProviderList",
        detail="get_saml_provider",
        parameter="SAMLProviderArn",
        shape=SamlProvider,
        signals=(),  # people use it as well as machines
        words="SAML providers",
    ),
)


def read_providers(
    account: AwsReader, trusts: Mapping[str, tuple[Trust, ...]], *, trusts_are_whole: bool
) -> Iterator[Identity | Coverage]:
    """OIDC and SAML providers, one listing each and a call for each provider.

    ``trusts``: by role, who may assume it; if some could not be read, the trusting roles are unknown.
    """
    trusting = _trusting_roles(trusts.values()) if trusts_are_whole else None
    for kind in PROVIDER_KINDS:
        with account.section(kind.section) as section:
            listed = call(account.client, kind.listing, expecting=kind.member)[kind.member]
            arns = [row.arn for row in parsed(section, listed, _Listed, name="Arn")]
            read = read_each(arns, _detail(account.client, kind), of=kind.words)
            for arn in sorted(set(arns) - read.gone):
                yield provider_identity(arn, kind, read.answers.get(arn), account.place, trusting)
            if read.error is not None:
                section.lost(read.error)
        yield section.coverage


def _trusting_roles(trusts: Iterable[tuple[Trust, ...]]) -> Counter[str]:
    """The number of roles that trust each federated principal."""
    return Counter(name for each in trusts for name in {trust.principal for trust in each if trust.kind == "federated"})


def _detail(iam: Any, kind: ProviderKind) -> Callable[[str], OidcProvider | SamlProvider]:
    permission = permission_of(iam, kind.detail)
    return lambda arn: expect(call(iam, kind.detail, **{kind.parameter: arn}), kind.shape, f"{permission} of {arn}")


def provider_identity(
    arn: str,
    kind: ProviderKind,
    detail: OidcProvider | SamlProvider | None,
    place: AwsAccount,
    trusting: Counter[str] | None,
) -> Identity:
    """A provider as an identity. ``detail``: None where only its ARN is known. ``trusting``: roles, by ARN."""
    return Identity(
        key=arn,
        provider="aws",
        source=place.source,
        scope=place.account,
        kind=kind.kind,
        name=arn.partition("-provider/")[2],
        unique_id=detail.uuid if isinstance(detail, SamlProvider) else None,
        enabled=True,
        created_at=utc(detail.create_date) if detail else None,
        tags=tags_of(detail.tags) if detail else {},
        attributes={
            **(detail.facts if detail else {}),
            **known(trusting_roles=None if trusting is None else trusting[arn]),
        },
        signals=kind.signals,
        privilege=_NO_RIGHTS,
        consequences=(),
        unread=unread_facts(tags=detail is None),
    )
