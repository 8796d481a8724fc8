"""What stays when a source, or one scope of it, is forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.judging.last_known.forgetting import forget
from scanner.model import EntryAssessment, Forgotten, IdentityCandidate, ScanInfo, ScanResult, StoredSecret, Workload
from tests.examples import examples
from tests.factories import NOW, make_assessment, make_coverage, make_entry, make_finding, make_identity, make_result
from tests.scanner.store.strategies import scan_sequences

LATER = ScanInfo(id="later", started_at=NOW, finished_at=NOW, version="1")
OLD, OLD_SCOPE = Forgotten(source="old"), Forgotten(source="old", scope="1")


def _seen(name: str, *sources: str, scope: str = "1", **facts: Any) -> Any:
    return make_assessment(make_identity(name, source=sources[0], sources=sources, scope=scope), **facts)


kept = _seen("kept", "new")
gone = _seen("gone", "old", rechecked=False)
elsewhere = _seen("elsewhere", "old", scope="2", rechecked=False)
handed_over = _seen("handed-over", "old", "new")
mentioned = _seen("mentioned", "new", "old")


def _entry(state: Any, *keys: str, **facts: Any) -> EntryAssessment:
    return EntryAssessment(entry=make_entry("*", id=state), state=state, identities=keys, **facts)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (OLD, {"kept": ("new",), "handed-over": ("new",), "mentioned": ("new",)}),
        (OLD_SCOPE, {"kept": ("new",), "elsewhere": ("old",), "handed-over": ("new",), "mentioned": ("new",)}),
    ],
)
def test_who_stays(place: Forgotten, expected: dict[str, tuple[str, ...]]) -> None:
    """Identities that another source has, as that source's; those of other sources and scopes unchanged."""
    last = make_result(identities=(kept, gone, elsewhere, handed_over, mentioned))

    done = forget(last, place, LATER)

    assert {assessment.identity.name: assessment.identity.sources for assessment in done.after.identities} == expected
    assert {assessment.identity.source for assessment in done.after.identities} == {one[0] for one in expected.values()}
    assert done.after.identities[0] == kept
    assert done.ended["identities"] == len(last.identities) - len(expected)


def test_findings_end_with_what_they_are_about() -> None:
    """An identity, or a stored secret; what stays is no news any more."""
    secrets = tuple(StoredSecret(key=one, provider="v", source=one, scope="1", name="s") for one in ("new", "old"))
    of_gone, of_kept = (make_finding(fingerprint=name, identity=make_identity(name).key) for name in ("gone", "kept"))
    of_secrets = [make_finding(fingerprint=one, identity=None, credential=one) for one in ("new", "old")]
    of_entry = make_finding(fingerprint="entry", identity=None, entry="E")
    last = make_result(
        identities=(gone, kept), secrets=secrets, findings=(of_gone, replace(of_kept, new=True), *of_secrets, of_entry)
    )

    done = forget(last, OLD, LATER)

    assert done.after.findings == (of_kept, of_secrets[0], of_entry)
    assert (done.ended["findings"], done.ended["secrets"]) == (2, 1)
    summary = done.after.summary
    assert (summary.identities, summary.secrets, sum(summary.findings.values())) == (1, 1, 3)
    assert (summary.new_findings, summary.resolved_findings) == (0, 0)


@pytest.mark.parametrize(
    ("before", "state", "keys"),
    [
        (_entry("found", gone.identity.key), "not_evaluated", ()),
        (_entry("retired_but_alive", gone.identity.key), "not_evaluated", ()),
        (_entry("suspended", gone.identity.key), "suspended", ()),
        (_entry("found", gone.identity.key, kept.identity.key), "found", (kept.identity.key,)),
        (_entry("found", handed_over.identity.key), "found", (handed_over.identity.key,)),
        (_entry("not_found"), "not_found", ()),
    ],
)
def test_what_becomes_of_entries(before: EntryAssessment, state: str, keys: tuple[str, ...]) -> None:
    """An entry that matches nothing any more is not evaluated: it was not found to be gone."""
    done = forget(make_result(identities=(gone, handed_over, kept), entries=(before,)), OLD, LATER)

    assert [(entry.state, entry.identities) for entry in done.after.entries] == [(state, keys)]
    assert done.entries == (state != before.state)


def test_forgotten_identities_are_not_suggested() -> None:
    """What an entry might mean is only what is still known."""
    candidates = tuple(IdentityCandidate(identity=one.identity.key, score=0.9, evidence="") for one in (gone, kept))
    last = make_result(identities=(gone, kept), entries=(_entry("not_found", candidates=candidates),))

    assert forget(last, OLD, LATER).after.entries[0].candidates == candidates[1:]


def test_what_is_said_of_the_place() -> None:
    """A notice that it was forgotten, in place of one that it is shown as last seen; other notices and gaps stay."""
    last = make_result(
        identities=(gone, elsewhere),
        coverage=(make_coverage(source="new", status="denied"), make_coverage(source="old", scope="2")),
        notices=("source old no longer lists 1: 1 identity of 1 shown as last seen", "something else"),
    )

    done = forget(last, OLD_SCOPE, LATER)

    assert done.after.notices == ("forgotten by hand: 1 of source old: 1 identity", "something else")
    assert (done.after.coverage, done.after.summary.gaps, done.was_read) == (last.coverage, 1, False)
    assert forget(last, OLD, LATER).was_read


@given(results=scan_sequences(), data=st.data())
@examples(20)
def test_other_sources_are_never_touched(results: list[ScanResult], data: st.DataObject) -> None:
    """With any scan, nothing of the place is left, and everything else is unchanged."""
    last = results[-1]
    place = Forgotten(
        source=data.draw(st.sampled_from([*(assessment.identity.source for assessment in last.identities), "none"]))
    )

    after = forget(last, place, LATER).after

    assert not any(
        place.source in (assessment.identity.source, *assessment.identity.sources) for assessment in after.identities
    )
    others = [
        assessment
        for assessment in last.identities
        if place.source not in (assessment.identity.source, *assessment.identity.sources)
    ]
    assert [identity for identity in after.identities if identity in others] == others
    for kind in ("secrets", "workloads", "coverage"):
        records: tuple[StoredSecret | Workload, ...] = getattr(last, kind)
        assert getattr(after, kind) == tuple(record for record in records if record.source != place.source)
    again = forget(after, place, LATER)
    assert (sum(again.ended.values()), again.entries) == (0, 0)
