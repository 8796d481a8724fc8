"""AWS's own wildcards: ``*`` and ``?`` anywhere in an action or an ARN; every other character stands for itself."""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache

_ARN_PARTS = 6
_VARIABLE = re.compile(r"\$\{[^}]*\}")


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as an expression that takes linear time, whatever a policy's author wrote."""
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def action_matches(pattern: str, action: str) -> bool:
    """Whether a policy's action pattern covers an action; case does not matter."""
    return compiled(pattern.lower()).match(action.lower()) is not None


def resource_matches(pattern: str, resource: str) -> bool:
    """Whether a policy's resource pattern covers an ARN; a policy variable may stand for anything."""
    return compiled(_VARIABLE.sub("*", pattern)).match(resource) is not None


def has_wildcard(text: str) -> bool:
    """Whether ``*``, ``?`` or a policy variable stands in it."""
    return any(sign in text for sign in ("*", "?", "${"))


def arn_parts(pattern: str) -> list[str]:
    """The six parts of an ARN (``arn``, partition, service, region, account, resource).

    A wildcard at the end of a shorter pattern stands for the rest: ``arn:aws:iam::*`` is all of IAM.
    """
    parts = pattern.split(":", _ARN_PARTS - 1)
    filler = "*" if parts[-1].endswith("*") else ""
    return parts + [filler] * (_ARN_PARTS - len(parts))
