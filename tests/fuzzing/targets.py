"""Parsers of what others write, each as a function of bytes: it reads them, or refuses them with an error of ours.

Any other exception, a wrong answer, or one that takes long is a finding. ``tests/fuzzing/__main__.py`` breeds the
bytes.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from shutil import rmtree
from typing import Any

from connectors.agent_config.connector import NAMES, AgentConfigConnector, AgentConfigSettings
from connectors.aws.rights.policy import parse_statements
from connectors.core.contract import Connector, Scope
from connectors.core.offline import Unreadable
from connectors.gcp.rights.conditions import Expression, alternatives, outlook
from connectors.ldap.client import messages
from connectors.ldap.connector import LdapConnector
from connectors.ldap.credentials import key_credential
from connectors.ldap.descriptors import Descriptors
from connectors.ldap.exports.ldif import parse_ldif
from connectors.ldap.logs.windows import WindowsSecurityLog
from connectors.ldap.rights import COUNTS, granted
from connectors.ldap.settings import LdapSettings
from connectors.logs import LogSettings, log_catalog
from connectors.logs.files import FileLog
from connectors.planned.files import load, plan
from connectors.postgresql.dump import parse_dump
from connectors.secrets_report.documents import rows_of
from connectors.vault.rights.policies import PolicyError, capabilities, parse_policy
from scanner.app.checking import Nothing
from scanner.config.load import load_config
from scanner.discovery.shards.files import check_shard
from scanner.errors import MusterError
from scanner.matching.cells.reading import read_cells
from scanner.model.activity import LogUnit
from scanner.model.coverage import Coverage
from scanner.redaction.masking import mask
from scanner.registry.entries import load_registry
from scanner.registry.lists import ListSource
from scanner.registry.roster.people import load_people
from scanner.registry.tables import SUFFIXES
from scanner.suppressions.acknowledgements import parse
from tests.factories import make_entry, make_identity

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_FOLDER = Path(tempfile.mkdtemp(prefix="muster-fuzz-"))
_ESTATE = tuple(make_identity(name) for name in ("a", "b", "ab", "a b", "a, b", "a/b", "svc-billing"))


AGENT_FILES = tuple(sorted(NAMES))


def _chosen(data: bytes, among: tuple[Any, ...]) -> Any:
    """The first byte chooses, so that one run breeds for all of them."""
    return among[data[0] % len(among)] if data else among[0]


def _written(name: str, data: bytes) -> Path:
    path = _FOLDER / name
    path.write_bytes(data)
    return path


def tables(data: bytes) -> None:
    """A registry and a roster, in any format."""
    path = _written(f"list{_chosen(data, SUFFIXES)}", data[1:])
    with suppress(MusterError):
        load_registry([ListSource(path=path)], strict=False, today=NOW.date())
    with suppress(MusterError):
        load_people([ListSource(path=path)], strict=False)


def cells(data: bytes) -> None:
    """Cells that name identities; what was read is read the same again."""
    texts = tuple(text.strip() for text in data.decode(errors="replace").split("\0") if text.strip())[:5]
    if texts:
        (once,) = read_cells([make_entry(*texts)], _ESTATE).entries
        (again,) = read_cells([once], _ESTATE).entries
        assert again.identities == once.identities


def policies(data: bytes) -> None:
    """Policies of AWS and Vault, and conditions of Google Cloud."""
    text = data[1:].decode(errors="replace")
    match _chosen(data, ("aws", "vault", "gcp")):
        case "aws":
            with suppress(ValueError):
                parse_statements(json.loads(text))
        case "vault":
            with suppress(PolicyError):
                capabilities(parse_policy(text), "secret/data/a")
        case _:
            outlook(Expression(expression=text), NOW)
            alternatives(text)


def dumps(data: bytes) -> None:
    """What pg_dumpall writes of PostgreSQL's roles."""
    with suppress(Unreadable):
        parse_dump(data.decode("utf-8", "replace"))


def plans(data: bytes) -> None:
    """Plans, templates, manifests and workflows that ``muster check`` is given, up to the identities that they make."""
    path = _written("change.yaml", data)
    with suppress(MusterError):
        plan([load(path)], Nothing())


def _logs() -> tuple[type[FileLog], ...]:
    catalog = log_catalog()
    kinds = (catalog.load(name) for name in catalog.names)
    return tuple(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, FileLog))


LOGS = _logs()
"""Log types that are read from files."""
_SOURCE: Connector | None = None


def logs(data: bytes) -> None:
    """Files of audit logs: a unit is read, or a gap with a reason."""
    _read_log(_chosen(data, LOGS), data[1:])


def windows_events(data: bytes) -> None:
    """Security events of Windows, as XML, JSON or CSV: a file says which."""
    _read_log(WindowsSecurityLog, data)


def _read_log(kind: type[FileLog], data: bytes) -> None:
    folder = _FOLDER / "logs"
    folder.mkdir(exist_ok=True)
    (folder / "2026-01-01.json").write_bytes(data)
    with suppress(MusterError):
        log = kind(LogSettings(log="log", path=str(folder)), _SOURCE)
        for unit in log.units(date(2025, 12, 1), date(2026, 2, 1)):
            if isinstance(unit, LogUnit):
                assert all(day.status == "complete" or day.detail for day in log.read(unit).coverage)


def masking(data: bytes) -> None:
    """What was cleared of secrets once stays as it is."""
    text = data.decode(errors="replace")
    once = mask(make_identity(text or "x", description=text, attributes={"env": {"NAME": text, text: "value"}}))
    assert mask(once) == once


def shards(data: bytes) -> None:
    """Files that other machines wrote."""
    with suppress(MusterError):
        check_shard(_written("shard.ndjson", data))


def configs(data: bytes) -> None:
    """A config."""
    with suppress(MusterError):
        load_config(_written("config.toml", data))


def agents(data: bytes) -> None:
    """Configurations of MCP clients, agent cards and definitions of agents."""
    folder = _FOLDER / "agents"
    rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / _chosen(data, AGENT_FILES)).write_bytes(data[1:])
    connector = AgentConfigConnector("agents", AgentConfigSettings(path=folder))
    for scope in connector.scopes():
        assert isinstance(scope, Scope)
        assert isinstance(list(connector.discover(scope))[-1], Coverage)


def acknowledgements(data: bytes) -> None:
    """Lists of accepted findings."""
    with suppress(MusterError):
        parse(data.decode(errors="replace"), "acknowledged.toml", ("dormant",), NOW.date())


def directories(data: bytes) -> None:
    """What an LDAP server sends: messages, security descriptors, keys; and exports in LDIF."""
    match _chosen(data, ("entry", "result", "descriptor", "key", "ldif")):
        case "entry":
            with suppress(MusterError):
                messages.response(data[1:])
                messages.entry(data[1:], 0, len(data) - 1)
            with suppress(MusterError):
                messages.reference(data[1:], 0, len(data) - 1)
        case "result":
            with suppress(MusterError):
                messages.cookie(messages.result(data[1:], 0, len(data) - 1))
        case "descriptor":
            found = Descriptors(COUNTS).parse(data[1:])
            if found is not None:
                list(granted(found, "computer"))
        case "key":
            key_credential(data[1:])
        case _:
            with suppress(Unreadable):
                list(parse_ldif(data[1:].decode(errors="replace")))


def collections(data: bytes) -> None:
    """What SharpHound collected of a domain, as an archive or as JSON, up to the identities."""
    path = _written(_chosen(data, ("collected.json", "collected.zip")), data[1:])
    connector = LdapConnector("lab", LdapSettings(from_files=path, computers="all"))
    for scope in connector.scopes():
        if isinstance(scope, Scope):
            list(connector.discover(scope))


def reports(data: bytes) -> None:
    """Reports of secret scanners."""
    with suppress(MusterError):
        list(rows_of(data))


TARGETS: dict[str, Callable[[bytes], None]] = {
    reads.__name__: reads
    for reads in (
        acknowledgements,
        agents,
        cells,
        collections,
        configs,
        directories,
        dumps,
        logs,
        masking,
        plans,
        policies,
        reports,
        shards,
        tables,
        windows_events,
    )
}
