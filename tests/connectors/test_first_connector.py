"""The tutorial's connector: its blocks run as they stand there, and each thing left out is seen by the contract."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from connectors.testing import CHECKS, Estate, Server
from tests.cli.conftest import Muster, muster
from tests.processes import ended_muster

__all__ = ["muster"]

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "tutorial" / "first-connector.md").read_text(encoding="utf-8")
TOKEN = "hive-token-that-opens-nothing"
MODULES = ("muster_hive", "test_muster_hive")


def code(file: str) -> str:
    """All blocks of a file, one after the other."""
    blocks = re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)
    return "\n\n".join(text for name, text in blocks if name == file)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package as an installer leaves it, on the path."""
    place = tmp_path / "site"
    (place / "muster_hive-1.0.dist-info").mkdir(parents=True)
    (place / "muster_hive-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: muster-hive\nVersion: 1.0\n"
    )
    (place / "muster_hive-1.0.dist-info" / "entry_points.txt").write_text(
        "[muster.connectors]\nhive = muster_hive:HiveConnector\n"
    )
    for name in MODULES:
        (place / f"{name}.py").write_text(code(f"{name}.py"), encoding="utf-8")
    monkeypatch.syspath_prepend(place)
    monkeypatch.setenv("HIVE_TOKEN", TOKEN)
    yield place
    for name in MODULES:
        sys.modules.pop(name, None)


def _estate() -> Estate:
    import importlib

    module: ModuleType = importlib.import_module("test_muster_hive")
    estate: Estate = module.ESTATE
    return estate


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.usefixtures("folder")
def test_the_tutorial_s_connector_keeps_the_contract(check: Any) -> None:
    """Each check on its own."""
    check(_estate())


@pytest.mark.usefixtures("folder")
def test_it_is_short_and_scans(muster: Muster) -> None:
    """About as long as the page says, a source type like any other, and its doctor answers."""
    assert 100 <= len([line for line in code("muster_hive.py").splitlines() if line.strip()]) <= 150
    assert code("test_muster_hive.py").count("check_settings") == 2
    __import__("test_muster_hive").test_settings()
    with Server(_estate().healthy) as server:
        doctor = muster("doctor", f"hive:url={server.url}")
        done = muster("scan", f"hive:url={server.url}", "-o", "json:-")

    assert doctor.code == 0, doctor
    assert "organization acme" in doctor.out
    assert done.code in (0, 1), done.err
    assert '"hive:acme:bot/b1#api_key:k2"' in done.out


REGISTRY = """id,identities,provider,owner
N1,HIVE:acme:bot/b1,Hive bots,ada@example.com
N2,hive:acme:bot/b2,,ada@example.com
"""
CLAIMS = """key,provider,scope,kind,name,aliases
list:1,saas,crm,bot,one,hive:acme:bot/b2
"""


def _command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A ``muster`` of its own, which finds the package as an installed one."""
    environment = {**os.environ, "HIVE_TOKEN": TOKEN, "NO_COLOR": "1"}
    return ended_muster(folder.parent, *arguments, site=folder, environment=environment)


def _registered(folder: Path) -> dict[str, str | None]:
    """The entry of each identity that a scan of Hive and of a list finds."""
    (folder.parent / "registry.csv").write_text(REGISTRY)
    (folder.parent / "claims.csv").write_text(CLAIMS)
    with Server(_estate().healthy) as server:
        sources = (f"hive:url={server.url}", "file:path=claims.csv")
        done = _command(folder, "scan", *sources, "--registry", "registry.csv", "-o", "json:-")
    assert done.returncode in (0, 1), done.stderr
    return {one["key"]: one["registry"]["entry"] for one in json.loads(done.stdout)["identities"]}


def _without_knowledge() -> str:
    return re.sub(r"    providers=\{.*\n", "", code("muster_hive.py"))


def test_its_ids_bind_to_its_provider(folder: Path) -> None:
    """As its spec says: case makes no difference, the spreadsheet's word is understood, and a list's claim is void."""
    assert _registered(folder) == {"hive:acme:bot/b1": "N1", "hive:acme:bot/b2": "N2", "list:1": None}


def test_without_its_knowledge_it_is_a_provider_like_any(folder: Path) -> None:
    """Ids compare exactly and are anyone's, as those of a provider that no one knows."""
    (folder / "muster_hive.py").write_text(_without_knowledge(), encoding="utf-8")

    assert _registered(folder) == {"hive:acme:bot/b1": None, "hive:acme:bot/b2": "N2", "list:1": "N2"}


def test_ids_bind_when_shards_are_imported_and_reported(folder: Path) -> None:
    """``import`` judges and ``report`` reads the store in processes that never made a connector of Hive."""
    (folder.parent / "registry.csv").write_text(REGISTRY)
    (folder.parent / "claims.csv").write_text(CLAIMS)
    with Server(_estate().healthy) as server:
        sources = (f"hive:url={server.url}", "file:path=claims.csv")
        shard = ("--shard", "1/1", "--scan-id", "s1", "-o", "ndjson:shard.ndjson")
        done = _command(folder, "scan", *sources, *shard)
    assert done.returncode == 0, done.stderr

    imported = _command(folder, "import", "shard.ndjson", "--registry", "registry.csv", "-o", "json:-")
    reported = _command(folder, "report", "-o", "json:-")

    for listed in (imported, reported):
        assert listed.returncode in (0, 1), listed.stderr
        entries = {one["key"]: one["registry"]["entry"] for one in json.loads(listed.stdout)["identities"]}
        assert entries == {"hive:acme:bot/b1": "N1", "hive:acme:bot/b2": "N2", "list:1": None}


def test_commands_without_a_scan_know_it_too(folder: Path) -> None:
    """``registry lint`` takes the spreadsheet's word for the provider, and only with its knowledge."""
    (folder.parent / "registry.csv").write_text(REGISTRY)
    (folder.parent / "config.toml").write_text('[[source]]\nname = "h"\ntype = "hive"\n')
    known = _command(folder, "registry", "lint", "registry.csv")
    (folder / "muster_hive.py").write_text(_without_knowledge(), encoding="utf-8")
    unknown = _command(folder, "registry", "lint", "registry.csv")

    assert "cannot be scanned" not in " ".join(known.stdout.split())
    assert "Hive bots cannot be scanned" in " ".join(unknown.stdout.split())


def test_a_plugin_that_cannot_be_loaded_ends_no_other_command(folder: Path) -> None:
    """It is warned of by name, with what is wrong."""
    (folder / "muster_hive.py").write_text(_changed((r"bot/.+", "bot/(")), encoding="utf-8")
    (folder.parent / "registry.csv").write_text(REGISTRY)

    done = _command(folder, "registry", "lint", "registry.csv")

    assert "what the connector hive knows of its provider cannot be read" in done.stderr
    assert "is not a regular expression" in done.stderr
    assert "Traceback" not in done.stderr
    assert "quality" in done.stdout.lower()


NAIVE = """
import msgspec
import requests
from connectors.core.contract import Meter

class _Naive:
    def __init__(self, url, headers):
        self.url, self.headers, self.meter = url, headers, Meter()
    def __enter__(self):
        return self
    def __exit__(self, *_):
        pass
    def _ask(self, url, shape):
        self.meter.add()
        try:
            answer = requests.get(url, headers=self.headers, timeout=5)
            return answer, msgspec.convert(answer.json(), shape)
        except Exception as error:
            raise SourceError(f"{url}: {error}")
    def get(self, path, shape):
        return self._ask(self.url + path, shape)[1]
    def rows(self, path, row, section, *, at, paging, bot=""):
        url = self.url + path.format(bot=bot)
        while url:
            answer, body = self._ask(url, dict)
            yield from msgspec.convert(body.get(at[1:]) or [], list[row])
            url = answer.links.get("next", {}).get("url")
            if body.get("next"):
                url = self.url + path.format(bot=bot) + "?after=" + body["next"]

def _client(self):
    return _Naive(self._settings.url, {"Authorization": "Bearer " + self._settings.token.resolve()})

HiveConnector._client = _client
"""
"""What one writes in ten minutes."""


CAUGHT = {
    "check_foreign_host": "a link to the next page was followed to another host, with the credentials",
    "check_throttled": "gaps after one refusal for load",
    "check_loop": "pages in a circle: after 500 requests it went on",
    "check_not_the_api": "complete in spite of credentials that are refused",
    "check_endless": "it was read to its end",
    "check_denied": "was denied, and no section is a gap",
    "check_hostile_names": "a name changed the path of a request",
}


@pytest.mark.parametrize("check", CAUGHT)
def test_what_one_writes_in_ten_minutes_is_caught(check: str, folder: Path) -> None:
    """By every check that is about the wire, for what it is about."""
    (folder / "muster_hive.py").write_text(code("muster_hive.py") + NAIVE, encoding="utf-8")

    with pytest.raises(AssertionError, match=CAUGHT[check]):
        next(one for one in CHECKS if one.__name__ == check)(_estate())


def _changed(*changes: tuple[str, str]) -> str:
    text = code("muster_hive.py")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("check", "said", "changes"),
    [
        pytest.param("check_secrets", "an unrequested field", [
            ("labels: dict[str, str] = {}", "labels: dict[str, str] = {}\n    token: str | None = None"),
            ("unique_id=bot.id", "unique_id=bot.id, description=bot.token"),
        ], id="keeps a field"),
        pytest.param("check_malformed", "the connector broke", [
            ("Organization)", "dict)"),
            ("id=organization.id", 'id=organization["id"]'),
        ], id="takes a shape for granted"),
        pytest.param("check_malformed", "answered 'null', and no section is a gap", [
            ("except Gone", "except SourceError"),
        ], id="takes anything for nothing"),
        pytest.param("check_secrets", "the credentials", [
            ("unique_id=bot.id", "unique_id=bot.id, description=__import__('os').environ['HIVE_TOKEN']"),
        ], id="keeps the token"),
        pytest.param("check_healthy", "kinds that the spec does not declare", [
            ('kind="bot"', 'kind="robot"'),
        ], id="another kind"),
        pytest.param("check_healthy", "keys that two identities share", [
            ('bot/{bot.id}"', 'bot"'),
        ], id="one key"),
        pytest.param("check_healthy", "keys that two credentials share", [
            ('credential_key(key, "api_key", one.id)', '"key"'),
        ], id="one key for all credentials"),
        pytest.param("check_healthy", "facts unread, though nothing is a gap: hive:acme:bot/b1: credentials", [
            ('unread=("credentials",) if keys is None else ()', 'unread=("credentials",)'),
        ], id="always in doubt"),
        pytest.param("check_healthy", "sections that are reported twice", [
            ("            yield section.coverage\n", "            yield section.coverage\n" * 2),
        ], id="one section twice"),
        pytest.param("check_healthy", "sections that count no identities", [
            ("section.found()", "pass"),
        ], id="counts nothing"),
        pytest.param("check_healthy", "is another one after it was pickled", [
            ("    spec = SPEC\n", "    spec = SPEC\n    __reduce__ = lambda self: (dict, ())\n"),
        ], id="does not travel"),
        pytest.param("check_healthy", "identities of another source", [
            ("source=scope.source", 'source="other"'),
        ], id="another source"),
        pytest.param("check_healthy", "records that hold the secret", [
            ("unique_id=bot.id", "unique_id=bot.id, description=__import__('os').environ['HIVE_TOKEN']"),
        ], id="keeps the token of a healthy provider"),
        pytest.param("check_healthy", "other records", [
            ("unique_id=bot.id", "unique_id=__import__('uuid').uuid4().hex"),
        ], id="never the same"),
        pytest.param("check_healthy", "gaps", [
            ("meter=client.meter", "meter=__import__('connectors.core.contract').core.contract.Meter()"),
        ], id="counts no calls"),
        pytest.param("check_healthy", "take any key", [
            (", forbid_unknown_fields=True", ""),
        ], id="takes any setting"),
    ],
)  # fmt: skip
def test_each_slip_is_named(check: str, said: str, changes: list[tuple[str, str]], folder: Path) -> None:
    """The message says what is wrong."""
    (folder / "muster_hive.py").write_text(_changed(*changes), encoding="utf-8")

    with pytest.raises(AssertionError, match=said):
        next(one for one in CHECKS if one.__name__ == check)(_estate())


@pytest.mark.usefixtures("folder")
def test_an_estate_without_a_second_page_checks_nothing() -> None:
    """It must say so: a check that cannot fail is none."""
    loop = next(one for one in CHECKS if one.__name__ == "check_loop")
    estate = _estate()
    whole = {"bots": [{"id": "b1", "name": "a"}, {"id": "b2", "name": "b"}]}
    answers = {"/v1/organization": {"id": "acme"}, "/v1/bots": whole} | {
        f"/v1/bots/{name}/keys": {"keys": []} for name in "ab"
    }

    with pytest.raises(AssertionError, match="no listing of the estate has a second page"):
        loop(Estate(make=estate.make, answers=answers, secret=TOKEN))
