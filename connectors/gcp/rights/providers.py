"""Providers of workload identity pools: whose tokens they accept, and how far they restrict them (pure).

With an issuer that signs tokens for all its tenants, only a claim keeps other tenants out: the one that the principal
is mapped from (``attributeMapping``), or one in the provider's ``attributeCondition``. Source: Google's documentation
of workload identity federation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from connectors.federation import SUBJECT, Issuer, Restriction, narrowest, shared, widest
from connectors.gcp.rights.conditions import Clause, alternatives, numbered
from scanner.model import Claim
from scanner.model.reach import KEY_ID
from scanner.text import is_shared_issuer

_OF_AWS = "aws:"
_NAMES = {"subject": "google.subject", "group": "google.groups"}

_ASSERTION = re.compile(r"""assertion(?:\.(\w+)|\[\s*"(\d+)"\s*\])""")
_ATTRIBUTE = re.compile(r"\b(google\.subject|google\.groups|attribute\.\w+)")
_CALL = re.compile(r'\.(startsWith|endsWith|contains|matches)\(\s*[rR]?"(\d+)"\s*\)')
_AS_PATTERN = {"startsWith": "{}*", "endsWith": "*{}", "contains": "*{}*"}
_PLAIN = re.compile(r"assertion\.(\w+)")
_STRINGS = r'"\d+"(?:\s*,\s*"\d+")*'
_NAME = r"(?:assertion|attribute|google)\.\w+"
_COMPARED = re.compile(
    rf'(?P<name>{_NAME})(?:\s*==\s*"\d+"|\s+in\s*\[\s*{_STRINGS}\s*\]|\.(?P<how>startsWith|endsWith)\(\s*"\d+"\s*\))'
)
_CONDITION = "attribute condition"
_AUDIENCE = "aud"
"""The claim whose value the caller chooses."""
_BEGINNING = re.compile(r"\^([\w:/@-]*)(?![?*{])[^|]*")
"""A regular expression for a prefix."""


class _Oidc(Struct, frozen=True, kw_only=True, rename="camel"):
    issuer_uri: str
    jwks_json: str | None = None


class _Aws(Struct, frozen=True, kw_only=True, rename="camel"):
    account_id: str


class _Saml(Struct, frozen=True, kw_only=True, rename="camel"):
    idp_metadata_xml: msgspec.Raw = msgspec.Raw(b'""')


class ProviderPayload(Struct, frozen=True, kw_only=True, rename="camel"):
    """A provider of the IAM API and of Cloud Asset."""

    name: str
    disabled: bool = False
    state: str = "ACTIVE"
    attribute_mapping: dict[str, str] = {}
    attribute_condition: str = ""
    oidc: _Oidc | None = None
    aws: _Aws | None = None
    saml: _Saml | None = None
    x509: dict[str, msgspec.Raw] | None = None


class Provider(Struct, frozen=True, kw_only=True, gc=False):
    """A provider. ``pool``: its pool's name, with the project's number. ``has_own_keys``: it has uploaded keys.

    ``issuer``: the address of an OIDC issuer, ``aws:`` and an account's id, or ``saml:`` or ``x509:`` and its own name.
    ``key_ids``: of the uploaded keys.
    """

    name: str
    pool: str
    issuer: str
    is_enabled: bool = True
    has_own_keys: bool = False
    key_ids: tuple[str, ...] = ()
    mapping: Mapping[str, str] = {}
    condition: str = ""

    @property
    def shared(self) -> Issuer | None:
        """The issuer, if it signs for many tenants."""
        return None if self.has_own_keys else shared(self.issuer)


def parse_provider(payload: Any) -> Provider:
    """Parse a provider of the IAM API. Raises ValueError."""
    return provider_of(msgspec.convert(payload, ProviderPayload))


def provider_of(found: ProviderPayload) -> Provider:
    """The provider with its issuer. Raises ValueError if the name is not that of a provider."""
    pool, slash, _ = found.name.partition("/providers/")
    if not slash:
        raise ValueError(f"no provider of a workload identity pool: {found.name}")
    if found.oidc is not None:
        issuer = found.oidc.issuer_uri
    elif found.aws is not None:
        issuer = f"{_OF_AWS}{found.aws.account_id}"
    else:
        issuer = f"{'saml' if found.saml is not None else 'x509'}:{found.name}"
    return Provider(
        name=found.name,
        pool=pool,
        issuer=issuer,
        is_enabled=not found.disabled and found.state == "ACTIVE",
        has_own_keys=found.oidc is not None and found.oidc.jwks_json is not None,
        key_ids=_key_ids(found.oidc.jwks_json) if found.oidc is not None and found.oidc.jwks_json else (),
        mapping=found.attribute_mapping,
        condition=found.attribute_condition,
    )


class _Key(Struct, frozen=True):
    kid: str = ""


class _Keys(Struct, frozen=True):
    keys: tuple[_Key, ...] = ()


def _key_ids(jwks: str) -> tuple[str, ...]:
    """The ids of a provider's uploaded keys; none if they are not JSON Web Keys."""
    try:
        return tuple(key.kid for key in msgspec.json.decode(jwks, type=_Keys).keys if key.kid)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return ()


def narrows(provider: Provider, selector: str) -> Restriction:
    """The restriction by a provider of tokens for principals selected by ``subject``, ``attribute.NAME`` … or ``*``."""
    found = narrowest((_of_selector(provider, selector), _of_condition(provider)))
    needs_more = provider.shared is not None and provider.shared.needed
    return widest((found, "loose")) if needs_more else found


def token_subject(provider: Provider, selector: str, chosen: str | None) -> str | None:
    """The subject that a provider's tokens must have, with ``*`` for any characters; None if any may."""
    value = chosen or ""
    if provider.issuer.startswith(_OF_AWS):
        account = provider.issuer.removeprefix(_OF_AWS)
        by_selector = {"subject": value, "attribute.aws_role": f"{value}/*", "*": f"arn:aws:sts::{account}:*"}
        return by_selector.get(selector)
    name = _NAMES.get(selector, selector)
    source = provider.mapping.get(name, "")
    if source == "assertion.sub":
        return value
    issuer = provider.shared
    form = issuer.of_claim.get(source.removeprefix("assertion.")) if issuer else None
    return None if form is None else form.format(value=value)


def is_implied(provider: Provider, selector: str) -> bool:
    """Whether the subject of tokens only follows from another claim that the principal is mapped from."""
    return _source(provider, selector) != f"assertion.{SUBJECT}" and not provider.issuer.startswith(_OF_AWS)


def token_claims(provider: Provider, selector: str, chosen: str | None) -> tuple[Claim, ...]:
    """The other claims that a provider's tokens must have, sorted; a claim that cannot be compared has no values.

    These are the claim that the principal is mapped from, those of the provider's condition, and the keys if clusters
    share the issuer's name.
    """
    found: dict[str, Claim] = {}
    if provider.key_ids and is_shared_issuer(provider.issuer):
        found[KEY_ID] = Claim(name=KEY_ID, values=provider.key_ids)
    made_from = _PLAIN.fullmatch(_source(provider, selector))
    if made_from and made_from[1] != SUBJECT and chosen:
        found[made_from[1]] = Claim(name=made_from[1], values=(chosen,))
    for claim in _conditions(provider):
        if claim.name not in found or not found[claim.name].values:
            found[claim.name] = claim
    return tuple(found[name] for name in sorted(found))


def _source(provider: Provider, selector: str) -> str:
    """The expression that principals of a selector are mapped from."""
    return provider.mapping.get(_NAMES.get(selector, selector), "")


def _conditions(provider: Provider) -> Iterator[Claim]:
    """The claims of a condition whose clauses must all hold. If it has alternatives, a claim without values."""
    options = alternatives(provider.condition)
    if len(options) != 1:
        if provider.condition.strip():
            yield Claim(name=_CONDITION)
        return
    for clause in options[0]:
        names = _claims(clause.text, clause.strings)
        for attribute in _ATTRIBUTE.findall(clause.text):
            names |= _mapped(provider, attribute)
        compared = _COMPARED.fullmatch(clause.text)
        if names == {_AUDIENCE}:
            continue
        if compared and len(names) == 1:
            yield Claim(name=names.pop(), values=_compared(provider, compared, clause))
        else:
            yield Claim(name=min(names, default=_CONDITION))


def _compared(provider: Provider, compared: re.Match[str], clause: Clause) -> tuple[str, ...]:
    """The values that a clause compares a claim with; none if the attribute is not the plain claim."""
    attribute = _ATTRIBUTE.fullmatch(compared["name"])
    if any(sign in text for text in clause.own for sign in "*?\\"):
        return ()
    if attribute and not _PLAIN.fullmatch(provider.mapping.get(attribute[1], "")):
        return ()
    form = _AS_PATTERN.get(compared["how"], "{}")
    return tuple(form.format(text) for text in clause.own)


def _of_selector(provider: Provider, selector: str) -> Restriction:
    issuer = provider.shared
    if selector == "*":
        return "none" if issuer else "loose"
    if issuer is None:
        return "exact"
    claims = _mapped(provider, _NAMES.get(selector, selector))
    return narrowest(issuer.fixed(claim) for claim in claims)


def _of_condition(provider: Provider) -> Restriction:
    """The restriction by a condition: that of its widest alternative, whose narrowest clause counts."""
    options = alternatives(provider.condition)
    if not options:
        return "none"
    return widest(narrowest(_of_clause(provider, clause) for clause in each) for each in options)


def _of_clause(provider: Provider, clause: Clause) -> Restriction:
    if "!" in clause.text or not clause.own:
        return "none"
    claims = _claims(clause.text, clause.strings)
    for attribute in _ATTRIBUTE.findall(clause.text):
        claims |= _mapped(provider, attribute)
    issuer = provider.shared
    is_fixed = "==" in clause.text or re.search(r"\bin\b", clause.text) is not None
    if issuer is None:
        return ("exact" if is_fixed else "loose") if claims else "none"
    if is_fixed:
        return narrowest(issuer.fixed(claim) for claim in claims)
    patterns = tuple(_patterns(clause))
    return widest(issuer.narrows(claim, "loose", patterns) for claim in claims) if patterns else "none"


def _patterns(clause: Clause) -> Iterator[str]:
    """The patterns in a clause's calls, with ``*`` for any characters."""
    for how, place in _CALL.findall(clause.text):
        text = clause.strings[int(place)]
        if how in _AS_PATTERN:
            yield _AS_PATTERN[how].format(text)
        else:
            begins = _BEGINNING.fullmatch(text)
            yield f"{begins[1] if begins else ''}*"


def _mapped(provider: Provider, attribute: str) -> set[str]:
    """The claims that an attribute of a principal is mapped from."""
    return _claims(*numbered(provider.mapping.get(attribute, "")))


def _claims(text: str, strings: tuple[str, ...]) -> set[str]:
    """The claims that an expression reads: ``assertion.sub``, ``assertion['sub']``."""
    found = set()
    for name, place in _ASSERTION.findall(text):
        found.add(name or (strings[int(place)] if int(place) < len(strings) else ""))
    return found
