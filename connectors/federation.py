"""``federates`` links: which subjects of which issuer may become an identity, as others can join them (pure).

A link's target names the subject as the connector of its own platform would. ``issuers.toml`` has the forms:

=========================================  ==========================================================
``github:ORG/REPOSITORY``                  a repository whose GitHub Actions workflows are let in
``gitlab:GROUP/PROJECT``                   a project whose GitLab pipelines are let in
``bitbucket:WORKSPACE/REPOSITORY``         a repository, by its id, whose Bitbucket pipelines are let in
``circleci:ORGANIZATION/PROJECT``          a project of CircleCI, both by id
``buildkite:ORGANIZATION/PIPELINE``        a pipeline of Buildkite
``azuredevops:ORGANIZATION/PROJECT/NAME``  a service connection of Azure DevOps; of newer ones two ids are told
``terraform:ORGANIZATION/WORKSPACE``       a workspace of HCP Terraform
``kubernetes:ISSUER/NAMESPACE/NAME``       a service account of the cluster with that OIDC issuer (without ``https://``)
``google:ID``                              a service account of Google Cloud, by its unique id
``entra:TENANT/ID``                        a service principal or managed identity of Entra, by its object id
``cognito:POOL/ID``, ``cognito:ID``        somebody in a user pool; somebody in an identity pool
an ARN                                     a principal of AWS
``oidc:ISSUER#SUBJECT``                    any other subject, as it stands there; ``*`` where none is named
=========================================  ==========================================================

Wildcards stay as they are: ``github:acme/*`` is every repository of acme.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from connectors.issuers import recognised
from scanner.model import Link, Trust
from scanner.text import issuer_name

ANY = "*"
_OF_NO_TOKENS = ("saml:", "x509:")
"""Begin what stands for an issuer where nobody signs tokens."""


def subject_target(issuer: str, subject: str) -> str:
    """The target that stands for a subject of an issuer."""
    for one, parts in recognised(issuer):
        for grammar in one.subjects:
            if found := re.fullmatch(grammar.like, subject):
                return grammar.target.format_map({"issuer": issuer_name(issuer), **parts, **found.groupdict()})
    return f"oidc:{issuer_name(issuer)}#{subject}"


def federates_link(issuer: str, subject: str, evidence: str) -> Link:
    """The link to a subject; ``evidence``: what lets it in, as ``its trust policy lets in``."""
    who = f"every subject of {issuer_name(issuer)}" if subject == ANY else f"{subject} of {issuer_name(issuer)}"
    return Link(relation="federates", target=subject_target(issuer, subject), evidence=f"{evidence} {who}")


def links_of(trusts: Iterable[Trust], evidence: str) -> tuple[Link, ...]:
    """The links to all whom federated trusts name, sorted, each target once.

    An exact trust of which the subject is not known names somebody, but not whom.
    """
    found: dict[str, Link] = {}
    for trust in trusts:
        if trust.kind != "federated" or trust.issuer is None or trust.issuer.startswith(_OF_NO_TOKENS):
            continue
        if trust.subject is not None or trust.restriction != "exact":
            link = federates_link(trust.issuer, ANY if trust.subject is None else trust.subject, evidence)
            found.setdefault(link.target, link)
    return tuple(found[target] for target in sorted(found))
