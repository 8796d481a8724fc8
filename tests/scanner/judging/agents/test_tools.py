"""The table of tools against public servers whose tools were labelled by their published descriptions."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scanner.judging.agents.tools import tools_of
from tests.factories import make_identity

LABELLED: Mapping[str, Mapping[str, list[str]]] = tomllib.loads(
    Path(__file__).with_name("labelled.toml").read_text(encoding="utf-8")
)
FLAGS = {"o": "reads_outside", "p": "reads_private", "w": "acts_outwards"}


def judged() -> Iterator[tuple[str, str, bool, bool | None]]:
    """Server and tool, with the flag's letter: what the label says, and what the table says."""
    for package, labels in LABELLED.items():
        names = sorted({name for listed in labels.values() for name in listed})
        server = {"name": "s", "package": package, "tools": names}
        for tool in tools_of(make_identity("a", attributes={"tools": [], "mcp_servers": [server]})) or ():
            for letter, flag in FLAGS.items():
                says: Any = getattr(tool.tool, flag)
                yield f"{package} {tool.tool.name}", letter, tool.tool.name in labels.get(letter, ()), says


def test_what_the_table_says_of_public_tools_is_right() -> None:
    """Precision of at least .95 over all flags, and nearly all tools are known."""
    found = list(judged())
    claimed = [(tool, letter, label) for tool, letter, label, says in found if says]
    wrong = [(tool, letter) for tool, letter, label in claimed if not label]
    missed = [(tool, letter) for tool, letter, label, says in found if label and not says]
    unknown = {tool for tool, _, _, says in found if says is None}

    assert len({tool for tool, *_ in found}) >= 120
    assert len(wrong) <= 0.05 * len(claimed), wrong
    assert len(missed) <= 0.05 * len(claimed), missed
    assert len(unknown) <= 0.05 * len(found), unknown


def test_a_browser_that_reaches_the_local_host_alone_is_no_way_out() -> None:
    """That of Copilot's custom agents; the same server of anybody else is one."""
    agent = make_identity("a", provider="github", kind="custom_agent", attributes={"tools": ["playwright/*", "read"]})
    browser, read = tools_of(agent) or ()

    assert (browser.tool.reads_outside, browser.tool.acts_outwards) == (False, False)
    assert read.tool.acts_outwards is None
