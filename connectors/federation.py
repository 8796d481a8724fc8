"""Federated trusts: known token issuers, how far conditions restrict a trust, and ``federates`` links (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Literal, TypeAlias

from msgspec import Struct

from scanner.catalog import read_table
from scanner.model import Claim, Link, Trust
from scanner.text import issuer_name

Restriction: TypeAlias = Literal["none", "loose", "exact"]
_ORDER: tuple[Restriction, ...] = ("none", "loose", "exact")


def narrowest(restrictions: Iterable[Restriction]) -> Restriction:
    """The result of restrictions that must all hold."""
    return max(restrictions, key=_ORDER.index, default="none")


def widest(restrictions: Iterable[Restriction]) -> Restriction:
    """The result of alternative restrictions."""
    return min(restrictions, key=_ORDER.index, default="none")


# --- Known token issuers, and how far claims restrict a trust (``issuers.toml``) ---

SUBJECT = "sub"


class Grammar(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A form of an issuer's subjects, and its target."""

    like: str
    target: str


class Issuer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token issuer in ``issuers.toml``."""

    name: str
    url: str
    subjects: tuple[Grammar, ...] = ()
    tenants: Mapping[str, str] = {}
    exact: frozenset[str] = frozenset()
    owner: frozenset[str] = frozenset()
    broad: Mapping[str, str] = {}
    needed: frozenset[str] = frozenset()
    aws_keys: Mapping[str, str] = {}
    of_claim: Mapping[str, str] = {}
    by_name: Mapping[str, str] = {}
    by_id: frozenset[str] = frozenset()

    def fixed(self, claim: str) -> Restriction:
        """The restriction of a trust by a claim with one value."""
        if claim in self.owner:
            return "loose"
        return "exact" if claim in self.exact or claim == SUBJECT else "none"

    def narrows(self, claim: str, restriction: Restriction, values: Iterable[str]) -> Restriction:
        """The restriction of a trust by a claim with these values, or patterns.

        ``restriction``: that of the values. Values with wildcards restrict it if each stays inside one
        tenant.
        """
        values = tuple(values)
        if restriction != "exact" and not _all_like(self.tenants.get(claim), values):
            return "none"
        broad = claim in self.broad and any(re.match(self.broad[claim], one) for one in values)
        return widest((restriction, "loose" if broad else "exact", self.fixed(claim)))


def is_by_name(issuer: str, subject: str | None, claims: Iterable[Claim] = ()) -> bool:
    """Whether a trust identifies its subject only by names, which can be reused."""
    said = [(claim.name, value) for claim in claims for value in claim.values or ("",)]
    for one, _ in recognised(issuer):
        return not any(name in one.by_id for name, _ in said) and any(
            name in one.by_name and re.match(one.by_name[name], value)
            for name, value in (*said, *(() if subject is None else ((SUBJECT, subject),)))
        )
    return False


def _all_like(pattern: str | None, values: Iterable[str]) -> bool:
    return pattern is not None and all(re.match(pattern, value) for value in values)


@cache
def _issuers() -> tuple[Issuer, ...]:
    return read_table("connectors", "issuers.toml", dict[str, tuple[Issuer, ...]])["issuers"]


def recognised(url: str) -> Iterator[tuple[Issuer, Mapping[str, str | None]]]:
    """Known issuers for a URL, the most likely first, with the named parts of the URL."""
    address = issuer_name(url)
    for one in _issuers():
        if found := re.fullmatch(one.url, address):
            yield one, found.groupdict()


def shared(url: str) -> Issuer | None:
    """The issuer, if it signs for all tenants at that address; None for an issuer of a single tenant."""
    for one, parts in recognised(url):
        return one if one.tenants and not parts.get("own") else None
    return None


# --- ``federates`` links ---
#
# A link's target names the subject as the connector of its own platform would. ``issuers.toml`` has the forms:
#
# github:ORG/REPOSITORY              a repository, for its GitHub Actions workflows; elsewhere than on github.com
#                                    github:HOST/ORG/REPOSITORY
# gitlab:GROUP/PROJECT               a project, for its GitLab pipelines
# bitbucket:WORKSPACE/REPOSITORY     a repository, by its id, for its Bitbucket pipelines
# circleci:ORGANIZATION/PROJECT      a project of CircleCI, both by id
# buildkite:ORGANIZATION/PIPELINE    a pipeline of Buildkite
# azuredevops:ORGANIZATION/PROJECT/NAME  a service connection of Azure DevOps; newer ones have two ids instead
# terraform:ORGANIZATION/WORKSPACE   a workspace of HCP Terraform
# kubernetes:ISSUER/NAMESPACE/NAME   a service account of the cluster with that OIDC issuer (without https://)
# google:ID                          a service account of Google Cloud, by its unique id
# entra:TENANT/ID                    a service principal or managed identity of Entra, by its object id
# cognito:POOL/ID, cognito:ID        a user of a user pool; an identity of an identity pool
# an ARN                             a principal of AWS
# oidc:ISSUER#SUBJECT                any other subject; ``*`` where none is named
#
# Wildcards stay as they are: ``github:acme/*`` is every repository of acme.

ANY = "*"
_OF_NO_TOKENS = ("saml:", "x509:")
"""Prefixes of issuers that do not sign tokens."""


def subject_target(issuer: str, subject: str) -> str:
    """The target that represents a subject of an issuer."""
    for one, parts in recognised(issuer):
        for grammar in one.subjects:
            if found := re.fullmatch(grammar.like, subject):
                return grammar.target.format_map({"issuer": issuer_name(issuer), **parts, **found.groupdict()})
    return f"oidc:{issuer_name(issuer)}#{subject}"


def federates_link(issuer: str, subject: str, evidence: str) -> Link:
    """The link to a subject; ``evidence``: what grants the trust, such as ``its trust policy allows``."""
    who = f"every subject of {issuer_name(issuer)}" if subject == ANY else f"{subject} of {issuer_name(issuer)}"
    return Link(relation="federates", target=subject_target(issuer, subject), evidence=f"{evidence} {who}")


def links_of(trusts: Iterable[Trust], evidence: str) -> tuple[Link, ...]:
    """The links to every subject that federated trusts name, sorted, each target once.

    An exact trust whose subject is unknown gives no link.
    """
    found: dict[str, Link] = {}
    for trust in trusts:
        if trust.kind != "federated" or trust.issuer is None or trust.issuer.startswith(_OF_NO_TOKENS):
            continue
        if trust.subject is not None or trust.restriction != "exact":
            link = federates_link(trust.issuer, ANY if trust.subject is None else trust.subject, evidence)
            found.setdefault(link.target, link)
    return tuple(found[target] for target in sorted(found))
