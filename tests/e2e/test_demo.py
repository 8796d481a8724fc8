"""``muster demo`` as a new user runs it: real servers, real connectors, all reports."""

from __future__ import annotations

import csv
import json
import re
import shlex
import subprocess
import sys
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from jsonschema import Draft202012Validator

from reports.json_schema import scan_schema
from scanner.demo.estate import load_tables
from scanner.demo.lists import edited_lists
from scanner.demo.trail import Principal, Trail
from scanner.redaction.shapes import MASK
from scanner.rules.base import ActivityRule
from scanner.rules.catalog import RULES
from tests.cli.test_calls import PRINTED
from tests.processes import PATIENCE, ended_muster, run_muster
from tests.reports import published
from tests.reports.published import complaints
from tests.reports.test_ocsf import CLASSES

pytestmark = pytest.mark.real_server


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The folder that the demo left, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-m", "scanner", "demo", "--out", "muster-demo"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return folder / "muster-demo", done


@pytest.fixture(scope="module")
def result(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> dict[str, Any]:
    """Its JSON."""
    decoded: dict[str, Any] = json.loads((demo[0] / "result.json").read_text(encoding="utf-8"))
    return decoded


def test_it_ends_well_and_leaves_every_report(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """Exit 0, the table on 80 columns, a file for each format."""
    folder, done = demo

    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert MASK not in done.stdout + done.stderr
    written = {path.suffix for path in folder.iterdir()}
    assert written >= {".html", ".csv", ".xlsx", ".json", ".ndjson", ".md", ".sarif", ".zip", ".db", ".toml"}


def test_what_other_programs_read_fits_their_schemas(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """On an estate that real servers described, not only on samples."""
    folder, _ = demo
    events = [json.loads(line) for line in (folder / "events.ndjson").read_text(encoding="utf-8").splitlines()]
    whole = json.loads((folder / "result.json").read_text(encoding="utf-8"))

    assert complaints(published.sarif(), json.loads((folder / "findings.sarif").read_text(encoding="utf-8"))) == []
    assert complaints(Draft202012Validator(scan_schema()), whole) == []
    assert len(events) == 1 + len(whole["findings"]) + len(whole["identities"])
    for event in events:
        assert complaints(published.ocsf(CLASSES[event["class_uid"]], cloud="cloud" in event), event) == []


def test_nothing_was_left_out(result: dict[str, Any]) -> None:
    """The whole estate was read: about 190 identities, and no gap but the day that the audit log lacks."""
    gaps = [one for one in result["coverage"] if one["status"] in ("partial", "denied", "failed", "skipped")]
    assert [(one["source"], one["section"]) for one in gaps] == [("trail", f"activity:{day_of(result, 41)}")]
    assert 180 <= result["summary"]["identities"] <= 205


@pytest.mark.parametrize(
    ("name", "axis", "expected"),
    [
        pytest.param("svc-payments-settlement", "registry", {"state": "registered", "rung": "name"}, id="by name"),
        pytest.param("svc-ledger-export", "registry", {"state": "registered", "rung": "key"}, id="by ARN"),
        pytest.param("orders-prod-task", "registry", {"state": "registered", "rung": "glob"}, id="by pattern"),
        pytest.param("svc-customs-filing", "registry", {"state": "registered", "rung": "tag"}, id="by tag"),
        pytest.param("rogue-bot-exfil", "registry", {"state": "unregistered"}, id="never by a part of a name"),
        pytest.param("ec2-bastion", "registry", {"state": "ambiguous"}, id="two entries"),
        pytest.param("AWSServiceRoleForecs", "registry", {"state": "exempt"}, id="service-linked"),
        pytest.param("maya.okafor", "registry", {"state": "exempt"}, id="a person"),
        pytest.param("svc-ledger-export", "ownership", {"state": "orphaned", "reason": "departed"}, id="owner left"),
        pytest.param("loyalty-prod-task", "ownership", {"reason": "group_empty"}, id="empty team"),
        pytest.param("claims-assistant", "ownership", {"reason": "never_assigned"}, id="no owner"),
        pytest.param("agent-gateway", "ownership", {"reason": "owner_is_machine"}, id="a machine as owner"),
        pytest.param("salesforce-etl", "ownership", {"reason": "unresolvable"}, id="not on the roster"),
        pytest.param("dbt-runner", "ownership", {"state": "owned"}, id="by the backup owner"),
        pytest.param("invoice-reader-gpt", "ownership", {"state": "owned"}, id="leaving is not left"),
        pytest.param("svc-carrier-rates", "usage", {"state": "dormant"}, id="dormant"),
        pytest.param("etl-warehouse-staging", "usage", {"state": "never_used"}, id="never used"),
        pytest.param("old-ftp-sync", "usage", {"state": "disabled"}, id="disabled"),
        pytest.param("ci-github-deploy", "privilege", {"level": "admin"}, id="a harmless name"),
        pytest.param("datadog-agent", "privilege", {"level": "normal"}, id="a frightening name"),
        pytest.param("nightly-batch", "privilege", {"level": "admin"}, id="a Vault policy"),
        pytest.param("etl-warehouse-prod", "privilege", {"level": "escalation"}, id="through a role"),
        pytest.param("support-triage-agent", "agent", {"is_agent": True}, id="an agent"),
        pytest.param("backup-agent", "agent", {"is_agent": False}, id="no AI agent"),
        pytest.param("starter-leaver-sync", "privilege", {"level": "admin"}, id="one permission from administrator"),
        pytest.param("id-ops-automation", "privilege", {"level": "admin"}, id="a machine that owns production"),
        pytest.param(
            "release-tracking-pipeline", "privilege", {"level": "escalation"}, id="through a managed identity"
        ),
        pytest.param("freight-copilot-apac", "agent", {"is_agent": True}, id="an agent of Entra"),
        pytest.param("crm-lead-sync", "ownership", {"reason": "departed"}, id="a leaver's application"),
        pytest.param("groups-janitor", "usage", {"state": "dormant"}, id="a role that nobody uses"),
        pytest.param("Salesforce", "registry", {"state": "exempt"}, id="a verified gallery application"),
        pytest.param("terraform-gcp", "privilege", {"level": "admin"}, id="an owner of a project"),
        pytest.param("ci-deploy-gcp", "privilege", {"level": "escalation"}, id="through an owner's tokens"),
        pytest.param("svc-order-router", "registry", {"state": "registered", "rung": "name"}, id="in Google Cloud"),
        pytest.param("legacy-gps-import", "ownership", {"reason": "departed"}, id="a leaver's account"),
        pytest.param("svc-bigquery-loader", "usage", {"state": "unknown"}, id="an HMAC key leaves no trace"),
        pytest.param("481516234201@cloudservices", "registry", {"state": "exempt"}, id="a service agent"),
        pytest.param("dispatch-copilot", "agent", {"is_agent": True}, id="an agent engine"),
        pytest.param(".github/workflows/load-warehouse.yml", "privilege", {"level": "escalation"}, id="a pipeline"),
        pytest.param("warehouse-mirror", "privilege", {"level": "escalation"}, id="a key that may change the pipeline"),
        pytest.param("warehouse-loader", "privilege", {"level": "escalation"}, id="through AWS"),
        pytest.param("parcel-copilot", "agent", {"is_agent": True}, id="an agent in a cluster"),
        pytest.param("prometheus", "privilege", {"level": "escalation"}, id="get of nodes/proxy is no reading"),
        pytest.param("replicaset-controller", "registry", {"state": "exempt"}, id="the cluster's own"),
        pytest.param("storefront", "registry", {"state": "registered", "rung": "alias"}, id="in a namespace"),
        pytest.param("claims-intake", "registry", {"state": "registered", "rung": "unique_id"}, id="at Anthropic"),
        pytest.param("refund-autopilot", "registry", {"state": "unregistered"}, id="an agent at its vendor"),
        pytest.param("dispatch", "privilege", {"level": "high"}, id="an agent in a repository, by its role"),
        pytest.param("tidewater-release-bot", "nature", {"verdict": "non_human"}, id="a machine user"),
        pytest.param("sam.whitfield", "nature", {"verdict": "mixed"}, id="a person with keys"),
    ],
)
def test_what_the_estate_hides_is_found(result: dict[str, Any], name: str, axis: str, expected: dict[str, Any]) -> None:
    """Each trap of the estate, judged as a careful person would."""
    (identity,) = [one for one in result["identities"] if one["name"] == name]

    assert {key: identity[axis][key] for key in expected} == expected


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("unverified_publisher", "MailMiner Pro"),
        ("agent_without_sponsor", "freight-copilot-apac"),
        ("open_trust", "release-tracking-pipeline"),
        ("token_never_expires", "crm-lead-sync"),
        ("stale_secret", None),
        ("orphaned_grant", None),
        ("exposed_credential", "svc-parcel-photos"),
        ("exposed_credential", "etl-warehouse-prod"),
        ("open_trust", "ci-deploy-gcp"),
        ("shared_default_account", "481516234201-compute"),
        ("unrestricted_api_key", "everything-key"),
        ("credential_too_old", "svc-order-router"),
        ("credential_expired", "release-storefront-pipeline"),
        ("writers_become_admin", ".github/workflows/load-warehouse.yml"),
        ("former_member_credential", "warehouse-mirror"),
        ("self_hosted_runner_public", "own-machines"),
        ("token_never_expires", "jenkins"),
        ("token_never_expires", "ci"),
        ("escalation", "prometheus"),
        ("agent_exfiltration", ".github/workflows/answer-issues.yml"),
        ("agent_exfiltration", ".github/workflows/review-changes.yml"),
    ],
)
def test_rules_find_what_the_clouds_hide(result: dict[str, Any], rule: str, name: str | None) -> None:
    """Of an identity, or of a thing that is none."""
    keys = {one["key"] for one in result["identities"] if one["name"] == name} or {None}

    assert [one for one in result["findings"] if one["rule"] == rule and one["identity"] in keys]


def test_anybodys_issue_makes_an_agent_hand_out_a_secret(result: dict[str, Any]) -> None:
    """Its picture is whole; of an agent that colleagues start it is no secret; of a harmless client there is none."""
    named = ("answer-issues.yml", "review-changes.yml", ".mcp.json")
    agents = {one["key"].rpartition("/")[2]: one for one in result["identities"] if one["key"].endswith(named)}
    issue, review = (agents[name]["agent"]["exposures"][0] for name in named[:2])
    by_key = {one["identity"]: one["severity"] for one in result["findings"] if one["rule"] == "agent_exfiltration"}

    assert issue["input"] == "an issue in the public repository tidewater/tide-tables"
    assert issue["reach"].endswith("role/agents/answer-tide-issues")
    assert (issue["opened_by"], issue["reached"], issue["way_out"]) == ("anybody", "secrets", "the tool shell")
    assert issue["cut_in"] == ["input"]
    assert (review["opened_by"], review["reached"]) == ("insiders", "data")
    assert by_key == {agents[named[0]]["key"]: "critical", agents[named[1]]["key"]: "medium"}
    assert agents[named[2]]["agent"]["exposure"] == "none"


def day_of(result: dict[str, Any], days_ago: int) -> str:
    """The day in the audit log, whose last one is yesterday's."""
    ends = (one["activity"]["covered_to"] for one in result["identities"] if one["activity"])
    last = max(filter(None, ends))
    return str(date.fromisoformat(last) - timedelta(days=days_ago - 1))


def test_its_audit_log_says_what_identities_did(result: dict[str, Any]) -> None:
    """Exactly what the habits hide, and nothing about the others."""
    names = {one["key"]: one["name"] for one in result["identities"]}
    rules = {rule.id for rule in RULES if isinstance(rule, ActivityRule)}
    about_days = [one for one in result["findings"] if one["rule"] in rules]
    found = sorted((one["rule"], names[one["identity"]], one["evidence"]["day"]) for one in about_days)

    expected = [
        ("behaviour_changed", "invoice-reader-gpt", 2),
        ("behaviour_changed", "lambda-label-printer", 12),
        ("dormant_woke", "black-friday-load-test", 4),
        ("undeclared_credential_used", "svc-shipping-labels", 1),
        ("used_after_owner_left", "etl-warehouse-prod", 1),
        ("used_after_owner_left", "svc-ledger-export", 2),
        ("used_outside_declaration", "invoice-reader-gpt", 2),
    ]
    assert found == sorted((rule, name, day_of(result, days)) for rule, name, days in expected)


def test_it_says_what_was_new_and_what_explains_it(result: dict[str, Any]) -> None:
    """The agent read secrets, from elsewhere; a deployment explains the function. No earlier scan can say more."""
    changed = {
        one["identity"].rpartition("/")[2]: one for one in result["findings"] if one["rule"] == "behaviour_changed"
    }
    agent, function = changed["invoice-reader-gpt"], changed["lambda-label-printer"]

    assert (agent["severity"], agent["evidence"]["explained"]) == ("medium", None)
    assert agent["evidence"]["reasons"] == ["new_client", "new_network", "new_region", "new_service"]
    assert agent["evidence"]["actions"] == {"secretsmanager:GetSecretValue": 3}
    assert (function["severity"], function["evidence"]["reasons"]) == ("info", ["new_service"])
    assert function["evidence"]["explained_by"].startswith("iam:PutRolePolicy by ")


def test_the_reading_an_hour_later_alarms(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """A retired identity acts after the scan, and somebody needs one that is being retired; that is all that is new."""
    _, done = demo

    alarms = [line for line in done.stderr.splitlines() if line.startswith("new: ")]
    assert [line.partition(" on ")[0] for line in alarms] == [
        "new: high: An identity that is being retired is called: svc-carrier-rates",
        "new: high: Retired identity is used: legacy-crm-sync",
    ]
    line = r"^read \d+ events of 4 identities on 1 day; 1 unknown caller; 1 gap$"
    assert re.search(line, done.stdout, re.MULTILINE)


def test_a_user_is_being_retired(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """The second scan saw it lowered, and the log names who was refused."""
    folder, _ = demo
    run_muster(folder, "retire", "--list", "-o", "json:retiring.json")
    (found,) = json.loads((folder / "retiring.json").read_text(encoding="utf-8"))["retirements"]

    assert (found["name"], found["stage"], found["is_heard"]) == ("svc-carrier-rates", "lowered", True)
    assert [one["host"] for one in found["screams"]] == ["52.31.14.0/24"]
    assert any("delete-user-policy" in one for one in found["next"]["way_back"])
    assert "Under way: 1." in (folder / "board.html").read_text(encoding="utf-8")


def test_what_the_server_wrote_is_read(result: dict[str, Any]) -> None:
    """OpenBao's own audit device: an AppRole signs in and reads its secret; others did nothing."""
    (role,) = (one for one in result["identities"] if one["name"] == "payments-api")
    (idle,) = (one for one in result["identities"] if one["name"] == "agent-gateway")

    assert (role["activity"]["events"], role["usage"]["state"]) == (2, "active")
    assert [one["service"] for one in role["activity"]["services"]] == ["auth", "secret"]
    assert idle["activity"] is None or idle["activity"]["events"] == 0


def test_the_same_day_gives_the_same_log(tmp_path: Path) -> None:
    """Byte by byte, but for the ids that the emulator gives; each demo replaces the log of the last."""
    habits = {habit["who"] for habit in load_tables("trail.toml")["habit"]}
    who = {one: Principal(arn=f"arn:aws:iam::1:{one}", unique_id="A", keys=("K0", "K1")) for one in habits}
    roots = [tmp_path / "one", tmp_path / "other"]
    Trail(roots[1], "471208833519", who).write(date(2026, 1, 1))
    for root in roots:
        Trail(root, "471208833519", who).write(date(2026, 11, 29))
    one, other = ({file.relative_to(root): file.read_bytes() for file in root.rglob("*.gz")} for root in roots)

    assert one == other
    days = {file.name.split("_")[3][:8] for file in one}
    assert (len(days), min(days), max(days)) == (99, "20260821", "20261128")


def test_a_token_leads_from_cloud_to_cloud(result: dict[str, Any]) -> None:
    """A pipeline at GitHub becomes a role of AWS, and this a service account of Google Cloud, without any key."""
    names = (".github/workflows/load-warehouse.yml", "warehouse-admin", "aws-warehouse-mirror")
    way = [next(one for one in result["identities"] if one["name"] == name) for name in names]

    for one, other in pairwise(way):
        assert other["key"] in {link["target"] for link in one["links"] if link["relation"] == "can_assume"}


def test_an_agent_at_its_vendor_becomes_a_role_of_the_cloud(result: dict[str, Any]) -> None:
    """The role's trust policy lets in the vendor; an agent that a repository defines runs as its role."""
    keys = {one["name"]: one["key"] for one in result["identities"]}
    links = {one["name"]: {(link["relation"], link["target"]) for link in one["links"]} for one in result["identities"]}

    assert ("can_assume", keys["anthropic-claims-intake"]) in links["claims-intake"]
    assert links["dispatch"] == {("runs_as", keys["agentcore-dispatch-runtime"])}


def test_the_leaked_key_to_rotate_first_is_that_of_a_leaver(result: dict[str, Any]) -> None:
    """Who can still use it, and where it lies."""
    first = result["exposures"][0]

    assert (first["file"], first["line"]) == ("notebooks/backfill.ipynb", 41)
    assert first["identity"].endswith("user/data/etl-warehouse-prod")


def test_a_label_suggests_its_owner(result: dict[str, Any]) -> None:
    """Labels of Kubernetes cannot have an `@`; the person is asked, and not registered."""
    (agent,) = [one for one in result["identities"] if one["name"] == "parcel-copilot"]

    assert agent["ownership"]["state"] == "orphaned"
    assert agent["ownership"]["candidates"][0]["person"] == "nina.petrova@tidewater.example"


def test_owners_of_a_repository_at_github_are_asked_about_what_it_deploys(result: dict[str, Any]) -> None:
    """Argo CD says which repository an account came from, GitHub says who owns that."""
    (checkout,) = [one for one in result["identities"] if one["display_name"] == "shop/checkout"]

    best = checkout["ownership"]["candidates"][0]
    assert best["person"] == "maya.okafor@tidewater.example"
    assert "owns github.com/tidewater/storefront" in best["evidence"]


def test_a_default_account_leads_from_a_cluster_to_an_administrator(result: dict[str, Any]) -> None:
    """It may edit where someone meant `view`: so it becomes an account whose token opens a role of AWS."""
    ids = ("tracking/default", "data/warehouse-loader")
    accounts = [next(one for one in result["identities"] if one["display_name"] == name) for name in ids]
    roles = [
        next(one for one in result["identities"] if one["name"] == name)
        for name in ("eks-warehouse-loader", "warehouse-admin")
    ]

    for one, other in pairwise((*accounts, *roles)):
        assert other["key"] in {link["target"] for link in one["links"] if link["relation"] == "can_assume"}
    rules = {one["rule"] for one in result["findings"] if one["identity"] == accounts[0]["key"]}
    assert rules == {"escalation", "narrower_right", "shared_default_account", "unregistered"}
    assert any(accounts[1]["key"] == link["target"] for link in roles[0]["links"] if link["relation"] == "federates")


def test_entries_say_what_became_of_them(result: dict[str, Any]) -> None:
    """Found, gone, alive although retired, and the good end."""
    states = {entry["id"]: entry["state"] for entry in result["registry"]}

    assert (states["PAY-001"], states["SHP-003"]) == ("found", "not_found")
    assert (states["OLD-001"], states["OLD-002"]) == ("retired_but_alive", "retired")


def test_secrets_are_listed_by_age_and_never_by_value(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """Names and dates of both managers, and the root token nowhere."""
    folder, _ = demo
    text = (folder / "result.json").read_text(encoding="utf-8")
    names = {secret["name"] for secret in json.loads(text)["secrets"]}

    assert {"prod/agents/openai-api-key", "payments/stripe", "carrier-api-key", "model-provider-key"} <= names
    assert '"demo"' not in text


def test_the_spreadsheets_open(demo: tuple[Path, subprocess.CompletedProcess[str]], result: dict[str, Any]) -> None:
    """The same orphans in CSV, in the workbook and in the summary."""
    folder, _ = demo
    rows = list(csv.DictReader((folder / "orphans.csv").read_text(encoding="utf-8").splitlines()))
    book = openpyxl.load_workbook(folder / "orphans.xlsx")

    assert len(rows) == result["summary"]["orphaned"] == book[book.sheetnames[1]].max_row - 1


def test_every_printed_command_works(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """From where the demo was started; only those that name someone's own estate need one."""
    folder, done = demo
    printed = PRINTED.findall(done.stdout + done.stderr + (folder / "summary.md").read_text(encoding="utf-8"))
    own = [one for one in printed if one.startswith("muster scan ")]

    assert len(own) == 6
    assert len(set(printed) - set(own)) >= 5
    for one in set(printed) - set(own):
        ran = ended_muster(folder.parent, *shlex.split(one)[1:])
        assert (ran.returncode, one) == (0, one), ran.stderr


def test_lists_that_were_edited_are_not_overwritten_unasked(
    demo: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    """No one is there to be asked: it refuses, before it starts anything, and says how to have it."""
    folder, _ = demo
    registry = folder / "registry.csv"
    before = registry.read_bytes()
    registry.write_bytes(before + b"MINE-1,svc-mine\r\n")
    try:
        again = ended_muster(folder.parent, "demo", "--out", "muster-demo")
        assert (again.returncode, "1/4" in again.stderr) == (2, False)
        assert "would overwrite registry.csv" in again.stderr
        assert "--yes" in again.stderr
        assert registry.read_bytes().endswith(b"svc-mine\r\n")
    finally:
        registry.write_bytes(before)
    assert edited_lists(folder) == []


def test_the_store_can_be_asked_afterwards(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """What the demo says to try next works when its servers are gone."""
    folder, ran = demo
    assert "the servers are stopped: `scan` and `doctor` with this config reach only files" in ran.stderr

    assert "orphaned: departed" in run_muster(
        folder, "show", "svc-ledger-export", "--config", str(folder / "config.toml")
    )


def test_the_sign_ins_of_an_application_are_asked_for_live(
    demo: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    """A log without files: its days are covered, and the application has what it did."""
    folder, _ = demo
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    (archiver,) = [one for one in result["identities"] if one["name"] == "mail-archiver"]

    assert archiver["activity"]["events"] == 2
    assert [one["service"] for one in archiver["activity"]["services"]] == ["microsoft graph"]
