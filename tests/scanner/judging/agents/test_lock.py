"""The lock of agents: what came on top is said, what moved or stayed is not, and the file is read as written."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.config.agents_lock import lock_text, read_lock
from scanner.errors import ConfigError
from scanner.judging.agents.lock import NOT_LOCKED, growth_of
from scanner.model import LockedAgent

BEFORE = LockedAgent(
    identity="anthropic:agents/a",
    tools={"web/fetch": "sha256:1", "crm/*": ""},
    servers=("crm crm.example.com",),
    models=("m-1",),
    rights=("runs as arn:aws:iam::1:role/a",),
    inherits=("Mail.Read",),
)


def but(**facts: Any) -> LockedAgent:
    """The same agent with other facts."""
    return LockedAgent(**({field: getattr(BEFORE, field) for field in BEFORE.__struct_fields__} | facts))


@pytest.mark.parametrize(
    ("case", "now", "grew"),
    [
        ("as locked", BEFORE, ()),
        ("fewer", but(tools={}, servers=(), rights=(), inherits=()), ()),
        ("a tool", but(tools={**BEFORE.tools, "web/post": ""}), ("new tool web/post",)),
        (
            "a description",
            but(tools={"web/fetch": "sha256:2"}),
            ("the description or the inputs of the tool web/fetch changed",),
        ),
        ("a description that is not read any more", but(tools={"web/fetch": ""}), ()),
        ("a server", but(servers=("crm crm.example.com", "erp")), ("new MCP server erp",)),
        ("another host", but(servers=("crm evil.example",)), ("new MCP server crm evil.example",)),
        ("a model", but(models=("m-2",)), ("the model is m-2, no longer m-1",)),
        ("a right", but(rights=(*BEFORE.rights, "read secrets")), ("new right: read secrets",)),
        ("inherited", but(inherits=("Mail.Read", "Mail.Send")), ("newly inherited: Mail.Send",)),
        ("a tool of a server that was approved whole", but(tools={**BEFORE.tools, "crm/find": "sha256:3"}), ()),
        ("a server that does not show its tools now", but(tools={"web/*": "", "crm/*": ""}), ()),
        ("a server that shows something else", but(tools={"web/*": "sha256:4"}), ("new tool web/*",)),
        ("all tools of a server", but(tools={"erp/*": ""}), ("new tool erp/*",)),
        ("moved", but(identity="anthropic:agents/b"), ()),
        ("another", but(identity="anthropic:agents/b", models=("m-2",)), (NOT_LOCKED,)),
    ],
)
def test_what_came_on_top_is_said(case: str, now: LockedAgent, grew: tuple[str, ...]) -> None:
    """In plain words; what is gone is no growth, and neither is a move."""
    assert growth_of([BEFORE], [now])[now.identity] == grew, case


def test_a_copy_is_no_move() -> None:
    """Only the place of an agent that is gone is taken, and once."""
    copy, another = but(identity="anthropic:agents/b"), but(identity="anthropic:agents/c")

    assert growth_of([BEFORE], [BEFORE, copy]) == {BEFORE.identity: (), copy.identity: (NOT_LOCKED,)}
    assert growth_of([BEFORE], [another, copy]) == {copy.identity: (), another.identity: (NOT_LOCKED,)}


TEXTS = st.text(min_size=1, max_size=8)
AGENTS = st.builds(
    LockedAgent,
    identity=TEXTS,
    tools=st.dictionaries(TEXTS, st.text(max_size=5), max_size=3),
    servers=st.lists(TEXTS, max_size=3).map(tuple),
    models=st.lists(TEXTS, max_size=1).map(tuple),
    rights=st.lists(TEXTS, max_size=3).map(tuple),
    inherits=st.lists(TEXTS, max_size=2).map(tuple),
)


def test_no_character_hides_another() -> None:
    """Not even one that turns the text around."""
    text = lock_text([LockedAgent(identity="a\u202eb", tools={"x\u2028y": ""})])

    assert text.replace("\n", "").isprintable()
    assert (r"\U0000202E" in text, r"\U00002028" in text) == (True, True)


@given(st.lists(AGENTS, max_size=4, unique_by=lambda one: one.identity))
def test_the_file_is_read_as_written(agents: list[LockedAgent]) -> None:
    """Whatever is in the names."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "agents.lock.toml")
        file.write_text(lock_text(agents), encoding="utf-8", newline="\n")
        read = read_lock(file)

    assert {one.identity: but_of(one) for one in read} == {one.identity: but_of(one) for one in agents}


def but_of(one: LockedAgent) -> dict[str, Any]:
    """The facts of an agent."""
    return {field: getattr(one, field) for field in LockedAgent.__struct_fields__}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version = 2\n", "version 2"),
        ('[[agents]]\nidentity = "a"\n', "version"),
        ("version = 1\n[[agents]]\ntools = 1\n", "tools"),
        ("version = 1\n" + '[[agents]]\nidentity = "a"\n' * 2, "twice"),
        ("version = 1\nagent = 1\n", "agent"),
        ("version", "is not TOML"),
    ],
)
def test_a_lock_that_cannot_be_read_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    """With the place: without the lock, nothing would be reported."""
    file = tmp_path / "agents.lock.toml"
    file.write_text(text)

    with pytest.raises(ConfigError, match=message):
        read_lock(file)
    with pytest.raises(ConfigError, match="no such file"):
        read_lock(tmp_path / "missing.toml")
