"""Agents that run as an identity of another provider, if its trusts admit their platform. Pure.

An agent names the role (``federates``); the role's trust policy decides whether it becomes that role.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scanner.matching.keys import habits
from scanner.model import Edge, Identity, Trust
from scanner.text import issuer_name

_AUDIENCE = "aud"
_CLAIMS_DECIDE = "further claims of its token decide"


def by_execution(identities: Sequence[Identity]) -> Iterator[Edge]:
    """Yield an edge for each agent and role of another provider that it names, if a trust of the role agrees.

    The provider's facts have the names of its platform in trusts elsewhere: a service, or an issuer of tokens. The
    claims of its tokens are unknown, so a trust that requires more than the audience gives a conditional edge, unless
    it names the agent by its id.
    """
    known = {identity.key: identity for identity in identities} if any(one.links for one in identities) else {}
    for agent in known.values():
        if not agent.links or not (names := habits(agent.provider).trusted_as):
            continue
        for link in agent.links:
            role = known.get(link.target) if link.relation == "federates" else None
            if role is None or role.provider == agent.provider:
                continue
            agreed = [(_is_certain(trust, agent), trust) for trust in role.trusts if _names(trust, names)]
            if agreed:
                certain, trust = min(agreed, key=lambda one: (not one[0], one[1].evidence))
                evidence = trust.evidence if certain else f"{_CLAIMS_DECIDE}; {trust.evidence}"
                yield Edge(agent.key, role.key, evidence, conditional=not certain)


def _names(trust: Trust, patterns: Sequence[str]) -> bool:
    """Whether a trust admits a platform with these names."""
    if trust.kind == "service":
        named = trust.principal
    elif trust.kind == "federated" and trust.issuer is not None:
        named = issuer_name(trust.issuer)
    else:
        return False
    return any(re.fullmatch(pattern, named) for pattern in patterns)


def _is_certain(trust: Trust, agent: Identity) -> bool:
    if trust.kind == "service":
        return True
    asked = [value for claim in trust.claims if claim.name != _AUDIENCE for value in claim.values or ("",)]
    asked += [] if trust.subject is None or not trust.subject.strip("*") else [trust.subject]
    return all(agent.unique_id is not None and agent.unique_id in value for value in asked)
