"""The examples under deploy/ work as they stand: their commands run, their configs load, their units verify."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from scanner.config.load import load_config
from tests.cli.conftest import BOTS, PEOPLE, REGISTRY, Muster, muster
from tests.cli.test_activity import LIST, event, today, write_day
from tests.cli.test_activity import REGISTRY as ENTRIES
from tests.servers.receiver import Receiver, receiver

__all__ = ["muster"]  # the fixture

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd" / "muster.service"
SERVE_UNIT = DEPLOY / "systemd" / "muster-serve.service"
HOURLY_UNIT = DEPLOY / "systemd" / "muster-activity.service"
MANIFESTS: list[dict[str, Any]] = list(yaml.safe_load_all((DEPLOY / "kubernetes/cronjob.yaml").read_text()))
BY_KIND: dict[str, dict[str, Any]] = {one["kind"]: one for one in MANIFESTS}
POD: dict[str, Any] = BY_KIND["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
HOURLY_JOB: dict[str, Any] = yaml.safe_load((DEPLOY / "kubernetes/activity.yaml").read_text())
HOURLY_POD: dict[str, Any] = HOURLY_JOB["spec"]["jobTemplate"]["spec"]["template"]["spec"]
SERVED: dict[str, dict[str, Any]] = {
    one["kind"]: one for one in yaml.safe_load_all((DEPLOY / "kubernetes/serve.yaml").read_text())
}
SERVE_POD: dict[str, Any] = SERVED["Deployment"]["spec"]["template"]["spec"]
WORKFLOW: dict[Any, Any] = yaml.safe_load((DEPLOY / "github/muster.yml").read_text())
CONTAINER = (DEPLOY / "container/Containerfile").read_text()
SCAN: dict[str, Any] = WORKFLOW["jobs"]["scan"]


def _unit_command(unit: Path = UNIT) -> str:
    text = unit.read_text().replace("\\\n", " ")
    return re.search(r"^ExecStart=/opt/muster/bin/(.*)$", text, re.MULTILINE)[1]  # type: ignore[index]  # it is there


def _cron_command() -> str:
    (line,) = (line for line in (DEPLOY / "cron/muster").read_text().splitlines() if line.startswith("0 3 "))
    return line[line.index("muster scan") :]


COMMANDS = {
    "systemd": _unit_command(),
    "cron": _cron_command(),
    "kubernetes": shlex.join(["muster", *POD["containers"][0]["args"]]),
    "github": next(step["run"] for step in SCAN["steps"] if step.get("run", "").startswith("muster")),
}
CONFIGS = {
    "file": (DEPLOY / "config.toml").read_text(),
    "kubernetes": BY_KIND["ConfigMap"]["data"]["config.toml"],
}


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Where the examples' messages go."""
    with receiver() as server:
        monkeypatch.setenv("MUSTER_SLACK_WEBHOOK", f"{server.url}/services/x")
        yield server


def here(text: str, folder: Path) -> str:
    """The example with its folders in a folder of ours, and with a list for a source."""
    moved = text.replace("/etc/muster", str(folder)).replace("/var/lib/muster", str(folder))
    return moved.replace('type = "aws"', 'type = "file"\npath = "bots.csv"')


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_command_does_what_it_is_there_for(
    command: str, config: str, tmp_path: Path, muster: Muster, chat: Receiver
) -> None:
    """It scans by the config, writes its report, and gives the chat what is new on the second night."""
    for name, text in {
        "bots.csv": BOTS,
        "registry.csv": REGISTRY,
        "people.csv": PEOPLE,
        "acknowledged.toml": "",
    }.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "config.toml").write_text(here(config, tmp_path))
    (program, *arguments) = shlex.split(here(command, tmp_path))

    first = muster(*arguments)
    (tmp_path / "bots.csv").write_text(f"{BOTS}saas:acme:night-bot,night-bot,saas,acme,bot,yes,2025-11-24,,,\n")
    second = muster(*arguments)

    assert program == "muster"
    assert [first.code, second.code] in ([0, 0], [0, 1])
    assert len(chat.received) == 2  # who appeared, and the finding
    assert list(tmp_path.glob("*.html"))


def test_the_hourly_line_of_cron_alarms(tmp_path: Path, muster: Muster, chat: Receiver) -> None:
    """Uncommented, with a [[log]] as in the config's comment: it gives the chat what came after the scan."""
    (line,) = re.findall(
        r"^#30 .* (muster activity .*) > /dev/null$", (DEPLOY / "cron/muster").read_text(), re.MULTILINE
    )
    log = CONFIGS["file"].partition("# [[log]]")[2].partition("\n\n")[0].replace("\n# ", "\n")
    log = f"\n[[log]]{log}\n".replace("s3://example-trail/AWSLogs", "logs")
    (tmp_path / "config.toml").write_text(here(CONFIGS["file"], tmp_path) + log)
    lists = {"bots.csv": LIST, "registry.csv": ENTRIES, "people.csv": PEOPLE, "acknowledged.toml": ""}
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
    yesterday = today() - timedelta(1)
    write_day(tmp_path, yesterday)
    arguments = shlex.split(here(line, tmp_path))[1:]

    scanned = muster("scan", "--config", str(tmp_path / "config.toml"), "--quiet")
    quiet = muster(*arguments)
    secret = event(yesterday, 9, eventSource="secretsmanager.amazonaws.com", eventName="GetSecretValue")
    write_day(tmp_path, yesterday, secret, part="later")
    reported = muster(*arguments)

    assert (scanned.code, quiet.code, reported.code) == (0, 0, 0), scanned.err + quiet.err + reported.err
    assert len(chat.received) == 1


def test_every_hour_is_the_same_command_as_locked_in_as_by_night() -> None:
    """By systemd and on Kubernetes it is cron's line; user, secrets, volumes and limits are those of the scan."""
    cron = re.search(r"^#30 .* muster (activity .*) > /dev/null$", (DEPLOY / "cron/muster").read_text(), re.MULTILINE)
    assert cron is not None
    (by_night,), (hourly,) = POD["containers"], HOURLY_POD["containers"]
    units = [unit.read_text().partition("DynamicUser=yes")[2] for unit in (UNIT, HOURLY_UNIT)]

    assert _unit_command(HOURLY_UNIT) == f"muster --log-format json {cron[1]}"
    assert shlex.join(hourly["args"]) == f"--log-format json {cron[1]}"
    assert HOURLY_POD | {"containers": [hourly | {"args": by_night["args"]}]} == POD
    assert HOURLY_JOB["spec"]["concurrencyPolicy"] == "Forbid"
    assert units[0] == units[1]
    assert "User=muster" in HOURLY_UNIT.read_text()


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_configs_load_and_hold_no_secret(config: str, tmp_path: Path) -> None:
    """With the source that they are about."""
    (tmp_path / "config.toml").write_text(config)

    loaded = load_config(tmp_path / "config.toml")

    assert [source.type for source in loaded.sources] == ["aws"]
    assert [channel.name for channel in loaded.channels] == ["slack"]


# --- systemd --------------------------------------------------------------------

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a program that is there."""
    for unit in (DEPLOY / "systemd").iterdir():
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/muster/bin/muster", sys.executable))
    return tmp_path


@needs_systemd
def test_the_units_verify(units: Path) -> None:
    """No unknown key, no wrong value, no missing unit."""
    files = [str(unit) for unit in sorted(units.iterdir())]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, check=False
    )

    ours = [line for line in done.stderr.splitlines() if "muster" in line]
    assert (done.returncode, ours) == (0, [])


@needs_systemd
@pytest.mark.parametrize("unit", [UNIT.name, HOURLY_UNIT.name, SERVE_UNIT.name])
def test_the_service_is_locked_in(unit: str, units: Path) -> None:
    """Systemd's own scale from 0 (safe) to 10; a usual service has 9."""
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(units / unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    exposure = re.search(rf"exposure level for {unit}: ([\d.]+)", done.stdout)
    assert exposure is not None
    assert float(exposure[1]) < 2


# --- Kubernetes -------------------------------------------------------------------


def test_the_namespace_takes_restricted_pods_alone() -> None:
    """By the pod security standard, and without a token of the cluster."""
    assert BY_KIND["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert BY_KIND["ServiceAccount"]["automountServiceAccountToken"] is False


def test_one_scan_at_a_time_and_secrets_by_reference() -> None:
    """No second job beside the first; no Secret in the file."""
    (container,) = POD["containers"]

    assert BY_KIND["CronJob"]["spec"]["concurrencyPolicy"] == "Forbid"
    assert "Secret" not in BY_KIND
    assert all("secretKeyRef" in one["valueFrom"] for one in container["env"])
    assert {one["name"] for one in container["volumeMounts"]} == {one["name"] for one in POD["volumes"]}
    assert {one["metadata"].get("namespace", "muster") for one in MANIFESTS} == {"muster"}


# --- the served page ---------------------------------------------------------------


SERVE_CONFIGS = {
    "systemd": (DEPLOY / "serve.toml").read_text(),
    "kubernetes": SERVED["ConfigMap"]["data"]["serve.toml"],
}


@pytest.mark.parametrize("config", SERVE_CONFIGS.values(), ids=SERVE_CONFIGS)
def test_the_page_is_served_with_a_sign_in_and_nothing_to_scan(
    config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No source and no channel, people by a proxy or OpenID Connect, an address with https, and an index of its own."""
    monkeypatch.setenv("MUSTER_CLIENT_SECRET", "x")
    (tmp_path / "serve.toml").write_text(config)

    loaded = load_config(tmp_path / "serve.toml")

    assert (loaded.sources, loaded.channels) == ((), ())
    assert loaded.serve.has_sign_in
    assert (loaded.serve.public_url or "").startswith("https://")
    assert str(loaded.serve.index) == "/var/cache/muster/index"


def test_the_page_is_as_locked_in_as_the_scan() -> None:
    """By systemd under the same user and limits; on Kubernetes reached by the ingress alone, and checked for life."""
    scan, page = (unit.read_text().partition("DynamicUser=yes")[2] for unit in (UNIT, SERVE_UNIT))
    (container,) = SERVE_POD["containers"]
    probes = {container[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe")}

    assert page == scan
    assert "User=muster" in SERVE_UNIT.read_text()
    assert _unit_command(SERVE_UNIT).endswith("--listen 127.0.0.1:8686")
    assert container["args"][-1] == f"0.0.0.0:{container['ports'][0]['containerPort']}"
    assert probes == {"/healthz"}
    assert all("secretKeyRef" in one["valueFrom"] for one in container["env"])
    assert {one["name"] for one in container["volumeMounts"]} == {one["name"] for one in SERVE_POD["volumes"]}
    assert SERVED["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == SERVED["Service"]["spec"]["selector"]
    assert "Secret" not in SERVED
    assert {one["metadata"]["namespace"] for one in SERVED.values()} == {"muster"}


# --- container ----------------------------------------------------------------------


def test_the_image_runs_muster_and_nothing_else() -> None:
    """No shell as its command, one base for building and running, and packages by hash, however they come in."""
    installs = [line for line in CONTAINER.replace("\\\n", " ").splitlines() if "pip" in line and "install " in line]
    commands = [one for line in installs for one in line.split("&&") if " install " in one and "pip" in one]

    assert re.findall(r"^FROM (.*)$", CONTAINER, re.MULTILINE)[1:] == ["base AS build", "base"]
    assert re.search(r"^FROM python:3\.\d+\.\d+-slim-\w+@sha256:\S+ AS base$", CONTAINER, re.MULTILINE)
    assert 'ENTRYPOINT ["/opt/muster/bin/muster"]' in CONTAINER
    assert len(commands) == 3
    assert all("--require-hashes" in one or "--no-deps" in one for one in commands)


def test_the_build_gets_all_that_it_needs() -> None:
    """What the ignore file lets through is there."""
    kept = re.findall(r"^!(\S+)$", (DEPLOY / "container/Containerfile.dockerignore").read_text(), re.MULTILINE)

    assert {"pyproject.toml", "requirements", "scanner", "connectors", "reports"} <= set(kept)
    assert [name for name in kept if not (ROOT / name).exists()] == []


# --- GitHub Actions -----------------------------------------------------------------


def test_the_workflow_asks_for_little() -> None:
    """Reading the repository, and a token to exchange; no key."""
    assert WORKFLOW["permissions"] == {}
    assert SCAN["permissions"] == {"contents": "read", "id-token": "write"}
    assert "AWS_ACCESS_KEY" not in (DEPLOY / "github/muster.yml").read_text()


# --- the gate -----------------------------------------------------------------------

GATE: dict[str, Any] = yaml.safe_load((DEPLOY / "github/gate/action.yml").read_text())
GATE_WORKFLOW: dict[Any, Any] = yaml.safe_load((DEPLOY / "github/gate.yml").read_text())
HOOK: dict[str, Any] = yaml.safe_load((DEPLOY / "pre-commit/pre-commit-config.yaml").read_text())["repos"][0]["hooks"][
    0
]
MANIFEST = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: shop, namespace: web}\n"


def test_the_gate_asks_for_little() -> None:
    """No token to exchange where there is a checkout of a change, and inputs that there are."""
    assert "id-token" not in GATE_WORKFLOW["jobs"]["gate"]["permissions"]
    assert set(GATE_WORKFLOW["jobs"]["gate"]["steps"][-1]["with"]) <= set(GATE["inputs"])


def program(folder: Path) -> dict[str, str]:
    """An environment with ``muster`` on the path, and what GitHub gives its steps."""
    muster = folder / "bin" / "muster"
    muster.parent.mkdir()
    muster.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m scanner "$@"\n')
    muster.chmod(0o755)
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    (folder / "temp").mkdir()
    files = {name: str(folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    return {
        **os.environ,
        **files,
        "PATH": f"{muster.parent}:{os.environ['PATH']}",
        "PYTHONPATH": paths,
        "RUNNER_TEMP": str(folder / "temp"),
    }


def gate(folder: Path, **given: str) -> str:
    """Run the step as GitHub does, with checkouts of base and change side by side. Returns its exit code."""
    (step,) = (one for one in GATE["runs"]["steps"] if one.get("id") == "check")
    given |= {"COMMANDS": str(folder / "bin")}
    inputs = dict.fromkeys(step["env"], "") | {"BASE": "base", "FAIL_ON": "high", "STRICT": "true"} | given
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder / "change",
        env={**program(folder), **inputs, "GITHUB_WORKSPACE": str(folder)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert set(inputs) == set(step["env"])
    assert done.returncode == 0, done.stderr
    codes: list[str] = re.findall(r"^code=(\d)$", (folder / "GITHUB_OUTPUT").read_text(), re.MULTILINE)
    return codes[0]


def install(folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Run the step that installs, of an action that was copied to this folder."""
    (step,) = (one for one in GATE["runs"]["steps"] if one.get("name") == "Install")
    copied = folder / ".github" / "actions" / "gate"
    copied.mkdir(parents=True)
    inputs = {"BASE": "base", "PACKAGE": "", "ENVIRONMENT": str(folder / "environment")} | given
    assert set(inputs) == set(step["env"])
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder / "change",
        env={**os.environ, **inputs, "GITHUB_WORKSPACE": str(folder), "GITHUB_ACTION_PATH": str(copied)},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("requirements", "package", "refused"),
    [
        ("", "", "no source of Muster beside it"),
        ("", "nhi-muster", "Could not open requirements file"),
        ("./wheels/nhi_muster-1-py3-none-any.whl\n", "lock.txt", "in --require-hashes mode"),
        ("./wheels/nhi_muster-1-py3-none-any.whl --hash=sha256:" + "0" * 64, "lock.txt", "DO NOT MATCH THE HASHES"),
    ],
)
def test_the_gate_installs_nothing_without_a_hash(
    requirements: str, package: str, refused: str, checkouts: Path
) -> None:
    """Neither by a name nor from a file that is not the one; and modules of the change are not loaded."""
    (checkouts / "base" / "lock.txt").write_text(requirements)
    wheel = checkouts / "base" / "wheels" / "nhi_muster-1-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.write_bytes(b"PK\5\6" + bytes(18))
    for module in ("venv", "pip", "ensurepip"):
        (checkouts / "change" / f"{module}.py").write_text("open('owned', 'w')\n")

    done = install(checkouts, PACKAGE=package)

    assert done.returncode != 0
    assert refused in done.stderr + done.stdout
    assert not [*checkouts.rglob("owned")]


@pytest.fixture
def checkouts(tmp_path: Path) -> Path:
    """The base branch with a registry that lacks the change's account, and a change that declares it by itself."""
    for name in ("base", "change"):
        (tmp_path / name / ".git").mkdir(parents=True)
    (tmp_path / "base" / "registry.csv").write_text("id,identities\nN-1,other\n")
    (tmp_path / "base" / "config.toml").write_text('[[registry]]\npath = "registry.csv"\n')
    (tmp_path / "change" / "registry.csv").write_text("id,identities,owner\nN-1,web/shop,ada@example.com\n")
    (tmp_path / "change" / "config.toml").write_text('[[exempt]]\nmatch = "*shop*"\nreason = "mine"\n')
    (tmp_path / "change" / "k8s" / "web").mkdir(parents=True)
    (tmp_path / "change" / "k8s" / "web" / "shop account.yaml").write_text(MANIFEST)
    return tmp_path


@pytest.mark.parametrize(
    ("files", "fail_on", "strict", "code"),
    [
        ("k8s/**/*.yaml\n", "high", "true", "1"),
        ("k8s/**/*.yaml\n", "", "true", "0"),
        ("$(touch owned).yaml\nnone/*", "high", "true", "2"),
        ("none/*", "high", "true", "3"),
        ("none/*", "high", "false", "4"),
        ("k8s/**/*.yaml\nk9s/*.yaml", "", "true", "3"),
        ("k8s/**/*.yaml\nk9s/*.yaml", "", "false", "0"),
    ],
)
def test_the_gate_checks_and_sums_up(files: str, fail_on: str, strict: str, code: str, checkouts: Path) -> None:
    """Patterns are expanded, one that matches nothing is no silence, names are no commands, and outputs are there."""
    found = gate(checkouts, FILES=files, FAIL_ON=fail_on, STRICT=strict, REGISTRY="registry.csv")

    assert found == code
    assert not (checkouts / "change" / "owned").exists()
    if code != "2":
        assert (checkouts / "temp" / "muster.sarif").exists()
        named = "planned_unregistered" if code in "01" and "k9s" not in files else "matches no file"
        assert named in (checkouts / "GITHUB_STEP_SUMMARY").read_text()


@pytest.mark.parametrize("given", [{"REGISTRY": "registry.csv"}, {"CONFIG": "config.toml"}])
def test_the_base_branch_judges(given: dict[str, str], checkouts: Path) -> None:
    """The change declares and exempts its own account, and brings a store: none of them counts."""
    (checkouts / "change" / "muster.db").write_text("no database")

    found = gate(checkouts, FILES="k8s/**/*.yaml", **given)

    assert found == "1"
    assert "planned_unregistered" in (checkouts / "GITHUB_STEP_SUMMARY").read_text()


def scanned(folder: Path) -> str:
    """A store with a scan of an MCP client, and the URL of it; its lock, without that client, is the base branch's."""
    machine = folder / "machine"
    machine.mkdir()
    (machine / ".mcp.json").write_text('{"mcpServers": {"web": {"command": "uvx", "args": ["mcp-server-fetch"]}}}')
    url = f"sqlite:///{folder / 'scans.db'}"
    command = [sys.executable, "-m", "scanner", "scan", f"agent_config:path={machine}", "--store", url]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    (folder / "base" / "agents.lock.toml").write_text("version = 1\n")
    return url


def test_the_lock_of_agents_is_that_of_the_base_branch(checkouts: Path) -> None:
    """The change's own lock allows the agent that came; it does not count."""
    store = scanned(checkouts)
    command = [sys.executable, "-m", "scanner", "agents", "lock", "agents.lock.toml", "--store", store]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, check=True, capture_output=True, cwd=checkouts / "change", env=environment)
    assert "fetch" in (checkouts / "change" / "agents.lock.toml").read_text()

    found = gate(
        checkouts, FILES="k8s/**/*.yaml", AGENTS_LOCK="agents.lock.toml", STORE=store, FAIL_ON="medium", STRICT="false"
    )

    assert found == "1"
    assert "agent_reach_grew" in (checkouts / "temp" / "muster.sarif").read_text()


def test_agents_need_a_store(checkouts: Path) -> None:
    """Without one there is nothing to compare, which is an error."""
    scanned(checkouts)

    assert gate(checkouts, FILES="k8s/**/*.yaml", AGENTS_LOCK="agents.lock.toml") == "2"


@pytest.mark.parametrize("store", ["sqlite:///m.db", "sqlite:///../change/m.db", "sqlite:///{change}/m.db"])
def test_a_store_of_the_change_is_refused(store: str, checkouts: Path) -> None:
    """Its author may have written that no agent has more."""
    scanned(checkouts)
    shutil.copy(checkouts / "scans.db", checkouts / "change" / "m.db")
    given = store.format(change=checkouts / "change")

    with pytest.raises(AssertionError, match="The store lies in the change"):
        gate(checkouts, FILES="k8s/**/*.yaml", AGENTS_LOCK="agents.lock.toml", STORE=given)


def test_the_gate_takes_what_judges_from_the_base_branch() -> None:
    """The action itself is of a commit that neither can change."""
    base, change, step = (one for one in GATE_WORKFLOW["jobs"]["gate"]["steps"])

    assert base["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert "ref" not in change["with"]
    assert re.fullmatch(r"OWNER/muster/deploy/github/gate@[0-9a-f]{40}", step["uses"])
    assert (step["with"]["base"], step["with"]["change"]) == (base["with"]["path"], change["with"]["path"])


def test_the_hook_checks_what_is_complete_in_itself(tmp_path: Path, muster: Muster) -> None:
    """Workflows, manifests and templates; its command runs as it stands."""
    names = {
        ".github/workflows/ci.yml": True,
        "k8s/web/shop.yaml": True,
        "app/template.yaml": True,
        "docs/notes.yaml": False,
        "k8s/README.md": False,
    }
    (tmp_path / "shop.yaml").write_text(MANIFEST)
    (tmp_path / "config.toml").write_text("")
    program, *arguments = shlex.split(HOOK["entry"])

    assert {name: bool(re.search(HOOK["files"], name)) for name in names} == names
    assert program == "muster"
    assert muster(*arguments, "shop.yaml").code == 0


# --- offline ------------------------------------------------------------------------

AUDIT = DEPLOY / "offline/audit.sh"


def test_the_export_only_reads() -> None:
    """Every command is one of AWS's, and one that reads."""
    from botocore import xform_name
    from botocore.loaders import Loader

    called = re.findall(r"\baws ([a-z-]+) ([a-z-]+)", AUDIT.read_text())
    known = {
        (service, xform_name(operation, "-"))
        for service in {service for service, _ in called}
        for operation in Loader().load_service_model(service, "service-2")["operations"]
    }

    assert len(called) >= 8
    assert set(called) <= known
    assert all(operation.startswith(("get-", "list-", "describe-", "generate-credential")) for _, operation in called)


def test_an_audit_reports_what_was_exported(tmp_path: Path) -> None:
    """With the script as it is, and ``muster`` on the path."""
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "account.json").write_text(
        """{"UserDetailList": [{"UserName": "svc-billing", "UserId": "AIDAEXAMPLE", "Path": "/",
        "Arn": "arn:aws:iam::123456789012:user/svc-billing", "CreateDate": "2024-01-01T00:00:00+00:00"}],
        "RoleDetailList": [], "GroupDetailList": [], "Policies": []}"""
    )
    (tmp_path / "registry.csv").write_text(REGISTRY)
    (tmp_path / "people.csv").write_text(PEOPLE)
    program = tmp_path / "bin" / "muster"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m scanner "$@"\n')
    program.chmod(0o755)
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": paths}

    done = subprocess.run(["sh", str(AUDIT), "report"], cwd=tmp_path, env=environment, check=False, capture_output=True)

    assert done.returncode == 0, done.stderr.decode()
    assert "svc-billing" in (tmp_path / "orphans.csv").read_text()
    assert (tmp_path / "audit.html").exists()


def test_an_export_of_nothing_fails(tmp_path: Path) -> None:
    """Without credentials every command fails: nothing says that there is an export."""
    program = tmp_path / "bin" / "aws"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho Unable to locate credentials >&2\nexit 253\n")
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}

    done = subprocess.run(
        ["sh", str(AUDIT), "export"], cwd=tmp_path, env=environment, check=False, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing was exported" in done.stderr


def test_an_export_goes_on_where_a_command_is_denied(tmp_path: Path) -> None:
    """What may not be read leaves no file and is named; everything else is exported."""
    program = tmp_path / "bin" / "aws"
    program.parent.mkdir()
    program.write_text(
        """#!/bin/sh
        case $* in
        *generate-credential-report* | *list-service-specific-credentials*) echo AccessDenied >&2; exit 254 ;;
        *list-users*) echo svc-billing ;;
        *"describe-regions --query"*) echo "eu-west-1 us-east-1" ;;
        *) echo "{}" ;;
        esac\n"""
    )
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}

    done = subprocess.run(
        ["sh", str(AUDIT), "export"], cwd=tmp_path, env=environment, check=False, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert "a gap in the report: aws iam list-service-specific-credentials --all-users" in done.stderr
    files = {str(path.relative_to(tmp_path / "exports")) for path in (tmp_path / "exports").rglob("*.json")}
    assert {"account.json", "keys-svc-billing.json", "eu-west-1/agents.json", "us-east-1/agents.json"} <= files
    assert "api-keys.json" not in files
