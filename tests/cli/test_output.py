"""What the command line takes its output to be able to show."""

from __future__ import annotations

import os
import pty
import sys

import pytest

from scanner.cli.output import stdout_screen


@pytest.mark.parametrize(
    ("variables", "color"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_colour_is_for_terminals_that_have_it(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], color: bool
) -> None:
    """And whose user wants it: an editor's shell shows escapes as they are, and says that it is dumb."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    outer, inner = pty.openpty()
    with os.fdopen(outer), os.fdopen(inner, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        assert stdout_screen().color is color
