"""Texts of both pages: headline, verdicts on an identity, places, and facts unknown until deployment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from reports.phrases import evidence_line
from reports.summary import Digest
from scanner.model import SEVERITIES, Assessment, Coverage, Finding, ScanResult
from scanner.model.planned import BLAST_RADIUS, PLANNED, Effect
from scanner.rules.wording import words
from scanner.text import counted, either

_DONE: Mapping[Effect, str] = {"created": "created", "changed": "changed", "imported": "imported"}
_GAINS = "gains rights"
_APART = ("file", "resource", "line", BLAST_RADIUS)
NO_ROSTER = "No roster was given, so owners could not be verified. Give one with --people FILE."
NO_REGISTRY = "No registry was given, so registration was not checked. Give one with --registry FILE."


class Brought(Struct, frozen=True):
    """The attribute of a planned identity."""

    effect: Effect
    file: str
    resource: str
    line: int | None = None
    computed: tuple[Literal["name", "permissions", "trusts", "credentials"], ...] = ()

    @property
    def what(self) -> str:
        """The effect of the change. An identity that it does not touch is listed because it gains rights."""
        return _DONE.get(self.effect, _GAINS)

    @property
    def where(self) -> str:
        """File, line and resource."""
        return where(msgspec.structs.asdict(self))


def where(place: Mapping[str, Any]) -> str:
    """``main.tf:12 aws_iam_role.deploy``; without the line if the file has no lines."""
    line = place.get("line")
    return f"{place.get('file')}{'' if line is None else f':{line}'} {place.get('resource')}"


class GateDigest(Digest):
    """A result of the gate with derived texts."""

    def __init__(self, result: ScanResult) -> None:
        super().__init__(result)
        self.brought: Mapping[str, Brought] = {
            one.identity.key: msgspec.convert(one.identity.attributes[PLANNED], Brought) for one in result.identities
        }

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Names by key."""
        return {one.identity.key: one.identity.shown_name for one in self.result.identities}

    @cached_property
    def open(self) -> list[Finding]:
        """The findings that are not acknowledged."""
        return [finding for finding in self.result.findings if finding.acknowledged is None]

    @cached_property
    def headline(self) -> str:
        """One sentence with the changes, and the number of findings by severity."""
        effects = Counter(one.what for one in self.brought.values())
        parts = [f"{effects[what]:,} {what}" for what in _DONE.values() if effects[what]]
        if effects[_GAINS]:
            parts.append(f"{effects[_GAINS]:,} {either(effects[_GAINS], 'gains', 'gain')} rights")
        identities = counted(len(self.brought), "identity", "identities")
        brings = f"The change brings {identities} ({', '.join(parts)})" if parts else "The change brings no identity"
        severities = Counter(finding.severity for finding in self.open)
        found = ", ".join(f"{severities[one]:,} {one}" for one in SEVERITIES if severities[one])
        findings = counted(len(self.open), "finding", "findings")
        return f"{brings}: {findings}{f' ({found})' if found else ''}."

    @cached_property
    def caveats(self) -> list[str]:
        """Limits: what was not checked, and how much could not be evaluated."""
        gaps = len(self.gaps)
        unread, brings = counted(gaps, "resource", "resources"), either(gaps, "it brings", "they bring")
        unchecked = any(one.registry.evidence == "no registry was given" for one in self.result.identities)
        owners = self.states["ownership"]["unchecked"] and not unchecked
        texts = (
            (self.gaps, f"{unread} could not be evaluated: what {brings} is not among the findings."),
            (unchecked, NO_REGISTRY),
            (
                owners
                and any(
                    one.ownership.state == "unchecked" and one.registry.state == "registered"
                    for one in self.result.identities
                ),
                "No roster was given, so owners could not be verified. Give one with --people FILE.",
            ),
        )
        return [text for holds, text in texts if holds]

    @property
    def files(self) -> str:
        """The number of files and resources, as text."""
        plans = self.result.plans
        named = ", ".join(f"{plan.file} ({words(plan.format)})" for plan in plans)
        return f"{counted(sum(plan.resources for plan in plans), 'resource', 'resources')} in {named}"


def verdicts(assessment: Assessment) -> tuple[str, str, str]:
    """Registry, ownership and privilege in a word or two each."""
    ownership = assessment.ownership
    owner: str = ownership.state
    if ownership.reason is not None and ownership.reason != assessment.registry.state:
        owner = ownership.reason
    return assessment.registry.state, owner, assessment.privilege.level


def facts(finding: Finding) -> str | None:
    """The evidence of a finding without its place, and without the blast radius, which is a sentence of its own."""
    kept = {name: fact for name, fact in finding.evidence.items() if name not in _APART}
    return evidence_line(replace(finding, evidence=kept))


def worst(finding: Finding) -> str:
    """The blast radius in the evidence of a finding; empty if there is none."""
    return str(finding.evidence.get(BLAST_RADIUS) or "")


def gap_line(gap: Coverage) -> str:
    """A resource that could not be evaluated, and why. A pattern without files is its own place."""
    where = gap.scope if gap.section == gap.scope else f"{gap.scope} {gap.section}"
    return f"{where}: {gap.detail}"
