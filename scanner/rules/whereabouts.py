"""Whom to ask about an identity, and where to look if nobody is likely enough. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from scanner.model import Assessment, Identity, OwnerCandidate, Relation
from scanner.model.attributes import PUBLISHER, REPOSITORY, SCOPE_CONTACT
from scanner.text import cut, few

LONGEST = 120
"""The most characters of a text from outside in a sentence."""
PLACES = 2
"""How many places to look at a sentence has."""

_TAGS = frozenset(("application", "app", "component", "product", "project", "purpose", "service", "stack", "team"))
"""Tags that say what an identity belongs to."""
_WORD = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{4,}")
_OF_ANYTHING = frozenset(
    {
        "account", "agent", "agents", "application", "bucket", "default", "group", "identity", "prod", "production",
        "project", "projects", "resource", "role", "runner", "runtime", "service", "staging", "storage", "system",
        "task", "test", "user", "worker",
    }
)  # fmt: skip
"""Words that any name may have: sharing one says nothing."""
_OF_A_MACHINE = re.compile(r"role/|serviceaccount|\d{4}", re.IGNORECASE)
"""In the names of creators that are no people: nobody is named who may have left."""


def said(text: str, longest: int = LONGEST) -> str:
    """Return a text from outside for a place within a sentence: on one line, not too long, without an end."""
    return cut(" ".join(text.split()), longest).rstrip(".").replace(". ", "; ")


def likeliest(assessment: Assessment) -> OwnerCandidate | None:
    """Return the candidate whom a next step may name: likely enough, staying, by more than a technical word."""
    if assessment.registry.look_alike is not None:
        return None
    return next((one for one in assessment.ownership.candidates if one.may_be_asked), None)


def ask(assessment: Assessment) -> str:
    """Return the beginning of a sentence: whom to ask, or where to look."""
    owner = assessment.ownership.owner
    if owner is not None and assessment.ownership.state in ("owned", "unchecked") and not assessment.ownership.leaving:
        return f"Ask its {'backup ' if assessment.ownership.backup_only else ''}owner {said(owner)}"
    person = likeliest(assessment)
    return f"Ask {named(person)}" if person else f"Find out from {where(assessment)}"


def take_over(assessment: Assessment) -> str:
    """Return the beginning of a sentence about an identity that needs an owner."""
    person = likeliest(assessment)
    return f"Ask {named(person)} to take it over" if person else f"Find out from {where(assessment)} who takes it over"


def named(candidate: OwnerCandidate) -> str:
    """Return the candidate with the confidence."""
    return f"{said(candidate.person)} (confidence {candidate.score:.2f})"


def where(assessment: Assessment) -> str:
    """Return where to look for who answers for it, the surest places first."""
    found: list[str] = []
    for place in _places(assessment):
        if place not in found:
            found.append(place)
            if len(found) == PLACES:
                break  # to work out the rest took a tenth of a report
    return " or ".join(found) or f"the audit log of {_scope(assessment.identity)}{_created(assessment.identity)}"


def _created(identity: Identity) -> str:
    return f" for {identity.created_at.date()}, when it was created," if identity.created_at else " (who created it)"


def _places(assessment: Assessment) -> Iterator[str]:
    identity, activity = assessment.identity, assessment.activity
    if assessment.consumers:
        yield f"what runs as it ({few([said(key) for key in assessment.consumers], 1)})"
    became = [one for one in activity.assumed_by if "@" not in one] if activity is not None else []
    if became:
        yield f"what became it by the audit log ({said(became[0])})"
    yield from _linked(identity)
    repository = identity.attributes.get(REPOSITORY)
    if isinstance(repository, str) and repository:
        yield f"the repository {said(repository)}"
    yield from _creator(assessment)
    yield from _publisher(identity)
    yield from _namesakes(identity)
    yield from (
        f"those behind its tag {said(key)}={said(value)}"
        for key, value in sorted(identity.tags.items())
        if key.rpartition(":")[2].lower() in _TAGS and value and "@" not in value
    )
    yield from _trusted(identity)
    if isinstance(identity.attributes.get(SCOPE_CONTACT), str):
        yield f"the contact of the account {_scope(identity)}"
    if activity is not None and activity.clients:
        yield f"its callers in the audit log ({few([said(one) for one in activity.clients], 2)})"
    yield from (
        f"the audit log of {_scope(identity)} by its {one.kind.replace('_', ' ')} {said(one.id)}"
        for one in identity.credentials[:1]
    )


def _creator(assessment: Assessment) -> Iterator[str]:
    """Yield who created it: a machine, or a person who is on the roster and stays."""
    maker = assessment.identity.created_by
    if maker and "@" not in maker and _OF_A_MACHINE.search(maker):
        yield f"its creator {said(maker)}"
    elif maker and any("creat" in one.evidence and not one.leaving for one in assessment.ownership.candidates):
        yield "its creator, named in its record,"


_LINKS: Mapping[Relation, str] = {
    "runs_as": "the role that it runs as",
    "federates": "what signs in as it",
    "stores": "the readers of the secret with its credential",
}


def _linked(identity: Identity) -> Iterator[str]:
    for link in identity.links:
        if link.relation in _LINKS and not ("provider" in link.target or "*" in link.target):
            yield f"{_LINKS[link.relation]} ({said(link.target)})"


def _publisher(identity: Identity) -> Iterator[str]:
    publisher = identity.attributes.get(PUBLISHER)
    name = publisher.get("name") if isinstance(publisher, dict) else None
    if isinstance(name, str) and name:
        yield f"its publisher {said(name)}"


def _namesakes(identity: Identity) -> Iterator[str]:
    """Yield the resources of its grants whose name it shares."""
    own = _words(identity.name) if identity.grants else frozenset()
    for grant in identity.grants:
        for resource in (grant.resource or "").split(","):
            name = resource.strip().removesuffix("/*").rstrip("/:").replace(":", "/").rpartition("/")[2]
            if own.intersection(_words(name)):
                yield f"the users of the resource whose name it shares ({said(resource)})"


def _words(name: str) -> frozenset[str]:
    return frozenset(word for word in map(str.lower, _WORD.findall(name)) if word not in _OF_ANYTHING)


def _trusted(identity: Identity) -> Iterator[str]:
    for trust in identity.trusts:
        if "*" in trust.principal:
            continue  # anybody
        if trust.kind == "service":
            yield f"the workload of {said(trust.principal)} that its trust policy lets in"
        elif trust.kind in ("account", "principal"):
            yield f"the principal of its trust policy ({said(trust.principal)})"
        elif trust.kind == "federated" and trust.subject and trust.restriction == "exact":
            yield f"the subject of its trust policy ({said(trust.subject)})"


def _scope(identity: Identity) -> str:
    return f"{identity.provider} {said(identity.scope)}"
