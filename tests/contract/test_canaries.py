"""No secret gets past the gate, in whichever text of whichever record of whichever connector somebody put it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from connectors.base import Connector, DiscoveredRecord, Scope, Spec
from reports.base import Screen
from reports.catalog import report_catalog
from scanner.app.importing import conclude_shards, take_in
from scanner.app.scanning import conclude
from scanner.config.load import Config
from scanner.config.settings import EngineSettings
from scanner.discovery.engine import LIVE, Source, discover
from scanner.discovery.shards.files import check_shard
from scanner.discovery.shards.lines import Shard
from scanner.errors import SourceError
from scanner.judging.pipeline import Declared
from scanner.model import Coverage, ScanResult
from scanner.redaction.gate import cleared
from scanner.store.store import open_store
from tests.canaries import CANARIES, planted
from tests.contract.test_connectors import aws, azure, connector, moto, openbao, place, running_proxy, start
from tests.factories import NOW
from tests.scanner.discovery.shards.estates import Nobody, Plan, write_planned

__all__ = ["aws", "azure", "connector", "moto", "openbao", "place", "running_proxy", "start"]

KEPT = ("provider", "source", "sources", "kind", "kinds", "section")
"""Fields that say whose and what a record is: with another, nobody would take it."""
# What ends nowhere masks all that follows it, other canaries included.
_ENDLESS = ("PRIVATE KEY-----", "Private-Lines:")
ALL = [one for samples in CANARIES.values() for one in samples if not any(sign in one[0] for sign in _ENDLESS)]


@pytest.fixture
def records(connector: Connector) -> list[DiscoveredRecord]:
    """All that the connector has."""
    scopes = [scope for scope in connector.scopes() if isinstance(scope, Scope)]
    return [record for scope in scopes for record in connector.discover(scope)]


@dataclasses.dataclass
class _Planted:
    """A plugin that yields these records, in one scope, with a text in every text of them."""

    spec: ClassVar[Spec]
    records: Sequence[DiscoveredRecord]
    text: str

    def scopes(self) -> Iterator[Scope | Coverage]:
        yield Scope(source="prod", spec=self.spec, id=f"scope {self.text}", context=self.records)

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        for record in scope.context:
            yield planted(record, self.text, but=KEPT)
        raise SourceError(f"quotes {self.text}", hint=self.text)


def test_no_shape_passes_the_gate(records: Sequence[DiscoveredRecord]) -> None:
    """Each of them in each text; and a record without any comes back as the same object."""
    assert len(records) > 2
    for text, secret in (one for samples in CANARIES.values() for one in samples):
        for record in records:
            masked = cleared(planted(record, text))

            assert secret not in repr(masked)
            assert secret.encode() not in msgspec.json.encode(masked)
            assert cleared(masked) is masked


def test_what_has_no_secret_passes_untouched(records: Sequence[DiscoveredRecord]) -> None:
    """Public ids, names of secrets and of variables, and whatever our own connectors put into words."""
    changed = [(record, cleared(record)) for record in records if cleared(record) is not record]

    assert changed == []


def test_no_canary_gets_any_further(
    records: Sequence[DiscoveredRecord], connector: Connector, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Into no store, no report, no shard and no log, by a scan and by an import alike."""
    everything = " ".join(text for text, _ in ALL)
    kind: Any = type("Planted", (_Planted,), {"spec": connector.spec})
    source = Source(
        name="prod", type=connector.spec.name, connector=kind(records, everything), settings=Plan(), rank=LIVE,
        digest="0" * 64,
    )  # fmt: skip
    shard = write_planned(tmp_path / "shard.ndjson", [source], Shard(1, 1))

    with open_store(f"sqlite:///{tmp_path}/scan.db") as store:
        inventory = discover(EngineSettings(), [source], Nobody(), staging=store.staging, url="", scan_id="night")
        scanned = conclude(store, inventory, Declared(), lists=(), scan_id="night", started=NOW, accept_drop=False)
    with open_store(f"sqlite:///{tmp_path}/import.db") as store:
        taken = take_in(store, [check_shard(shard)], Config(), NOW)
        imported = conclude_shards(store, taken, Declared(), Config(), accept_drop=False)
    for name, result in (("scan", scanned), ("import", imported)):
        _write_all(result, tmp_path / name)

    assert len(scanned.identities) >= 2
    assert len(imported.identities) == len(scanned.identities)
    assert len(list(tmp_path.rglob("*.*"))) > 10
    for path in filter(Path.is_file, tmp_path.rglob("*")):
        content = path.read_bytes()
        assert [secret for _, secret in ALL if secret.encode() in content] == [], path
    assert [secret for _, secret in ALL if secret in caplog.text] == []


def _write_all(result: ScanResult, folder: Path) -> None:
    folder.mkdir()
    for name in report_catalog().names:
        report = report_catalog().load(name)()
        with (folder / f"report.{name}").open("wb") as out:
            report.write(result, "all", out, Screen())
