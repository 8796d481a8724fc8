"""No secret gets past the gate, in whichever text of whichever record of whichever connector someone put it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from msgspec import Struct

from connectors.core.contract import Connector, DiscoveredRecord, Scope, Spec
from connectors.testing import read_unmasked
from reports.base import Screen
from reports.catalog import report_catalog
from scanner.app.importing import conclude_shards, receive
from scanner.app.lists import load_lists
from scanner.app.scanning import Run, conclude, make_ready, new_run, scan
from scanner.config.load import Config, load_config
from scanner.config.settings import EngineSettings
from scanner.discovery.engine import LIVE, Source, discover
from scanner.discovery.shards.files import check_shard
from scanner.discovery.shards.lines import Shard
from scanner.errors import SourceError
from scanner.judging.pipeline import Declared
from scanner.model import Coverage, Exposure, Identity, ScanResult
from scanner.redaction.masking import mask
from scanner.redaction.shapes import MASK
from scanner.store.store import open_store
from tests.canaries import CANARIES, planted, readable
from tests.contract.test_connectors import (
    ESTATES,
    anthropic_url,
    aws,
    azure,
    connector,
    directory,
    github_url,
    kubernetes_url,
    mariadb_server,
    moto,
    okta_url,
    openai_url,
    openbao,
    place,
    postgresql_server,
    running_proxy,
    start,
)
from tests.factories import NOW
from tests.scanner.discovery.shards.estates import Nobody, Plan, write_planned

__all__ = [
    "anthropic_url",
    "aws",
    "azure",
    "connector",
    "directory",
    "github_url",
    "kubernetes_url",
    "mariadb_server",
    "moto",
    "okta_url",
    "openai_url",
    "openbao",
    "place",
    "postgresql_server",
    "running_proxy",
    "start",
]

KEPT = ("provider", "source", "sources", "kind", "kinds", "section")
"""Fields that say whose and what a record is: with another, no one would take it."""
# What ends nowhere masks all that follows it, other canaries included.
_ENDLESS = ("PRIVATE KEY-----", "Private-Lines:")
ALL = [one for samples in CANARIES.values() for one in samples if not any(sign in one[0] for sign in _ENDLESS)]


@pytest.fixture
def records(connector: Connector) -> list[DiscoveredRecord]:
    """All that the connector has."""
    return read_unmasked(connector)


@pytest.fixture
def forms(records: Sequence[DiscoveredRecord]) -> list[DiscoveredRecord]:
    """One record of each form: others of the same type, with texts at the same places, pass the gate as it does."""
    return list({_form(record): record for record in records}.values())


def _form(value: Any) -> object:
    match value:
        case Struct():
            return type(value), *(_form(getattr(value, name)) for name in value.__struct_fields__)
        case tuple() | list():
            return frozenset(map(_form, value))
        case dict():
            return frozenset((key, _form(one)) for key, one in value.items())
    return type(value)


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


def test_no_shape_passes(forms: Sequence[DiscoveredRecord]) -> None:
    """Each of them in each text; and a record without any comes back as the same object."""
    assert {type(record) for record in forms} & {Exposure, Identity}
    for text, secret in (one for samples in CANARIES.values() for one in samples):
        for record in forms:
            masked = mask(planted(record, text))

            assert secret not in repr(masked)
            assert secret.encode() not in msgspec.json.encode(masked)
            assert mask(masked) is masked


def test_what_has_no_secret_passes_untouched(records: Sequence[DiscoveredRecord]) -> None:
    """Public ids, names of secrets and of variables, and whatever our own connectors put into words."""
    changed = [(record, mask(record)) for record in records if mask(record) is not record]

    assert changed == []


def test_no_canary_gets_any_further(
    forms: Sequence[DiscoveredRecord], connector: Connector, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Into no store, no report, no shard and no log, by a scan and by an import alike."""
    names = sorted(ESTATES)
    share = ALL[names.index(connector.spec.name) :: len(names)]  # together, the connectors have all
    everything = " ".join(text for text, _ in share)
    kind: Any = type("Planted", (_Planted,), {"spec": connector.spec})
    source = Source(
        name="prod", type=connector.spec.name, connector=kind(forms, everything), settings=Plan(), rank=LIVE,
        digest="0" * 64,
    )  # fmt: skip
    shard = write_planned(tmp_path / "shard.ndjson", [source], Shard(1, 1))

    with open_store(f"sqlite:///{tmp_path}/scan.db") as store:
        inventory = discover(EngineSettings(), [source], Nobody(), staging=store.staging, url="", scan_id="night")
        scanned = conclude(store, inventory, Declared(), Run(scan_id="night", started=NOW), lists=(), accept_drop=False)
    with open_store(f"sqlite:///{tmp_path}/import.db") as store:
        taken = receive(store, [check_shard(shard)], Config(), NOW)
        imported = conclude_shards(store, taken, Declared(), Config(), accept_drop=False)
    for name, result in (("scan", scanned), ("import", imported)):
        _write_all(result, tmp_path / name)

    assert scanned.identities or scanned.exposures
    assert len(imported.identities) == len(scanned.identities)
    assert len(imported.exposures) == len(scanned.exposures)
    assert len(list(tmp_path.rglob("*.*"))) > 10
    for path in filter(Path.is_file, tmp_path.rglob("*")):
        content = readable(path)
        assert [secret for _, secret in share if secret.encode() in content] == [], path
    assert [secret for _, secret in share if secret in caplog.text] == []


def test_no_canary_of_the_config_gets_any_further(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever people write into the config and its lists, under whichever key: no store and no report has it."""
    import tomlkit

    everything = " ".join(text for text, _ in ALL)
    text, later = tomlkit.item(everything).as_string(), datetime.now(UTC).date() + timedelta(days=30)
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "bots.csv").write_text("key,name,provider,scope\nsaas:a:svc,svc,saas,a\nsaas:a:x,x,saas,a\n")
    (tmp_path / "registry.csv").write_text("id,identities,owner\nN-1,gone,ada@example.com\n")
    (tmp_path / "acknowledged.toml").write_text(
        f'[[acknowledged]]\nrule = "unregistered"\nmatch = "x"\nreason = {text}\nby = {text}\nuntil = {later}\n'
    )
    (tmp_path / "config.toml").write_text(f"""
[store]
url = "sqlite:///out/muster.db"
[[registry]]
path = "registry.csv"
[[source]]
name = {text}
type = "file"
path = "bots.csv"
[[exempt]]
match = "svc"
reason = {text}
by = {text}
[[exempt]]
match = {text}
reason = "ended"
until = 2020-01-01
[ownership]
machines = [{text}]
platforms = {{ saas = {text} }}
[[ownership.rule]]
match = "x"
owner = {text}
reason = {text}
[[notify]]
name = {text}
type = "webhook"
url = "https://hooks.example.com/x"
min_severity = "info"
to = "all"
heartbeat = true
""")
    config = load_config(tmp_path / "config.toml")
    sources = make_ready(config.sources)
    lists = load_lists(config, sources, strict=True)
    result = scan(config, sources, lists.declared, Nobody(), new_run())
    _write_all(result, out / "reports")

    assert {one.registry.state for one in result.identities} > {"exempt"}
    assert "exemption_expired" in {one.rule for one in result.findings}
    assert [one.acknowledged.until for one in result.findings if one.acknowledged] == [later]
    assert MASK in msgspec.json.encode(result).decode()
    written = [path for path in out.rglob("*") if path.is_file()]
    assert len(written) > 10
    for path in written:
        content = readable(path)
        assert [secret for _, secret in ALL if secret.encode() in content] == [], path
    expected = caplog.text + "".join(lists.warnings)
    assert [secret for _, secret in ALL if secret in expected] == []
    assert caplog.text.count("what looks like a secret is masked") == 4


def _write_all(result: ScanResult, folder: Path) -> None:
    folder.mkdir()
    for name in report_catalog().names:
        report = report_catalog().load(name)()
        with (folder / f"report.{name}").open("wb") as out:
            report.write(result, "all", out, Screen())
