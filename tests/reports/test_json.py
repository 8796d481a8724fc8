"""The JSON reports: exactly the promised keys, times in UTC, and text that stays text."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from reports.base import VIEWS, Screen, View
from reports.json import JsonReport, NdjsonReport
from scanner.model import Input, ScanResult
from tests.factories import NOW, make_finding, make_result
from tests.reports.samples import HOSTILE, estate, estate_with_gaps, hostile_result

# The shape that scripts rely on; more keys may be there, none of these may go.
SHAPE: dict[str, set[str]] = {
    "": {
        "schema", "scan", "summary", "coverage", "identities", "registry", "findings", "secrets", "workloads",
        "assignments",
        "notices",
    },
    "scan": {"id", "started_at", "finished_at", "version"},
    "summary": {
        "identities", "registered", "unregistered", "ambiguous", "exempt", "orphaned", "dormant", "agents",
        "credentials", "findings", "registry_entries", "not_found", "gaps",
    },
    "summary.findings": {"critical", "high", "medium", "low", "info"},
    "coverage": {"source", "provider", "scope", "section", "status", "identities", "calls", "detail", "permission"},
    "identities": {
        "key", "provider", "source", "scope", "kind", "name", "display_name", "description", "unique_id", "aliases",
        "enabled", "created_at", "last_used_at", "environment", "tags", "attributes", "nature", "agent", "registry",
        "ownership", "usage", "privilege", "credentials", "grants", "links", "findings", "trusts", "consumers",
        "rechecked", "first_seen",
    },
    "identities.nature": {"verdict", "signals"},
    "identities.nature.signals": {"says", "sort", "evidence", "strength"},
    "identities.agent": {"is_agent", "signals"},
    "identities.registry": {"state", "provisional", "entry", "rung", "evidence", "candidates"},
    "identities.registry.candidates": {"entry", "score", "evidence"},
    "identities.ownership": {"state", "reason", "owner", "candidates"},
    "identities.ownership.candidates": {"person", "score", "evidence"},
    "identities.usage": {"state", "last_used_at", "window_days", "evidence"},
    "identities.privilege": {"level", "evidence"},
    "identities.credentials": {"key", "kind", "id", "enabled", "created_at", "expires_at", "last_used_at"},
    "identities.grants": {"name", "via", "resource", "admin"},
    "identities.links": {"relation", "target", "evidence"},
    "workloads": {"key", "provider", "source", "scope", "kind", "name", "runs_as", "uses", "created_at", "tags"},
    "assignments": {
        "key", "provider", "source", "scope", "holder", "holder_kind", "holder_name", "gone", "grant", "privilege",
        "becomes", "takes_over", "conditional", "created_at", "created_by", "attributes",
    },
    "registry": {"id", "state", "identities", "owner", "expires"},
    "findings": {
        "fingerprint", "rule", "severity", "identity", "credential", "entry", "assignment", "title", "evidence",
        "remediation", "controls", "owner", "new", "first_seen", "status",
    },
}  # fmt: skip


def written(report: JsonReport | NdjsonReport, result: ScanResult, view: View = "all") -> bytes:
    out = io.BytesIO()
    assert report.write(result, view, out, Screen()) == ()
    return out.getvalue()


def document(result: ScanResult, view: View = "all") -> Any:
    return msgspec.json.decode(written(JsonReport(), result, view))


def lines(result: ScanResult, view: View = "all") -> list[Any]:
    return [msgspec.json.decode(line) for line in written(NdjsonReport(), result, view).splitlines()]


def test_a_finding_says_what_it_is_to_anyone_who_read_the_last_report() -> None:
    """What came back counts as new, too, so that scripts which know only that keep working."""
    findings = (
        make_finding(fingerprint="1", first_seen=NOW),
        make_finding(fingerprint="2", new=True),
        make_finding(fingerprint="3", new=True, reopened=True),
    )

    expected = document(make_result(findings=findings))["findings"]

    assert [(one["status"], one["new"]) for one in expected] == [("open", False), ("new", True), ("reopened", True)]
    assert [one["first_seen"] for one in expected] == ["2026-11-25T08:00:00Z", None, None]


def objects_at(value: Any, path: str) -> list[dict[str, Any]]:
    """All objects at a path of keys, lists looked through."""
    found = [value]
    for key in filter(None, path.split(".")):
        found = [item[key] for item in found]
        found = [member for item in found for member in (item if isinstance(item, list) else [item])]
    return found


@pytest.mark.parametrize("path", SHAPE)
def test_every_object_has_the_promised_keys(path: str) -> None:
    """At every level; the estate has at least one object of each."""
    objects = objects_at(document(estate()), path)
    assert objects
    for found in objects:
        assert SHAPE[path] <= set(found)


def test_unknown_is_null_and_times_are_utc() -> None:
    """Never an empty string, never a local time."""
    result = document(estate())
    admin = next(one for one in result["identities"] if one["name"] == "legacy-admin")
    assert admin["created_at"] == "2025-10-21T08:00:00Z"
    assert admin["environment"] is None
    assert admin["registry"]["entry"] is None
    assert result["scan"]["finished_at"] == "2026-11-25T08:00:00Z"
    assert result["schema"] == "muster.scan/1"


def test_an_identity_reports_since_when_it_is_known() -> None:
    """As the store says, in UTC; null where no store was asked, or the store does not know it."""
    result = estate()
    admin = next(one.identity for one in result.identities if one.identity.name == "legacy-admin")
    seen = {
        one["key"]: one["first_seen"] for one in document(replace(result, first_seen={admin.key: NOW}))["identities"]
    }

    assert seen == {one.identity.key: None for one in result.identities} | {admin.key: "2026-11-25T08:00:00Z"}


def test_the_config_is_named_with_its_hash_and_not_reported() -> None:
    """Its text is for the evidence pack: who reads JSON needs none of it, and may be anyone."""
    given = make_result()
    config = Input(role="config", name="config.toml", sha256="ab" * 32, text="[store]")
    result = replace(given, scan=replace(given.scan, inputs=(config,)))

    expected = [{"role": "config", "name": "config.toml", "sha256": "ab" * 32}]
    assert document(result)["scan"]["inputs"] == expected
    assert lines(result)[0]["scan"]["inputs"] == expected


def test_an_entry_shows_what_it_matched_and_what_it_declared() -> None:
    """Two lists that must not be confused."""
    entry = document(estate())["registry"][0]
    assert entry["identities"] == ["vault:root:auth/approle/role/billing"]
    assert entry["declared_identities"] == ["billing"]


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_keeps_every_key(view: View) -> None:
    """Only lists get shorter."""
    assert set(document(estate(), view)) == set(document(estate()))


def test_the_orphans_view_lists_orphans() -> None:
    """And the findings on them."""
    seen = document(estate(), "orphans")
    assert {one["ownership"]["state"] for one in seen["identities"]} == {"orphaned"}
    assert len(seen["findings"]) == 4
    assert seen["summary"]["identities"] == 5


@pytest.mark.parametrize("result", [estate, estate_with_gaps, make_result], ids=["estate", "gaps", "empty"])
def test_a_line_is_a_record_of_the_document(result: Callable[[], ScanResult]) -> None:
    """The scan first, then the same records in the same order, each with its type."""
    first, *rest = lines(result())
    whole = document(result())
    assert first == {"type": "scan"} | {key: whole[key] for key in first if key != "type"}
    keys = {"coverage": "coverage", "identity": "identities", "secret": "secrets", "registry": "registry"}
    for kind, key in {**keys, "workload": "workloads", "assignment": "assignments", "finding": "findings"}.items():
        assert [line for line in rest if line["type"] == kind] == [{"type": kind, **one} for one in whole[key]]


def test_both_end_with_a_line_end() -> None:
    """So that they can be appended to and concatenated."""
    assert written(JsonReport(), estate()).endswith(b"\n}\n")
    assert written(NdjsonReport(), estate()).endswith(b"}\n")


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_kept_but_for_what_utf8_cannot_hold(name: str) -> None:
    """Nothing is lost by the escapes; a lone surrogate is replaced."""
    (identity,) = document(hostile_result(name))["identities"]
    kept = name.replace("\ud800", "\N{REPLACEMENT CHARACTER}")
    assert identity["name"] == kept
    assert identity["tags"] == {kept: kept}


def test_what_acts_on_a_terminal_is_escaped() -> None:
    """Also what JSON would let through: C1 controls, bidirectional overrides, a byte order mark."""
    raw = written(JsonReport(), hostile_result("\x9b31m\u202e\u2066\u061c\ufeff\x7f\xad")).decode()
    assert "\\u009b31m\\u202e\\u2066\\u061c\\ufeff\\u007f\\u00ad" in raw
    assert raw.isascii()
