"""What a person may see: the gate that every list, record, file and number goes through.

Viewers see everything. All others see what they own by the latest scan, in older scans as well: what was theirs and no
longer is, they do not see. An identity or entry that a person sees is seen as a whole; other records that it suggests,
and numbers over the whole scan, are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reports.json import head_of
from scanner.matching.keys import fold
from scanner.model import SEVERITIES, Acknowledgement, Assessment, Coverage, EntryAssessment, Finding, ScanResult
from scanner.model.decisions import LoggedDecision
from scanner.model.retirement import RetirementFollowed
from scanner.serve.answers import Refusal
from scanner.serve.context import Serving
from scanner.serve.index.files import Cache
from scanner.serve.index.questions import IndexQuestion, Only
from scanner.serve.index.reading import ScanIndex
from scanner.serve.index.rows import owners_named, owners_of
from scanner.serve.people import Viewer
from scanner.serve.standing import marks

_ONLY = Cache[tuple[str, frozenset[str]], Only](32)
"""What people own, by the latest scan and their names."""


class Visible(Struct, frozen=True):
    """What the viewer may see of the store."""

    serving: Serving
    viewer: Viewer

    @property
    def is_everything(self) -> bool:
        """Whether that is everything."""
        return self.viewer.sees_all

    @property
    def own(self) -> Visible:
        """What the viewer owns, also of a viewer who sees everything; for a token without a person everything."""
        if self.viewer.person is None:
            return self
        return Visible(self.serving, replace(self.viewer, sees_all=False))

    def require_everything(self) -> None:
        """Raise Refusal for people who do not see everything."""
        if not self.is_everything:
            raise Refusal(403, "you may not see this, which is about everything", hint=f"ask {self.keepers}")

    @property
    def keepers(self) -> str:
        """Whom to ask about what the viewer may not see."""
        return self.serving.lists.keepers

    # --- lists ---

    def question(self, index: ScanIndex, question: IndexQuestion) -> IndexQuestion:
        """The question, about the rows that the viewer may see, with what people have done since.

        Every question to an index comes from here.
        """
        if question.list == "findings":
            question = replace(question, marks=marks(self.serving, index))
        if self.is_everything:
            return replace(question, owners=None, only=None)
        latest = self.serving.catalog.latest()
        if latest is None or latest.scan == index.scan:
            return replace(question, owners=self.viewer.owns, only=None)
        return replace(question, owners=None, only=self._owned_now(latest))

    def suggested(self) -> IndexQuestion:
        """The question for the identities, of any owner or none, that the viewer is to be asked about."""
        return IndexQuestion(list="identities", suggested=self.viewer.owns)

    @property
    def may_propose(self) -> bool:
        """Whether there is anything of which the viewer may propose an owner."""
        latest = self.serving.catalog.latest()
        if self.is_everything or latest is None:
            return self.is_everything
        asked = (self.question(latest, IndexQuestion(list="identities")), self.suggested())
        return any(latest.page(one, limit=0).total for one in asked)

    def _owned_now(self, latest: ScanIndex) -> Only:
        owns = self.viewer.owns

        def made() -> Only:
            identities, entries = (
                frozenset(latest.keys(IndexQuestion(list=name, owners=owns))) for name in ("identities", "entries")
            )
            return Only(identities=identities, entries=entries, name=f"{latest.scan} {sorted(owns)}")

        return _ONLY.get((latest.scan, owns), made)

    # --- records ---

    def identities(self, found: Sequence[Assessment]) -> tuple[Assessment, ...]:
        """Those of the identities, of any scan, that the viewer may see."""
        if self.is_everything:
            return tuple(found)
        owned = self.keys(one.identity.key for one in found)
        return tuple(one for one in found if one.identity.key in owned)

    def entries(self, found: Sequence[EntryAssessment]) -> tuple[EntryAssessment, ...]:
        """Those of the entries, of any scan, that the viewer may see."""
        if self.is_everything:
            return tuple(found)
        owned = self.ids(one.entry.id for one in found)
        return tuple(one for one in found if one.entry.id in owned)

    def findings(self, found: Sequence[Finding]) -> tuple[Finding, ...]:
        """Those of the findings that the viewer may see: with their identity, or if they have none with their entry.

        Reviewers also see findings with an acknowledgement that waits for them, and those that they approved.
        """
        if self.is_everything:
            return tuple(found)
        seen = {one.fingerprint for one in self.owned(found)}
        if self.viewer.is_reviewer:
            approved = (one for one in self._given() if one.given.approved_by == self.viewer.person)
            seen.update(one.finding for one in (*self.waiting(), *approved) if one.finding)
        return tuple(one for one in found if one.fingerprint in seen)

    def waiting(self) -> tuple[Acknowledgement, ...]:
        """The acknowledgements that wait for a reviewer."""
        return tuple(one for one in self._given() if one.asked is not None)

    def _given(self) -> tuple[Acknowledgement, ...]:
        today = self.serving.clock().date()
        return tuple(one for one in self.serving.store.served.acknowledgements() if one.given.until >= today)

    def owned(self, found: Sequence[Finding]) -> tuple[Finding, ...]:
        """Those of the findings whose identity, or if they have none whose entry, the viewer owns."""
        keys = self.keys(one.identity for one in found if one.identity)
        ids = self.ids(one.entry for one in found if one.entry and not one.identity)
        return tuple(one for one in found if (one.identity in keys if one.identity else one.entry in ids))

    def keys(self, of: Iterable[str]) -> frozenset[str]:
        """Those of the identities, by key, that the viewer owns now."""
        with self.serving.store.records() as records:
            now = records.identities(list(dict.fromkeys(of)))
            entries = records.entries(list(dict.fromkeys(one.registry.entry for one in now if one.registry.entry)))
        declared = {one.entry.id: tuple(owners_named(one.entry)) for one in entries}
        owns = self.viewer.owns
        return frozenset(one.identity.key for one in now if not owns.isdisjoint(owners_of(one, declared)))

    def retirements(self, found: Sequence[RetirementFollowed]) -> tuple[RetirementFollowed, ...]:
        """Those of the retirements whose identity the viewer may see."""
        if self.is_everything or not found:
            return tuple(found)
        owned = self.keys(one.identity for one in found)
        return tuple(one for one in found if one.identity in owned)

    def may_claim(self, judged: Assessment) -> bool:
        """Whether the viewer is suggested as the owner of an identity, and so may say whose it is."""
        return any(fold(person) in self.viewer.owns for person in judged.suggested)

    def ids(self, of: Iterable[str]) -> frozenset[str]:
        """Those of the entries, by id, that the viewer owns now."""
        with self.serving.store.records() as records:
            now = records.entries(list(dict.fromkeys(of)))
        return frozenset(one.entry.id for one in now if not self.viewer.owns.isdisjoint(owners_named(one.entry)))

    def part(self, part: ScanResult) -> ScanResult:
        """A part of a scan without other records that those in it suggest, and without what is of the whole scan."""
        if self.is_everything:
            return part
        named = {one.identity for entry in part.entries for one in entry.candidates}
        named |= {key for entry in part.entries for key in entry.identities}
        keys = self.keys(named) if named else frozenset()
        suggested = {one.entry for judged in part.identities for one in judged.registry.candidates}
        ids = self.ids(suggested) if suggested else frozenset()
        return replace(
            without_whole(part),
            coverage=part.coverage,
            entries=tuple(_narrowed(one, keys) for one in part.entries),
            identities=tuple(_with_candidates(one, ids) for one in part.identities),
        )

    # --- the log of decisions ---

    def decisions(self, found: Sequence[LoggedDecision]) -> frozenset[int]:
        """The numbers of those decisions that the viewer may see. Raises Refusal for owners.

        Reviewers see their own, and those about identities and entries that they own.
        """
        if self.is_everything:
            return frozenset(one.n for one in found)
        if not self.viewer.is_reviewer:
            raise Refusal(403, "you may not see the log of decisions", hint=f"ask {self.keepers}")
        keys = self.keys(one.about["identity"] for one in found if "identity" in one.about)
        ids = self.ids(one.about["entry"] for one in found if "entry" in one.about and "identity" not in one.about)
        return frozenset(
            one.n
            for one in found
            if one.by == self.viewer.person
            or (one.about["identity"] in keys if "identity" in one.about else one.about.get("entry") in ids)
        )

    # --- scans ---

    def head(self, index: ScanIndex, frame: ScanResult) -> Mapping[str, Any]:
        """The members of ``muster.scan/1`` before its lists.

        ``summary``: counts what the viewer may see, and has no count that only the whole scan has.
        """
        if self.is_everything:
            return head_of(frame)
        return {**head_of(without_whole(frame)), "summary": self._summary(index)}

    def frame(self, frame: ScanResult) -> ScanResult:
        """A scan without its records."""
        return frame if self.is_everything else without_whole(frame)

    def gaps_around(self, frame: ScanResult, places: Collection[tuple[str, str]]) -> tuple[Coverage, ...]:
        """The gaps of these places, each a source and a scope."""
        sources = {source for source, _ in places}
        return tuple(
            one
            for one in frame.coverage
            if one.is_gap and ((one.source, one.scope) in places or (one.scope == "*" and one.source in sources))
        )

    def gaps(self, index: ScanIndex, frame: ScanResult) -> tuple[Coverage, ...]:
        """The gaps that numbers depend on: all, or those where the viewer's identities are."""
        if self.is_everything:
            return tuple(one for one in frame.coverage if one.is_gap)

        def values(facet: str, **chosen: frozenset[str]) -> list[str]:
            question = self.question(index, IndexQuestion(list="identities", chosen=chosen))
            return [str(value) for value, count in index.counts(question, facets=(facet,))[facet] if value and count]

        places = {
            (source, scope) for source in values("source") for scope in values("scope", source=frozenset({source}))
        }
        return self.gaps_around(frame, places)

    def _summary(self, index: ScanIndex) -> dict[str, Any]:
        def counts(name: Any, *facets: str) -> Mapping[str, Mapping[Any, int]]:
            found = index.counts(self.question(index, IndexQuestion(list=name)), facets=facets)
            return {facet: dict(listed) for facet, listed in found.items()}

        def total(name: Any) -> int:
            return index.page(self.question(index, IndexQuestion(list=name)), limit=0).total

        identities = counts("identities", "registry", "ownership", "usage", "abandoned")
        findings = counts("findings", "severity", "status")
        states = {
            "registry": ("registered", "unregistered", "ambiguous", "exempt"),
            "ownership": ("owned", "orphaned"),
            "usage": ("dormant", "never_used", "disabled"),
        }
        return {
            "identities": total("identities"),
            **{state: identities[axis].get(state, 0) for axis, known in states.items() for state in known},
            "abandoned": identities["abandoned"].get(True, 0),
            "agents": total("agents"),
            "credentials": total("credentials"),
            "findings": {severity: findings["severity"].get(severity, 0) for severity in SEVERITIES},
            "new_findings": sum(findings["status"].get(status, 0) for status in ("new", "reopened")),
            "registry_entries": total("entries"),
            "not_found": counts("entries", "state")["state"].get("not_found", 0),
        }


def without_whole(result: ScanResult) -> ScanResult:
    """A scan without what is about the whole of it: coverage, numbers, notices, inputs."""
    return replace(
        result,
        scan=replace(result.scan, inputs=()),
        summary=type(result.summary)(),
        coverage=(),
        notices=(),
        trend=(),
        since=None,
        known_gaps=0,
    )


def _narrowed(judged: EntryAssessment, keys: Collection[str]) -> EntryAssessment:
    return replace(
        judged,
        identities=tuple(key for key in judged.identities if key in keys),
        candidates=tuple(one for one in judged.candidates if one.identity in keys),
        renamed={key: before for key, before in judged.renamed.items() if key in keys},
    )


def _with_candidates(judged: Assessment, ids: Collection[str]) -> Assessment:
    if not judged.registry.candidates:
        return judged
    left = tuple(one for one in judged.registry.candidates if one.entry in ids)
    return replace(judged, registry=replace(judged.registry, candidates=left))
