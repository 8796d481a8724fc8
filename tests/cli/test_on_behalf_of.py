"""For whom identities act, from the log's file to what a scan says."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Muster
from tests.cli.test_activity import ACCOUNT, BOT, CONFIG, LIST, event, today, write_day

STORE = f"arn:aws:identitystore::{ACCOUNT}:identitystore/d-9067642ac7"
ADA = "544894e8-80c1-707f-60e3-3ba6510dfac1"
REGISTRY = f"""\
id,identities,owner,status,human_in_the_loop
N-1,{BOT},bob@example.com,active,yes
"""
PEOPLE = f"""\
email,name,status,left_on,aliases
bob@example.com,Bob,active,,
ada@example.com,Ada,left,{today() - timedelta(30)},{ADA}
"""


def _act(days: int, number: int, whom: str | None) -> dict[str, Any]:
    made = event(today() - timedelta(days), number, eventName="PutObject", readOnly=False)
    if whom:
        made["userIdentity"]["onBehalfOf"] = {"userId": whom, "identityStoreArn": STORE}
    return made


@pytest.fixture(autouse=True)
def _estate(tmp_path: Path) -> None:
    """Three days: for a leaver, for somebody else, for nobody that the log names."""
    files = {"bots.csv": LIST, "registry.csv": REGISTRY, "people.csv": PEOPLE, "config.toml": CONFIG}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    for days, whom in ((3, ADA), (2, "someone-else"), (1, None)):
        write_day(tmp_path, today() - timedelta(days), *(_act(days, number, whom) for number in range(2)))


def test_a_scan_says_for_whom_an_identity_acted(muster: Muster) -> None:
    done = muster("scan", "-o", "json:-")
    assert done.code == 0, done.err
    found = json.loads(done.out)

    (bot,) = (one for one in found["identities"] if one["name"] == "invoice-bot")
    assert bot["activity"]["on_behalf_of"] == [f"person:d-9067642ac7#{ADA}", "person:d-9067642ac7#someone-else"]
    rules = {one["rule"]: one for one in found["findings"] if one["rule"].startswith("acted_")}
    assert rules.keys() == {"acted_for_leaver", "acted_without_person"}
    leaver, alone = rules["acted_for_leaver"], rules["acted_without_person"]
    assert (leaver["severity"], leaver["evidence"]["person"]) == ("high", "ada@example.com")
    assert (leaver["evidence"]["day"], leaver["evidence"]["days"]) == (str(today() - timedelta(3)), 1)
    assert (alone["severity"], alone["evidence"]["entry"]) == ("medium", "N-1")
    assert (alone["evidence"]["without_person"], alone["evidence"]["for_people"]) == (2, 4)


def test_the_page_of_an_identity_lists_them(muster: Muster) -> None:
    """The day is in the findings above; the identity's page lists them all."""
    assert muster("scan").code == 0
    done = muster("show", "invoice-bot")

    assert done.code == 0, done.err
    assert "on behalf of" in done.out
    assert f"person:d-9067642ac7#{ADA}" in done.out
