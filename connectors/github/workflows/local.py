"""Local actions of a repository, which its workflows use by path. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from connectors.github.workflows.values import Value, inputs_of
from connectors.planned.documents import parse_document
from connectors.planned.shapes import listed, mapping

NAMES: Final = ("action.yml", "action.yaml")
"""File names of an action; the first takes precedence."""
_USES = re.compile(r"""uses["']?[ \t]*:[ \t]*["']?\./([\w. /-]{0,200})""")
_WORKFLOW = re.compile(r"\.github/workflows/[^/]+\.ya?ml")


class LocalAction(Struct, frozen=True, kw_only=True):
    """An action of the repository. ``steps``: of a composite action; None if it runs a program or container."""

    inputs: Mapping[str, Any]
    steps: tuple[Mapping[str, Any], ...] | None

    def given(self, handed: Mapping[str, Value]) -> dict[str, Value]:
        """Its inputs: those of the caller, else the defaults."""
        return {**dict(inputs_of(self.inputs, are_given=True)), **handed}


def read_action(path: str, text: str) -> LocalAction:
    """Return the action in a file. Raises InputError for invalid YAML, ValueError if it is not an action."""
    values = parse_document(Path(path), text)
    runs = mapping(values.get("runs"))
    if "using" not in runs:
        raise ValueError("it is not an action: it needs runs and using")
    steps = tuple(step for step in listed(runs.get("steps")) if isinstance(step, dict))
    return LocalAction(inputs=mapping(values.get("inputs")), steps=steps if runs["using"] == "composite" else None)


def folder_of(uses: str) -> str | None:
    """The folder of an action that is used by path; None for any other, and for paths outside the repository."""
    if not uses.startswith("./") or _WORKFLOW.fullmatch(uses.removeprefix("./")):
        return None
    parts = [part for part in uses.strip().split("/") if part not in ("", ".")]
    return None if ".." in parts else "/".join(parts)


def used_in(text: str) -> Iterator[str]:
    """Yield the folders of the actions that a file uses by path."""
    for found in _USES.finditer(text):
        if (folder := folder_of(f"./{found[1].strip()}")) is not None:
            yield folder
