"""Local actions of repositories that their workflows use, read in batches by GraphQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from connectors.core.contract import SectionReading
from connectors.github.client import requests as r
from connectors.github.client.api import Api
from connectors.github.client.parts import Part, read_parts
from connectors.github.facts import WorkflowFile
from connectors.github.workflows.local import NAMES, used_in

FILE: Final = "object(expression: $what) { ... on Blob { text isTruncated } }"
_HEAD: Final = "HEAD:"
_DEEPEST = 5
"""The depth to which actions that use actions are followed."""

ActionFolder = tuple[str, str]
"""A repository by its full name, and the folder of an action there."""


class _Blob(Struct):
    text: str | None = None
    is_truncated: bool | None = field(name="isTruncated", default=False)


class _LocalActionFile(Struct):
    object: _Blob | None = None


def read_actions(
    api: Api, section: SectionReading, texts: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, WorkflowFile]]:
    """The actions that files use by path, by repository and folder, and those that these actions use.

    ``texts``: by full name of the repository that they run in. Actions that are missing or unreadable are left out.
    """
    found: dict[str, dict[str, WorkflowFile]] = {}
    wanted = {(name, folder): None for name, some in texts.items() for text in some for folder in used_in(text)}
    asked: set[ActionFolder] = set()
    for _ in range(_DEEPEST):
        asked |= wanted.keys()
        new = dict(_read(api, section, sorted(wanted)))
        for (name, folder), file in new.items():
            found.setdefault(name, {})[folder] = file
        used = {(name, folder): None for (name, _), file in new.items() for folder in used_in(file.text)}
        wanted = {place: None for place in used if place not in asked}
    return found


def _read(
    api: Api, section: SectionReading, places: Sequence[ActionFolder]
) -> Iterator[tuple[ActionFolder, WorkflowFile]]:
    """Request each action under all possible file names; the first takes precedence."""
    folders = {
        Part(name, f"{_HEAD}{f'{folder}/{file}'.lstrip('/')}"): folder for name, folder in places for file in NAMES
    }
    seen: set[ActionFolder] = set()
    for part, repository in read_parts(api, section, FILE, tuple(folders), r.CONTENTS):
        place = (part.full_name, folders[part])
        if place not in seen and (file := _file(part.what.removeprefix(_HEAD), repository)) is not None:
            seen.add(place)
            yield place, file


def _file(path: str, repository: Mapping[str, Any]) -> WorkflowFile | None:
    """The file in a response; None if there is none."""
    try:
        blob = msgspec.convert(repository, _LocalActionFile).object
    except msgspec.ValidationError:
        return None
    if blob is None:
        return None
    return WorkflowFile(path=path, text=blob.text or "", truncated=bool(blob.is_truncated) or blob.text is None)
