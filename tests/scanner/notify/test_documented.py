"""What the pages on notifications and on accepted findings show works as it stands there."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scanner.config.load import load_config
from scanner.notify.http import signature
from scanner.notify.notices import FindingLine, IdentityLine, Notice, PlaceLine, ScanLine
from scanner.notify.settings import EmailChannel, SlackChannel, TeamsChannel, WebhookChannel
from scanner.rules.catalog import RULES
from scanner.suppressions.acknowledgements import parse

DOCS = Path(__file__).parents[3] / "docs"
SET_UP = (DOCS / "how-to" / "notify.md").read_text(encoding="utf-8")
NOTIFY = (DOCS / "reference" / "notifications.md").read_text(encoding="utf-8")
ACKNOWLEDGED = (DOCS / "how-to" / "acknowledge.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The page's examples."""
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_the_example_config_loads(tmp_path: Path) -> None:
    """As it stands."""
    (tmp_path / "config.toml").write_text(blocks(SET_UP, "toml")[0])

    assert [channel.name for channel in load_config(tmp_path / "config.toml").channels] == ["slack", "email"]


def test_the_example_list_is_read() -> None:
    """Both ways of naming findings."""
    from datetime import date

    config, listing = blocks(ACKNOWLEDGED, "toml")

    assert "[alarms]" in config
    assert len(parse(listing, "a.toml", [rule.id for rule in RULES], date(2026, 11, 25))) == 2


@pytest.mark.parametrize("kind", [WebhookChannel, SlackChannel, TeamsChannel, EmailChannel])
def test_every_setting_is_explained(kind: type[msgspec.Struct]) -> None:
    """By its name in the config."""
    names = [field.encode_name for field in msgspec.structs.fields(kind)]

    assert [name for name in names if f"`{name}`" not in NOTIFY] == []


def test_every_key_of_a_message_is_explained() -> None:
    """In the table of the format."""
    names = [
        one.encode_name
        for kind in (Notice, ScanLine, FindingLine, IdentityLine, PlaceLine)
        for one in msgspec.structs.fields(kind)
    ]

    assert [name for name in names if f"`{name}`" not in NOTIFY] == []


@pytest.mark.parametrize(
    ("secret", "body", "age", "genuine"),
    [
        pytest.param("s", b"{}", 0, True, id="ours"),
        pytest.param("s", b"{}", 400, False, id="an old one"),
        pytest.param("other", b"{}", 0, False, id="another's"),
        pytest.param("s", b"{} ", 0, False, id="changed"),
    ],
)
def test_a_receiver_reports_what_is_genuine(secret: str, body: bytes, age: int, genuine: bool) -> None:
    """With the code of the page."""
    names: dict[str, Any] = {}
    exec(blocks(NOTIFY, "python")[0], names)  # noqa: S102  # our own page

    header = signature("s", int(time.time()) - age, b"{}")

    assert names["is_genuine"](secret, header, body) is genuine
