"""The tables of limits in the documentation have every number as it is in the code, and no other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from connectors.agents import definitions
from connectors.aws.logs import hosts
from connectors.aws.rights.assume import MAX_LINKED_ROLES
from connectors.aws.usage import last_accessed
from connectors.core.budget import LIMITS, MEBIBYTE
from connectors.github.client import payloads as github_payloads
from connectors.github.workflows import values
from connectors.github.workflows.identities import MOST_TOKENS
from connectors.logs import tally
from connectors.planned import documents, references
from connectors.vault import audit
from connectors.vault import connector as vault
from connectors.vault import reading as vault_reading
from connectors.vault.client.payloads import MAX_ENTRIES
from connectors.vault.rights.trusts import MOST_BOUND
from scanner.redaction.shapes import LONGEST
from scanner.registry.sql import MAX_ROWS
from scanner.registry.tables.cells import MAX_CELL

_NUMBER = re.compile(r"\d[\d,]*")
TEXT = Path("docs/reference/connectors/common.md").read_text()
NUMBERS: Mapping[str, list[int]] = {
    "characters of a text of a record": [LONGEST],
    "callers, changes of one log and day": [tally.MOST_CALLERS, tally.MOST_CHANGES],
    "actions and networks, and clients or others, of one caller and day": [
        tally._MOST_VALUES["read"],
        tally._MOST_OTHER_VALUES,
    ],
    "temporary credentials of hosts that are followed in a trail, and networks of each": [
        hosts._MOST_SESSIONS,
        hosts._MOST_PLACES,
    ],
    "subjects of a workflow": [MOST_TOKENS],
    "values of a matrix, and texts of a value, of a workflow": [values._LARGEST_MATRIX, values.MOST],
    "tools, and MCP servers, of an agent in a file": [github_payloads._MOST_SERVERS],
    "agents in a file": [definitions._MOST],
    "references of an argument in a Terraform plan": [references._MOST],
    "values in a YAML file that the gate reads": [documents.MOST_NODES],
    "tokens without an entity that Vault is asked for": [audit._MOST_HASHED],
    "service accounts that a role of Vault binds": [MOST_BOUND],
    "levels of namespaces, and of folders of secrets, in Vault": [vault.MAX_DEPTH, vault_reading.MAX_DEPTH],
    "entries of the metadata of an entity, token or secret in Vault": [MAX_ENTRIES],
    "roles that anyone may assume, linked from each identity of an AWS account": [MAX_LINKED_ROLES],
    "powerful identities of an AWS account whose used services are asked for": [last_accessed.MOST],
    "rows of a registry by SQL": [MAX_ROWS],
}
"""By row of the table: what the code has."""


def _table(heading: str) -> list[list[str]]:
    lines = TEXT.split(heading, 1)[1].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return rows[: next((at for at, line in enumerate(lines) if not line.startswith("|")), len(rows))]


def _numbers(text: str) -> list[int]:
    return [int(one.replace(",", "")) for one in _NUMBER.findall(text)]


def test_numbers() -> None:
    """Each row says what the code has, and what becomes of what is beyond."""
    rows = _table("| of | at most | what is beyond |")

    assert {of: _numbers(most) for of, most, _ in rows} == NUMBERS
    assert all(beyond for *_, beyond in rows)
    assert LONGEST == MAX_CELL


def test_time_and_size() -> None:
    """Of an answer, a section and a scope."""
    (_, *times), (_, *sizes) = _table("| limit | for one answer | for a section | for a scope |")

    assert [_numbers(times[0]), times[1].split()[:2]] == [[int(LIMITS.answer_seconds)], ["three", "quarters"]]
    assert LIMITS.share == pytest.approx(0.75)
    assert sizes == [
        f"{LIMITS.answer_bytes // MEBIBYTE} MiB",
        f"{LIMITS.section_bytes // MEBIBYTE // 1024} GiB",
        f"{LIMITS.scope_bytes // MEBIBYTE // 1024} GiB",
    ]
