"""The reference of controls holds every control."""

from __future__ import annotations

from scanner.rules.controls.frameworks import frameworks
from scanner.rules.controls.reference import controls_markdown


def test_every_control_has_a_row() -> None:
    """In the section of its framework, under its number and title."""
    sections = {part.partition("\n")[0]: part for part in controls_markdown().split("\n## ")[1:]}

    for framework in frameworks().values():
        for control in framework.controls:
            assert f"| {control.number} | {control.title} |" in sections[framework.id]
