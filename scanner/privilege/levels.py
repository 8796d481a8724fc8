"""One privilege out of several that somebody has: the gravest. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from scanner.model import PRIVILEGES, Privilege

MOST_EVIDENCE = 20
"""So many reasons are told for a level; the grants tell all that is held."""


def gravest(privileges: Iterable[Privilege]) -> Privilege:
    """The gravest level of these, of which there must be one, with the reasons of all that have it, each once.

    Those of the first that has it are never cut, so that doing it again changes nothing.
    """
    privileges = tuple(privileges)
    level = min((one.level for one in privileges), key=PRIVILEGES.index)
    told = [one.evidence for one in privileges if one.level == level]
    most = max(MOST_EVIDENCE, len(told[0]))
    return Privilege(level=level, evidence=tuple(dict.fromkeys(chain.from_iterable(told)))[:most])
