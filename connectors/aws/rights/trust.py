"""Trust policies of roles: principals, conditions, federated subjects and signs of AI agents (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct

from connectors.aws.rights.patterns import action_matches, arn_parts, has_variable
from connectors.aws.rights.policy import Condition, on_keys, parse_conditions
from connectors.federation import (
    ANY,
    SUBJECT,
    Issuer,
    Restriction,
    federates_link,
    is_by_name,
    narrowest,
    shared,
    widest,
)
from scanner.catalog import read_table
from scanner.model import Claim, Link, Signal, Trust
from scanner.model.rights import TrustKind

ASSUMING = ("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
ANYONE = "*"


class Principal(Struct, frozen=True, kw_only=True, gc=False):
    """One that a trust policy names; ``type``: ``AWS``, ``Service``, ``Federated`` or ``CanonicalUser``."""

    type: str
    value: str


class TrustStatement(Struct, frozen=True, kw_only=True, gc=False):
    """A statement about assuming the role. ``not_principals``: it applies to all principals except those named."""

    allow: bool
    actions: frozenset[str]
    principals: tuple[Principal, ...]
    not_principals: bool
    conditions: tuple[Condition, ...]

    def leaves(self, principal: Principal) -> tuple[Principal, ...]:
        """What a refusal without a condition leaves of a trusted principal.

        One of all but some leaves those: of anyone, or of an account, the principals that it names.
        """
        if self.allow or self.conditions:
            return (principal,)
        if not self.not_principals:
            return () if any(each in (principal, EVERYBODY) for each in self.principals) else (principal,)
        named = tuple(each for each in self.principals if _is_within(each, principal))
        if ones := tuple(each for each in named if each != principal and not is_account(each.value)):
            return ones
        account = account_of(principal.value)
        apart = any(account_of(each.value) == account and not is_account(each.value) for each in self.principals)
        spared = not apart and any(_is_within(principal, each) for each in self.principals)
        return named or ((principal,) if spared else ())


EVERYBODY = Principal(type="AWS", value=ANYONE)


def is_account(principal: str) -> bool:
    """Whether a principal is a whole account."""
    return _ACCOUNT.fullmatch(principal) is not None


def _is_within(one: Principal, other: Principal) -> bool:
    """Whether a principal is another, or one of an account, or of anyone."""
    if one == other or (other == EVERYBODY and one.type == "AWS"):
        return True
    both = one.type == other.type == "AWS" and is_account(other.value)
    return both and account_of(one.value) == account_of(other.value)


class _StatementPayload(Struct, frozen=True, kw_only=True, rename="pascal"):
    effect: Literal["Allow", "Deny"]
    principal: Literal["*"] | dict[str, str | tuple[str, ...]] | None = None
    not_principal: Literal["*"] | dict[str, str | tuple[str, ...]] | None = None
    action: str | tuple[str, ...] | None = None
    not_action: str | tuple[str, ...] | None = None
    condition: dict[str, dict[str, Any]] = {}


class _DocumentPayload(Struct, frozen=True, kw_only=True, rename="pascal"):
    statement: _StatementPayload | tuple[_StatementPayload, ...] = ()


def trust_statements(document: Any) -> list[TrustStatement]:
    """The statements of a trust policy about assuming the role. Raises ValueError."""
    try:
        payload = msgspec.convert(document, _DocumentPayload)
    except msgspec.ValidationError as error:
        raise ValueError(f"not a trust policy: {error}") from error
    written = payload.statement if isinstance(payload.statement, tuple) else (payload.statement,)
    return [statement for each in written if (statement := _statement(each)).actions]


def _assuming(payload: _StatementPayload) -> frozenset[str]:
    """The actions of the statement that assume the role."""
    if (payload.action is None) == (payload.not_action is None):
        raise ValueError("a statement needs one of Action and NotAction")
    patterns = _listed(payload.action if payload.action is not None else payload.not_action)
    named = {action for action in ASSUMING if any(action_matches(pattern, action) for pattern in patterns)}
    return frozenset(named if payload.action is not None else set(ASSUMING) - named)


def _statement(payload: _StatementPayload) -> TrustStatement:
    given = payload.principal if payload.principal is not None else payload.not_principal
    if given is None:
        raise ValueError("a statement of a trust policy needs a Principal")
    by_type = {"AWS": ANYONE} if isinstance(given, str) else given
    return TrustStatement(
        allow=payload.effect == "Allow",
        actions=_assuming(payload),
        principals=tuple(Principal(type=kind, value=v) for kind, values in by_type.items() for v in _listed(values)),
        not_principals=payload.principal is None,
        conditions=parse_conditions(payload.condition),
    )


def _listed(values: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else values or ()


# --- Issuer, subject and claims of a federated trust (pure) ---

_OF_OTHERS = frozenset({SUBJECT, "aud", "oaud", "amr"})
"""Claims that are evaluated elsewhere, or do not identify the principal."""

_OIDC = re.compile(r"arn:[^:]+:iam::\d{12}:oidc-provider/(.+)")
_SAML = re.compile(r"arn:[^:]+:iam::\d{12}:saml-provider/.+")


def issuer_of(principal: str) -> str | None:
    """The URL, without its scheme, of the token issuer; None for assertions of another sort."""
    return None if _SAML.fullmatch(principal) else provider_issuer(principal) or principal


def provider_issuer(principal: str) -> str | None:
    """The issuer that a provider of the account represents, as :func:`issuer_of` has it; None for any other."""
    named = _OIDC.fullmatch(principal)
    return named[1] if named else None


def subjects_of(issuer: str, conditions: Iterable[Condition]) -> tuple[str | None, ...]:
    """The subjects that a trust requires, as patterns; None if it requires none, or one that we cannot match."""
    named = binding_claims(issuer, conditions).get("sub")
    return (None,) if named is None else tuple(map(named.pattern, named.values))


def claims_of(issuer: str, conditions: Iterable[Condition]) -> tuple[Claim, ...]:
    """The other claims that a trust requires, sorted. Claims that we cannot match have no values."""
    named = binding_claims(issuer, conditions)
    return tuple(
        Claim(name=claim, values=tuple(value for value in map(one.pattern, one.values) if value is not None))
        for claim, one in sorted(named.items())
        if claim not in _OF_OTHERS
    )


def binding_claims(issuer: str, conditions: Iterable[Condition]) -> dict[str, Condition]:
    """The condition on each claim, by the claim's name; of two conditions on one claim, the narrower."""
    prefix = f"{issuer.lower()}:"
    binding = sorted(
        (one for one in conditions if one.restriction != "none"), key=lambda one: one.restriction == "exact"
    )
    return {one.key.removeprefix(prefix): one for one in binding if one.key.startswith(prefix)}


# --- Trust policies: trusted principals and their conditions (pure) ---

_CALLER = "aws:principalarn"
# The value of "amr" in Cognito's tokens for users who did not sign in.
_UNAUTHENTICATED = "unauthenticated"

_ACCOUNT = re.compile(r"(?:arn:[^:]+:iam::)?(\d{12})(?::root)?")
_ARN_ACCOUNT = re.compile(r"arn:[^:]+:(?:iam|sts)::(\d{12}):.+")
# A policy shows the unique id of a principal that has been deleted.
_DELETED = re.compile(r"A(?:IDA|ROA|GPA)[A-Z0-9]{12,}")
# bedrock.eu-west-1.amazonaws.com and ec2.amazonaws.com.cn are bedrock and ec2.
_SERVICE = re.compile(r"(.+?)(?:\.[a-z]{2}(?:-[a-z]+)+-\d)?\.amazonaws\.com(?:\.cn)?")


class TrustTables(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``trust.toml``."""

    agent_services: Mapping[str, Literal["strong", "weak"]]
    agentless: frozenset[str]
    agents_invoke_models: frozenset[str]
    narrowing: Mapping[Literal["aws", "anyone", "service", "saml"], tuple[str, ...]]


@cache
def trust_tables() -> TrustTables:
    """The tables in ``trust.toml``."""
    return read_table("connectors.aws.rights", "trust.toml", TrustTables)


@cache
def _vendors() -> Mapping[str, str]:
    """The vendor that owns an account, from ``vendors.toml``: a label for the evidence; no verdict depends on it."""
    table = read_table("connectors.aws.rights", "vendors.toml", dict[str, dict[str, tuple[str, ...]]])
    return {account: name for name, accounts in table["vendors"].items() for account in accounts}


def service_of(principal: str) -> str:
    """The name of a service in a principal: ``lambda`` for ``lambda.amazonaws.com``, in any region or partition."""
    named = _SERVICE.fullmatch(principal)
    return named[1] if named else principal


def account_of(principal: str) -> str | None:
    """The account of a principal: an account's id, or any ARN that has one; None where it names none."""
    found = _ACCOUNT.fullmatch(principal) or _ARN_ACCOUNT.fullmatch(principal)
    return found[1] if found else None


def parse_trusts(document: Any, account: str) -> tuple[Trust, ...]:
    """Every principal that a role's trust policy allows, sorted; ``account`` is the role's own. Raises ValueError."""
    statements = trust_statements(document)
    trusts = {
        trust
        for statement in statements
        if statement.allow
        for principal in ((EVERYBODY,) if statement.not_principals else statement.principals)
        for left in _left(principal, statement, statements)
        for trust in _trusts(left, statement, account)
    }
    return tuple(sorted(trusts, key=lambda one: (one.principal, one.restriction, one.evidence, one.subject or "")))


def _left(principal: Principal, statement: TrustStatement, statements: Iterable[TrustStatement]) -> Iterator[Principal]:
    """What the refusals leave of a principal that a statement trusts, for any of its calls."""
    found: dict[Principal, None] = {}
    for action in sorted(statement.actions):
        left: tuple[Principal, ...] = (principal,)
        for other in statements:
            if action in other.actions:
                left = tuple(each for one in left for each in other.leaves(one))
        found |= dict.fromkeys(left)
    return iter(found)


def _trusts(principal: Principal, statement: TrustStatement, account: str) -> Iterator[Trust]:
    """The trust in a principal; of a token issuer, one for each subject that the conditions name."""
    match principal.type:
        case "Service":
            trusted = _trusted_service(principal, statement)
        case "Federated":
            trusted = _trusted_provider(principal, statement)
        case _:
            trusted = _trusted_principal(principal, statement, account)
    how = "everyone but those its NotPrincipal names" if statement.not_principals else "its trust policy names it"
    if vendor := _vendors().get(account_of(principal.value) or ""):
        how = f"{how} ({vendor}, by its published account)"
    conditions = "; ".join(map(str, statement.conditions))
    evidence = f"{how}, if {conditions}" if conditions else f"{how}, without a condition"
    url = issuer_of(principal.value) if principal.type == "Federated" else None
    issuer = None if url is None else f"https://{url}"
    claims = () if url is None else claims_of(url, statement.conditions)
    for subject in (None,) if url is None else subjects_of(url, statement.conditions):
        yield Trust(
            principal=principal.value,
            evidence=evidence,
            issuer=issuer,
            subject=subject,
            claims=claims,
            by_name=issuer is not None and is_by_name(issuer, subject, claims),
            kind=trusted.kind,
            external=trusted.external,
            restriction=trusted.restriction,
            only=trusted.only,
        )


class _Trusted(NamedTuple):
    """A principal in a statement, and how far conditions restrict it. The fields are those of Trust."""

    kind: TrustKind
    external: bool | None
    restriction: Restriction
    only: tuple[str, ...] = ()


def _trusted_service(principal: Principal, statement: TrustStatement) -> _Trusted:
    restriction = _narrowed(statement.conditions, trust_tables().narrowing["service"])
    return _Trusted("service", principal.value == ANYONE, restriction)


def _trusted_principal(principal: Principal, statement: TrustStatement, account: str) -> _Trusted:
    narrowing, value, only = trust_tables().narrowing, principal.value, _callers(statement.conditions)
    restriction = _narrowed(statement.conditions, narrowing["aws"])
    if value == ANYONE:
        restriction = narrowest((widest((restriction, "loose")), _narrowed(statement.conditions, narrowing["anyone"])))
        return _Trusted("anyone", True, restriction, only)
    if whole := _ACCOUNT.fullmatch(value):
        return _Trusted("account", whole[1] != account, restriction, only)
    if one := _ARN_ACCOUNT.fullmatch(value):
        return _Trusted("principal", one[1] != account, restriction)
    return _Trusted("deleted" if _DELETED.fullmatch(value) else "principal", None, restriction)


def _callers(conditions: Iterable[Condition]) -> tuple[str, ...]:
    """The ARNs, as patterns, that a condition limits callers to; of several conditions the first."""
    naming = (each.values for each in conditions if each.key == _CALLER and each.is_binding)
    return next((values for values in naming if not any(map(has_variable, values))), ())


def _trusted_provider(principal: Principal, statement: TrustStatement) -> _Trusted:
    url = issuer_of(principal.value)
    if url is None:
        # The provider itself vouches for one organisation; conditions narrow further.
        narrowed = _narrowed(statement.conditions, trust_tables().narrowing["saml"])
        return _Trusted("federated", None, narrowest(("loose", narrowed)))
    issuer = shared(url)
    restriction = _claims_narrow(url.lower(), issuer, statement.conditions)
    return _Trusted("federated", True if issuer else None, restriction)


def _claims_narrow(url: str, issuer: Issuer | None, conditions: Iterable[Condition]) -> Restriction:
    """``issuer``: None for one of a single tenant, which narrows by itself; its audience adds nothing."""
    claims = [(c.key.removeprefix(f"{url}:"), c) for c in conditions if c.key.startswith(f"{url}:")]
    if any(claim == "amr" and condition.takes(_UNAUTHENTICATED) for claim, condition in claims):
        return "none"
    if issuer is None:
        return narrowest(("loose", *(condition.restriction for claim, condition in claims if claim != "aud")))
    narrowed = narrowest(
        issuer.narrows(issuer.aws_keys.get(claim, claim), condition.restriction, condition.values)
        for claim, condition in claims
    )
    binding = {claim for claim, condition in claims if condition.is_binding}
    return narrowed if binding.issuperset(issuer.needed) else widest((narrowed, "loose"))


def _narrowed(conditions: Iterable[Condition], keys: Iterable[str]) -> Restriction:
    return narrowest(condition.restriction for condition in on_keys(tuple(conditions), tuple(keys)))


# --- ``federates`` links of roles: the subjects of external issuers that may assume them (pure) ---
#
# Besides the tokens' subjects (see :mod:`connectors.federation`), links lead to the ARN of each identity provider of
# the account that a role trusts, for all users that it authenticates.

_GITHUB_REPOSITORY = "repository"


def federates_links(document: Any, trusts: Iterable[Trust]) -> tuple[Link, ...]:
    """The links from a role's trust policy, sorted. ``trusts``: the trusted principals after denials.

    A policy that cannot be read gives none: it has no trusts either.
    """
    trusted = {trust.principal for trust in trusts if trust.kind == "federated"}
    if not trusted:
        return ()
    found = {
        Link(
            relation="federates",
            target=principal,
            evidence="its trust policy allows the principals that it authenticates",
        )
        for principal in trusted
        if principal.startswith("arn:")
    }
    for statement in trust_statements(document):
        if statement.allow and not statement.not_principals:
            for principal in statement.principals:
                issuer = provider_issuer(principal.value) if principal.value in trusted else None
                if issuer:
                    found |= set(_subject_links(issuer, statement.conditions))
    return tuple(sorted(found, key=lambda link: (link.target, link.evidence)))


def _subject_links(issuer: str, conditions: Iterable[Condition]) -> Iterator[Link]:
    claims = {claim: one.values for claim, one in binding_claims(issuer, conditions).items()}
    subjects = claims.get("sub") or tuple(f"repo:{name}" for name in claims.get(_GITHUB_REPOSITORY, ())) or (ANY,)
    for subject in subjects:
        yield federates_link(issuer, subject, "its trust policy allows")


# --- AI agents, by the services in a trust policy (pure) ---

_SOURCE = "aws:sourcearn"


def agent_signals(document: Any, trusts: Iterable[Trust], *, answers: bool = True) -> tuple[Signal, ...]:
    """Signals that a role belongs, or may belong, to an AI agent: it trusts a service that runs agents.

    ``document``: its trust policy; ``trusts``: the trusted principals after denials. A policy that cannot be read has
    no signals. ``answers``: whether it may, or may possibly, invoke models that answer: without, Bedrock runs no agent
    with the role, but indexes documents, logs, or trains.
    """
    strengths = trust_tables().agent_services
    named = {
        trust.principal
        for trust in trusts
        if trust.kind == "service"
        and service_of(trust.principal) in strengths
        and (answers or service_of(trust.principal) not in trust_tables().agents_invoke_models)
    }
    if not named:
        return ()
    running = {
        principal.value
        for statement in trust_statements(document)
        if statement.allow and not _is_agentless(statement.conditions)
        for principal in statement.principals
    }
    return tuple(
        Signal(
            says="agent",
            sort="provider",
            evidence=f"its trust policy allows {service} to use it",
            strength=strengths[service_of(service)],
        )
        for service in sorted(named & running)
    )


def _is_agentless(conditions: Iterable[Condition]) -> bool:
    """Whether the service may use the role only for resource types that run no agent."""
    kinds = trust_tables().agentless
    return any(
        condition.key == _SOURCE
        and condition.is_binding
        and all(arn_parts(value)[-1].partition("/")[0] in kinds for value in condition.values)
        for condition in conditions
    )
