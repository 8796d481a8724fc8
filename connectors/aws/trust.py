"""Trust policies: who may become a role, and how far conditions narrow that (pure)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec
from msgspec import Struct

from connectors.aws.conditions import Condition, on_keys
from connectors.aws.globs import has_variable
from connectors.aws.tokens import issuer_of, subjects_of
from connectors.aws.trust_policy import ANYONE, EVERYBODY, Principal, TrustStatement, trust_statements
from connectors.issuers import Issuer, shared
from connectors.restrictions import Restriction, narrowest, widest
from scanner.model import Trust

_CALLER = "aws:principalarn"
# What Cognito's tokens say of those who did not sign in.
_UNAUTHENTICATED = "unauthenticated"

_ACCOUNT = re.compile(r"(?:arn:[^:]+:iam::)?(\d{12})(?::root)?")
_ARN_ACCOUNT = re.compile(r"arn:[^:]+:(?:iam|sts)::(\d{12}):.+")
# What is left in the policy of a principal that has been deleted: its unique id.
_DELETED = re.compile(r"A(?:IDA|ROA|GPA)[A-Z0-9]{12,}")
# bedrock.eu-west-1.amazonaws.com and ec2.amazonaws.com.cn are bedrock and ec2.
_SERVICE = re.compile(r"(.+?)(?:\.[a-z]{2}(?:-[a-z]+)+-\d)?\.amazonaws\.com(?:\.cn)?")


class TrustTables(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``trust.toml``."""

    agent_services: Mapping[str, Literal["strong", "weak"]]
    agentless: frozenset[str]
    agents_invoke_models: frozenset[str]
    serving_everybody: frozenset[str]
    narrowing: Mapping[Literal["aws", "anyone", "service", "saml"], tuple[str, ...]]


@cache
def trust_tables() -> TrustTables:
    """The tables that come with us."""
    data = tomllib.loads(files("connectors.aws").joinpath("trust.toml").read_text(encoding="utf-8"))
    return msgspec.convert(data, TrustTables)


@cache
def _vendors() -> Mapping[str, str]:
    """The vendor that an account is known to belong to, from ``vendors.toml``: a label, nothing is decided by it."""
    data = tomllib.loads(files("connectors.aws").joinpath("vendors.toml").read_text(encoding="utf-8"))
    return {account: name for name, accounts in data["vendors"].items() for account in accounts}


def service_of(principal: str) -> str:
    """The name of a service in a principal: ``lambda`` for ``lambda.amazonaws.com``, whatever region or partition."""
    named = _SERVICE.fullmatch(principal)
    return named[1] if named else principal


def account_of(principal: str) -> str | None:
    """The account of a principal: an account's id, or any ARN that has one; None where it names none."""
    found = _ACCOUNT.fullmatch(principal) or _ARN_ACCOUNT.fullmatch(principal)
    return found[1] if found else None


def parse_trusts(document: Any, account: str) -> tuple[Trust, ...]:
    """Everybody a role's trust policy lets in, sorted; ``account`` is the role's own. Raises ValueError."""
    statements = trust_statements(document)
    trusts = {
        trust
        for statement in statements
        if statement.allow
        for principal in ((EVERYBODY,) if statement.not_principals else statement.principals)
        if statement.actions.difference(*(other.actions for other in statements if other.denies(principal)))
        for trust in _trusts(principal, statement, account)
    }
    return tuple(sorted(trusts, key=lambda one: (one.principal, one.restriction, one.evidence, one.subject or "")))


def _trusts(principal: Principal, statement: TrustStatement, account: str) -> Iterator[Trust]:
    """One, or where tokens are taken one for each subject that is named."""
    facts = (
        _service_trust(principal, statement)
        if principal.type == "Service"
        else _federated_trust(principal, statement)
        if principal.type == "Federated"
        else _aws_trust(principal, statement, account)
    )
    how = "everyone but those its NotPrincipal names" if statement.not_principals else "its trust policy names it"
    if vendor := _vendors().get(account_of(principal.value) or ""):
        how = f"{how} ({vendor}, by its published account)"
    conditions = "; ".join(map(str, statement.conditions))
    evidence = f"{how}, if {conditions}" if conditions else f"{how}, without a condition"
    url = issuer_of(principal.value) if principal.type == "Federated" else None
    for subject in (None,) if url is None else subjects_of(url, statement.conditions):
        issuer = None if url is None else f"https://{url}"
        yield Trust(principal=principal.value, evidence=evidence, issuer=issuer, subject=subject, **facts)


def _service_trust(principal: Principal, statement: TrustStatement) -> dict[str, Any]:
    tables = trust_tables()
    outsiders = principal.value == ANYONE or service_of(principal.value) in tables.serving_everybody
    restriction = _narrowed(statement.conditions, tables.narrowing["service"])
    return {"kind": "service", "external": outsiders, "restriction": restriction}


def _aws_trust(principal: Principal, statement: TrustStatement, account: str) -> dict[str, Any]:
    narrowing, value, only = trust_tables().narrowing, principal.value, _callers(statement.conditions)
    restriction = _narrowed(statement.conditions, narrowing["aws"])
    if value == ANYONE:
        restriction = narrowest((widest((restriction, "loose")), _narrowed(statement.conditions, narrowing["anyone"])))
        return {"kind": "anyone", "external": True, "restriction": restriction, "only": only}
    if whole := _ACCOUNT.fullmatch(value):
        return {"kind": "account", "external": whole[1] != account, "restriction": restriction, "only": only}
    if one := _ARN_ACCOUNT.fullmatch(value):
        return {"kind": "principal", "external": one[1] != account, "restriction": restriction}
    kind = "deleted" if _DELETED.fullmatch(value) else "principal"
    return {"kind": kind, "external": None, "restriction": restriction}


def _callers(conditions: Iterable[Condition]) -> tuple[str, ...]:
    """The ARNs, as patterns, that a condition lets in alone; of several conditions the first."""
    naming = (each.values for each in conditions if each.key == _CALLER and each.is_binding)
    return next((values for values in naming if not any(map(has_variable, values))), ())


def _federated_trust(principal: Principal, statement: TrustStatement) -> dict[str, Any]:
    url = issuer_of(principal.value)
    if url is None:
        # The provider itself vouches for one organisation; conditions narrow further.
        narrowed = _narrowed(statement.conditions, trust_tables().narrowing["saml"])
        return {"kind": "federated", "external": None, "restriction": narrowest(("loose", narrowed))}
    issuer = shared(url)
    restriction = _claims_narrow(url.lower(), issuer, statement.conditions)
    return {"kind": "federated", "external": True if issuer else None, "restriction": restriction}


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
