"""What a principal could do, from all its policies together (pure).

The union of its own, attached and groups' policies, cut down by its boundary, explicit deny first. A condition makes
an allowance a "maybe", which is worth at most ``high``. Service control policies, session policies and resource
policies are not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from connectors.aws.policy import Document, Reach
from connectors.aws.vocabulary import Family, Method, Vocabulary
from scanner.model import Privilege

METHODS_NAMED = 3
"""Evidence names this many methods or actions of a sort, and counts the rest."""
UNDER_A_CONDITION = "under a condition"
NO_TARGET_SEEN = "potential: no target seen"
HINDERED = "some of it is denied on some resources or under a condition"


class Effective(Struct, frozen=True, kw_only=True, gc=False):
    """What a set of policies amounts to; before (``certain``, ``possible``) and apart from what is ``denied``."""

    certain: Reach
    possible: Reach
    denied: int
    hindered: int
    bounded: bool


def combine(documents: Sequence[Document], boundary: Document | None) -> Effective:
    """The union of the documents, within the boundary where there is one."""
    certain = possible = Reach()
    denied = hindered = 0
    for document in documents:
        certain |= document.certain
        possible |= document.possible
        denied |= document.denied
        hindered |= document.hindered
    if boundary is not None:
        certain &= boundary.certain
        possible &= boundary.possible
        denied |= boundary.denied
        hindered |= boundary.hindered
    return Effective(certain=certain, possible=possible, denied=denied, hindered=hindered, bounded=boundary is not None)


def judge(effective: Effective, words: Vocabulary) -> Privilege:
    """The privilege of a principal with these effective permissions."""
    certainly = effective.certain.without(effective.denied)
    perhaps = effective.possible.without(effective.denied)
    hindered = (HINDERED,) if effective.hindered & certainly.somewhere else ()
    if is_admin(effective.certain, effective.denied, words):
        return Privilege(level="admin", evidence=("every action of IAM on everything", *hindered))
    if methods := _methods(certainly, effective, words):
        return Privilege(level="escalation", evidence=(*methods, *hindered))
    if is_admin(effective.possible, effective.denied, words):
        return Privilege(level="high", evidence=(f"every action of IAM on everything, {UNDER_A_CONDITION}",))
    evidence = (
        *(f"{method}, {UNDER_A_CONDITION}" for method in _methods(perhaps, effective, words)),
        *_high(certainly, words, ""),
        *_high(_beyond(perhaps, certainly), words, f", {UNDER_A_CONDITION}"),
    )
    return Privilege(level="high", evidence=evidence) if evidence else Privilege(level="normal")


def is_admin(reach: Reach, denied: int, words: Vocabulary) -> bool:
    """All of IAM on everything. Denying it a read or two changes nothing; denying what is dangerous in IAM does."""
    return reach.everything & words.iam == words.iam and not denied & words.dangerous_iam


def _methods(reach: Reach, effective: Effective, words: Vocabulary) -> list[str]:
    found = []
    for family, methods in words.methods:
        if family.needs_boundary and not effective.bounded:
            continue
        possible = [method.text for method in methods if _is_possible(method, family, reach)]
        if possible:
            target = "" if family.reach == "any" else f" ({NO_TARGET_SEEN})"
            found.append(f"can {family.name}: {_some(possible)}{target}")
    return found


def _is_possible(method: Method, family: Family, reach: Reach) -> bool:
    if family.reach == "all":
        return method.needed & reach.wide == method.needed
    anywhere = method.needed & reach.somewhere == method.needed
    return anywhere and (family.reach == "any" or bool(method.first & reach.wide))


def _high(reach: Reach, words: Vocabulary, suffix: str) -> list[str]:
    found = []
    for consequence, actions in words.high.items():
        allowed = words.names(actions & reach.wide)
        if allowed:
            found.append(f"can {consequence}: {_some(allowed)}{suffix}")
    return found


def _beyond(perhaps: Reach, certainly: Reach) -> Reach:
    return Reach(wide=perhaps.wide & ~certainly.wide)


def _some(names: Sequence[str]) -> str:
    more = len(names) - METHODS_NAMED
    return ", ".join(names[:METHODS_NAMED]) + (f" and {more} more" if more > 0 else "")
