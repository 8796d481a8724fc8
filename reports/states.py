"""Every state that reports show, with its tone and meaning: one table for all formats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

Axis: TypeAlias = Literal[
    "severity",
    "registry",
    "ownership",
    "usage",
    "privilege",
    "agent",
    "exposure",
    "nature",
    "age",
    "entry",
    "coverage",
    "change",
    "explained",
    "finding",
    "retire",
]
Tone: TypeAlias = Literal["critical", "bad", "warn", "info", "good", "agent", "quiet", "unknown"]


class State(Struct, frozen=True):
    """A state. ``tone`` decides its color; formats with few colors show some tones in the same way."""

    tone: Tone
    meaning: str


STATES: Mapping[Axis, Mapping[str, State]] = {
    "severity": {
        "critical": State("critical", "Act today"),
        "high": State("bad", "Act this week"),
        "medium": State("warn", "Plan it"),
        "low": State("info", "Fix when convenient"),
        "info": State("quiet", "For information"),
    },
    "registry": {
        "unregistered": State("bad", "Discovered, and no registry entry matches"),
        "ambiguous": State("warn", "The strongest match hits several entries"),
        "registered": State("good", "Matched to exactly one registry entry"),
        "exempt": State("quiet", "Managed by the provider, a person, or exempt by configuration"),
        "unchecked": State("unknown", "No registry was given"),
    },
    "ownership": {
        "orphaned": State("bad", "No declared owner resolves to an active person"),
        "owned": State("good", "An accountable owner resolves to an active person"),
        "unchecked": State("unknown", "An owner cannot be checked without a registry and a roster"),
        "not_applicable": State("quiet", "Exempt: needs no owner here"),
    },
    "usage": {
        "never_used": State("bad", "Not used since it was created, fully evidenced"),
        "dormant": State("warn", "Enabled and not used in the whole window, fully evidenced"),
        "active": State("good", "Used inside the window"),
        "disabled": State("quiet", "Cannot be used at present"),
        "unknown": State("unknown", "The evidence does not cover the whole window"),
    },
    "privilege": {
        "admin": State("bad", "Effectively everything, or all of the provider's access management"),
        "escalation": State("bad", "A known method leads to admin"),
        "high": State("warn", "High-consequence actions"),
        "unknown": State("unknown", "Some of the permissions could not be read"),
        "normal": State("quiet", "Nothing that stands out"),
    },
    "agent": {
        "yes": State("agent", "An AI agent: a strong signal, or two weak ones that agree"),
        "suggested": State("unknown", "A weak signal suggests an AI agent"),
        "no": State("quiet", "No sign of an AI agent"),
    },
    "exposure": {
        "exposed": State("bad", "Others could make it hand out private data, or act with high consequence"),
        "unknown": State("unknown", "Not all of its tools, of what it reads or of what it reaches is known"),
        "none": State("good", "All is known, and others can make it do neither"),
    },
    "nature": {
        "mixed": State("warn", "A person's account that machines use, or the other way round"),
        "human": State("quiet", "A person"),
        "non_human": State("quiet", "Not a person"),
        "unknown": State("unknown", "No signal"),
    },
    "age": {
        "over 2 years": State("critical", "Its value is older than two years"),
        "1 to 2 years": State("bad", "Its value is older than a year"),
        "90 days to a year": State("warn", "Its value is older than 90 days"),
        "30 to 90 days": State("info", "Its value is older than 30 days"),
        "under 30 days": State("good", "Its value is younger than 30 days"),
        "unknown": State("unknown", "The age of its value is unknown"),
    },
    "entry": {
        "retired_but_alive": State("bad", "Retired or expired, and an enabled identity matches"),
        "not_found": State("bad", "Active, nothing matches, and the place where it would be was completely read"),
        "not_evaluated": State("unknown", "Nothing matches, but the place where it would be was not completely read"),
        "suspended": State("warn", "Suspended by its registry entry"),
        "proposed": State("info", "Not yet approved"),
        "found": State("good", "At least one identity matches"),
        "retired": State("quiet", "Retired, and no enabled identity matches"),
    },
    "change": {
        "replaced": State("bad", "Deleted and created again under the same name: another identity"),
        "new": State("bad", "A finding that the previous scan did not have"),
        "reopened": State("bad", "A resolved finding that came back"),
        "worsened": State("bad", "A finding of higher severity than in the previous scan"),
        "joined": State("info", "The previous scan did not have it"),
        "returned": State("warn", "Was gone, and exists again"),
        "moved": State("warn", "Something about it changed"),
        "left": State("quiet", "No longer there, and its place was read"),
        "forgotten": State("quiet", "Its source was removed with muster history forget"),
        "resolved": State("good", "A finding that no longer applies"),
    },
    "coverage": {
        "denied": State("bad", "The permission is missing"),
        "failed": State("bad", "An error ended it"),
        "partial": State("warn", "Read in part"),
        "skipped": State("warn", "Not tried"),
        "complete": State("good", "Read completely"),
        "not_offered": State("quiet", "This server or region does not offer it"),
        "off": State("quiet", "Optional, and not enabled"),
    },
    "finding": {
        "worsened": State("bad", "Its severity rose since the previous scan"),
        "open": State("warn", "Nobody has begun anything about it"),
        "in_review": State("info", "Its identity is in an open access review"),
        "proposed": State("info", "An owner was proposed, and the registry does not have it yet"),
        "asked": State("info", "Its owner asked to acknowledge it, and a reviewer has to approve that"),
        "acknowledged": State("quiet", "Accepted until a day, with a reason"),
    },
    "retire": {
        "in_use": State("warn", "Somebody would notice"),
        "unknown": State("unknown", "Not all that could use it was seen"),
        "safe": State("good", "Every kind of use was recorded, and there was none"),
    },
    "explained": {
        "unexplained": State("bad", "No known change of the identity explains what it did that day"),
        "unknown": State("unknown", "Whether a change explains it is unknown: no scan before and after that day"),
        "explained": State("good", "A known change of the identity, or its entry's baseline, explains it"),
    },
}
"""By axis, the most severe first: lists and menus sort states in this order."""
