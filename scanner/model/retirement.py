"""Retiring an identity: who would notice, the staged plan, and how far scans saw it go.

Muster changes nothing at a provider: a plan is text for people to run.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from scanner.model.discovered import Identity
from scanner.model.terms import PrivilegeLevel

RetireVerdict: TypeAlias = Literal["safe", "in_use", "unknown"]
RETIRE_VERDICTS: tuple[RetireVerdict, ...] = ("safe", "unknown", "in_use")
"""The safest first."""
Stage: TypeAlias = Literal["lowered", "disabled", "waited", "deleted"]
STAGES: tuple[Stage, ...] = get_args(Stage)
DependentKind: TypeAlias = Literal[
    "caller", "host", "workload", "agent", "workflow", "federated", "stored_copy", "becomes", "only_it"
]
DEPENDENT_KINDS: tuple[DependentKind, ...] = get_args(DependentKind)
Switch: TypeAlias = Literal["enabled", "trusts", "grants"]
"""By what a scan sees that an identity is disabled: its own switch, that nobody is let in any more, or, where the
provider has neither, that no grant is left."""


class Dependent(Struct, frozen=True, kw_only=True, gc=False):
    """Somebody or something that may notice. ``what``: a key or a name. ``source``: the log or source that says so.

    ``at``: when it was last seen to use the identity, or when that was read. ``starts``: bound to the identity, so
    that it could start it again, even if it is switched off now. ``uses``: it called within the window; False: it was
    refused; None: a record of use is not what names it.
    """

    kind: DependentKind
    what: str
    evidence: str
    source: str
    at: datetime | None = None
    starts: bool = False
    uses: bool | None = None


class UseCoverage(Struct, frozen=True, kw_only=True, gc=False):
    """One kind of use, and whether it was recorded on every day of the window. ``to_know``: what would tell."""

    use: str
    source: str
    whole: bool
    detail: str
    to_know: str | None = None


class StagePlan(Struct, frozen=True, kw_only=True, gc=False):
    """The commands of one stage, as they run under ``sh -e``, and the way back. ``says``: what to know about them."""

    stage: Stage
    commands: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    says: tuple[str, ...] = ()


class Plan(Struct, frozen=True, kw_only=True, gc=False):
    """All four stages in order. ``terraform``: a fragment that does the same where the identity is managed so.

    ``heard_in``: the stages in which a log of the provider names refused use.
    """

    stages: tuple[StagePlan, ...]
    switch: Switch = "enabled"
    terraform: str | None = None
    heard_in: tuple[Stage, ...] = ()

    def of(self, stage: Stage) -> StagePlan:
        """The plan of one stage."""
        return next(one for one in self.stages if one.stage == stage)


class RetirementAnswer(Struct, frozen=True, kw_only=True, gc=False):
    """Whether an identity, or one ``credential`` of it, can be switched off, and why.

    ``because``: the reasons of the verdict. ``unread``: what was not read and could change it. ``to_know``: the
    shortest way to know, the nearest first; empty unless the verdict is ``unknown``.
    """

    identity: str
    credential: str | None = None
    name: str
    provider: str
    kind: str
    verdict: RetireVerdict
    window_days: int
    window_from: date
    window_to: date
    because: tuple[str, ...]
    dependents: tuple[Dependent, ...] = ()
    coverage: tuple[UseCoverage, ...] = ()
    unread: tuple[str, ...] = ()
    to_know: tuple[str, ...] = ()
    owner: str | None = None
    privilege: PrivilegeLevel = "unknown"
    plan: tuple[StagePlan, ...] = ()
    terraform: str | None = None


# --- What is under way ---


class RetirementStarted(Struct, frozen=True, kw_only=True, gc=False, tag_field="type", tag="started"):
    """Somebody began to retire an identity, or one ``credential`` of it. ``grants``: those that it had then."""

    identity: str
    name: str
    unique_id: str | None = None
    credential: str | None = None
    at: datetime
    by: str
    wait_days: int
    verdict: RetireVerdict
    switch: Switch = "enabled"
    grants: tuple[str, ...] = ()
    plan: tuple[StagePlan, ...] = ()
    heard_in: tuple[Stage, ...] = ()

    @property
    def way_back(self) -> tuple[str, ...]:
        """The commands that bring it back, the last stage first."""
        stages = [one for one in self.plan if one.stage in ("disabled", "lowered")]
        return tuple(command for one in reversed(stages) for command in one.undo)

    def is_disabled(self, identity: Identity) -> bool:
        """Whether it can no longer be used, as far as this reading says."""
        if self.credential is not None:
            held = next((one for one in identity.credentials if one.key == self.credential), None)
            return held is None or held.enabled is False
        if identity.enabled is False or _is_bound_to_nowhere(identity):
            return True
        if self.switch == "trusts":
            return not identity.trusts and "trusts" not in identity.unread
        if self.switch == "grants":
            return bool(self.grants) and not grants_of(identity) and "permissions" not in identity.unread
        return False

    def is_lowered(self, identity: Identity) -> bool:
        """Whether it has fewer grants than at the start, and none added."""
        now = grants_of(identity)
        return "permissions" not in identity.unread and now < frozenset(self.grants)

    def is_gone(self, identity: Identity | None) -> bool:
        """Whether it was deleted. ``identity``: of that key in a scan; None: there is none."""
        if identity is None:
            return True
        return None not in (self.unique_id, identity.unique_id) and self.unique_id != identity.unique_id


class RetirementStopped(Struct, frozen=True, kw_only=True, gc=False, tag_field="type", tag="stopped"):
    """Somebody ended a retirement, for the identity stays."""

    identity: str
    credential: str | None = None
    at: datetime
    by: str


RetirementRecord: TypeAlias = RetirementStarted | RetirementStopped


class RetirementState(Struct, frozen=True, kw_only=True, gc=False):
    """A retirement as a scan saw it. ``stage``: None before ``lowered``, since the scan of ``stage_since``.

    ``heard_at``: since the start, the last refused call in a log. ``is_heard``: a log that names refused use is read,
    so that silence means that nobody called; None: no such log is read, and whether somebody calls is unknown. Of one
    that has waited or is deleted, such a log covers every day of a stage that it hears, as long as the wait.
    """

    identity: str
    stage: Stage | None
    credential: str | None = None
    name: str = ""
    started_at: datetime
    by: str
    wait_days: int
    stage_since: datetime | None = None
    heard_at: datetime | None = None
    is_heard: bool | None = None


class RetirementNext(Struct, frozen=True, kw_only=True, gc=False):
    """What is to be done next. ``stage``: the one to reach; None if nothing is left, or if somebody has to decide.

    ``commands``: as they run under ``sh -e``. ``way_back``: those that bring the identity back from where it is.
    """

    stage: Stage | None
    says: tuple[str, ...]
    commands: tuple[str, ...] = ()
    way_back: tuple[str, ...] = ()


class RetirementScream(Struct, frozen=True, kw_only=True, gc=False):
    """Who was refused because of a retirement, as the finding with this ``fingerprint`` says; ``at``: the last time."""

    at: datetime
    caller: str | None
    host: str | None
    events: int | None
    fingerprint: str


class RetirementFollowed(RetirementState, frozen=True, kw_only=True, gc=False):
    """A retirement under way with what is next. ``verdict``: that of the start. ``screams``: the latest first."""

    verdict: RetireVerdict
    screams: tuple[RetirementScream, ...] = ()
    next: RetirementNext


NOWHERE = "192.0.2.1/32"
"""An address that nobody has (RFC 5737): logins that are bound to it are refused."""


def _is_bound_to_nowhere(identity: Identity) -> bool:
    return identity.attributes.get("token_bound_cidrs") == [NOWHERE]


RETIRED_POLICY = "muster-retired"
"""The name of the policy by which a plan denies everything, which is no grant."""


def grants_of(identity: Identity) -> frozenset[str]:
    """Its grants as texts that can be compared.

    Without those of tokens that it has, which end by themselves, and without the policy by which a plan denies.
    """
    return frozenset(
        f"{one.name} via {one.via} on {one.resource or ''}"
        for one in identity.grants
        if one.via != "token" and not (one.name == RETIRED_POLICY and one.via == "inline" and not one.admin)
    )


def periods(records: Collection[RetirementRecord]) -> tuple[tuple[RetirementStarted, datetime | None], ...]:
    """Each retirement with the time when it was stopped; None while it is under way. ``records``: oldest first."""
    found: list[tuple[RetirementStarted, datetime | None]] = []
    open_at: dict[tuple[str, str | None], int] = {}
    for one in records:
        at = one.identity, one.credential
        if isinstance(one, RetirementStarted):
            open_at[at] = len(found)
            found.append((one, None))
        elif at in open_at:
            place = open_at.pop(at)
            found[place] = found[place][0], one.at
    return tuple(found)


def standing(records: Collection[RetirementRecord]) -> tuple[RetirementStarted, ...]:
    """The retirements that were started and not stopped, in order. ``records``: oldest first."""
    return tuple(one for one, stopped in periods(records) if stopped is None)
