"""Which actions the condition of a role assignment is about; it decides of no others. Pure.

A condition targets actions as ``!(ActionMatches{'…'}) OR expression``, which lets every other action pass. Source:
https://learn.microsoft.com/azure/role-based-access-control/conditions-format
"""

from __future__ import annotations

import re

from connectors.azure.rights.role import DATA, covers

_MENTIONED = re.compile(r"ActionMatches", re.IGNORECASE)
_TARGETED = re.compile(r"!\s*\(\s*ActionMatches\s*\{\s*'([^']*)'\s*\}", re.IGNORECASE)
# Requests of Privileged Identity Management end as role assignments, and are held to the same condition.
_AS_ASSIGNMENT = re.compile(r"/role(?:assignment|eligibility)schedulerequests/")
_ALTERNATIVE = re.compile(r"\bOR\b|\|\|", re.IGNORECASE)


class Condition:
    """A condition, or the lack of one. One of another form than the usual is taken to decide of everything."""

    def __init__(self, text: str | None) -> None:
        self.is_there = bool(text and text.strip())
        targets = _TARGETED.findall(text or "")
        usual = targets and len(targets) == len(_MENTIONED.findall(text or "")) and _ALTERNATIVE.search(text or "")
        self._targets = tuple(target.lower() for target in targets) if usual else ("*",)

    def decides(self, action: str) -> bool:
        """Whether an action is allowed only if it is met."""
        name = _AS_ASSIGNMENT.sub("/roleassignments/", action.removeprefix(DATA).lower())
        return self.is_there and any(covers(target, name) for target in self._targets)
