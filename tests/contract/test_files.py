"""The contract kit against the connectors that read files: the file is what a server gave, as a nightly job fetches it.

Only an answer of 200 is written, up to where it broke off; without one there is no file. What concerns requests
(redirects, refusals for load, pages, answers without end) is not tried: these connectors make none.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from http import HTTPStatus
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.agent_config.connector import AgentConfigConnector, AgentConfigSettings
from connectors.core.contract import Connector
from connectors.file.connector import FileConnector, FileSettings
from connectors.secrets_report.connector import ReportConnector, ReportSettings
from connectors.testing import (
    Estate,
    check_denied,
    check_healthy,
    check_hostile_names,
    check_malformed,
    check_not_the_api,
    check_secrets,
    check_settings,
)
from tests.connectors.agent_config import configs
from tests.connectors.secrets_report import reports

SECRET = "a-value-that-no-record-may-have"
KINDS: dict[str, tuple[Any, Any]] = {
    "agent_config": (AgentConfigConnector, AgentConfigSettings),
    "file": (FileConnector, FileSettings),
    "secrets_report": (ReportConnector, ReportSettings),
}
_ROW = {"kind": "bot", "scope": "acme", "tags": {"team": "core"}, "password": SECRET}
_CLIENT = {"mcpServers": {"db": configs.server(env={"TOKEN": SECRET})}}
ESTATES: dict[str, dict[str, Any]] = {
    "agent_config": {
        "answers": {"/mcp.json": _CLIENT, "/agent-card.json": configs.card()},
        "names": ("command", "name", "organization"),
        "maps": ("mcpServers", "env", "securitySchemes"),
    },
    "file": {
        "answers": {"/bots.json": [{"name": name, **_ROW} for name in ("deploy", "triage")]},
        "names": ("name", "scope", "kind"),
        "unread": ("secret", "token", "private_key"),  # its other columns are attributes
    },
    "secrets_report": {
        "answers": {
            "/leaks.json": [reports.gitleaks(Secret=one, Match=SECRET) for one in (reports.KEY_ID, reports.TOKEN)]
        },
        "names": ("File", "Description"),
    },
}


def _fetched(url: str, files: Iterable[str], folder: Path) -> Path:
    """The file, or the folder of several."""
    paths = [folder / name.removeprefix("/") for name in files]
    for path in paths:
        connection = HTTPConnection(urlsplit(url).netloc)
        with suppress(OSError), closing(connection):
            connection.request("GET", f"/{path.name}")
            response = connection.getresponse()
            try:
                content = response.read()
            except IncompleteRead as error:
                content = error.partial
            if response.status == HTTPStatus.OK:
                path.write_bytes(content)
    return folder if len(paths) > 1 else paths[0]


CHECKS = (check_healthy, check_not_the_api, check_malformed, check_denied, check_hostile_names, check_secrets)
WITHOUT = {("agent_config", check_denied): "a folder may hold any files: one that is not there is not missing"}


@pytest.mark.parametrize(
    ("name", "check"),
    [
        pytest.param(name, check, id=f"{name}-{check.__name__}")
        for name in sorted(KINDS)
        for check in CHECKS
        if (name, check) not in WITHOUT
    ],
)
def test_it_keeps_the_contract(name: str, check: Callable[[Estate], None], tmp_path: Path) -> None:
    """Also of a file that is missing, broken off, something else, or full of what it should not hold."""
    kind, settings = KINDS[name]
    facts = ESTATES[name]

    def make(url: str) -> Connector:
        path = _fetched(url, facts["answers"], Path(tempfile.mkdtemp(dir=tmp_path)))
        made: Connector = kind("prod", settings(path=path))
        return made

    check(Estate(make=make, secret=SECRET, **facts))


@pytest.mark.parametrize("name", sorted(KINDS))
def test_settings(name: str) -> None:
    """Of a source in config.toml."""
    check_settings(KINDS[name][0], {"path": "listed.json"})
