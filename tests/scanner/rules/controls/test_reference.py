"""The reference of controls in docs/ is what the data says."""

from __future__ import annotations

from pathlib import Path

from scanner.rules.controls.frameworks import frameworks
from scanner.rules.controls.reference import controls_markdown

DOCUMENT = Path(__file__).parents[4] / "docs" / "reference" / "controls.md"


def test_the_reference_is_up_to_date() -> None:
    """docs/reference/controls.md is made from the data: write ``controls_markdown()`` to it after changing either."""
    assert DOCUMENT.read_text(encoding="utf-8") == controls_markdown()


def test_every_control_has_a_row() -> None:
    """In the section of its framework, under its number and title."""
    sections = {part.partition("\n")[0]: part for part in controls_markdown().split("\n## ")[1:]}

    for framework in frameworks().values():
        for control in framework.controls:
            assert f"| {control.number} | {control.title} |" in sections[framework.id]
