"""The actions that repositories have themselves, as far as their workflows use them: read in batches by GraphQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from connectors.base import SectionReading
from connectors.github.client import requests as r
from connectors.github.client.api import Api
from connectors.github.facts import WorkflowFile
from connectors.github.repositories import names
from connectors.github.workflows.local import NAMES, used_in
from scanner.errors import SourceError

BATCH: Final = 50
"""Actions in one query; each is asked for under both names that its file may have."""
_DEEPEST = 5
"""Actions that use actions are followed so far."""

Place = tuple[str, str]
"""A repository by its full name, and the folder of an action there."""


class _Blob(Struct):
    text: str | None = None
    is_truncated: bool | None = field(name="isTruncated", default=False)


class _File(Struct):
    object: _Blob | None = None


def read_actions(
    api: Api, section: SectionReading, texts: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, WorkflowFile]]:
    """The actions that files use by their path, by repository and folder, and those that these use.

    ``texts``: by the full name of the repository that they run in. What is not there, or fails, is missing.
    """
    found: dict[str, dict[str, WorkflowFile]] = {}
    wanted = {(name, folder): None for name, some in texts.items() for text in some for folder in used_in(text)}
    asked: set[Place] = set()
    for _ in range(_DEEPEST):
        asked |= wanted.keys()
        new = dict(_read(api, section, sorted(wanted)))
        for (name, folder), file in new.items():
            found.setdefault(name, {})[folder] = file
        used = {(name, folder): None for (name, _), file in new.items() for folder in used_in(file.text)}
        wanted = {place: None for place in used if place not in asked}
    return found


def _read(api: Api, section: SectionReading, places: Sequence[Place]) -> Iterator[tuple[Place, WorkflowFile]]:
    waiting = iter(places)
    while batch := tuple(islice(waiting, BATCH)):
        files = [(place, f"{place[1]}/{name}".lstrip("/")) for place in batch for name in NAMES]
        try:
            answer = api.query(query(len(files)), _variables(files), r.CONTENTS)
        except SourceError as error:
            section.lost(error, partial=True)
            continue
        for lost in answer.errors[:1]:
            section.lost(lost, partial=True)
        seen: set[Place] = set()
        for number, (place, path) in enumerate(files):
            file = _file(answer.data, number, path)
            if file is not None and place not in seen:
                seen.add(place)
                yield place, file


def query(count: int) -> str:
    """A query for so many files: ``$owner0``, ``$name0`` and ``$at0`` say which the first one is."""
    numbers = range(count)
    variables = ", ".join(f"$owner{one}: String!, $name{one}: String!, $at{one}: String!" for one in numbers)
    files = "\n".join(
        f"  f{one}: repository(owner: $owner{one}, name: $name{one}) "
        f"{{ object(expression: $at{one}) {{ ... on Blob {{ text isTruncated }} }} }}"
        for one in numbers
    )
    return f"query({variables}) {{\n{files}\n}}\n"


def _variables(files: Sequence[tuple[Place, str]]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for number, ((full_name, _), path) in enumerate(files):
        places = names(full_name)
        found |= {f"owner{number}": places["owner"], f"name{number}": places["repo"], f"at{number}": f"HEAD:{path}"}
    return found


def _file(data: Mapping[str, Any], number: int, path: str) -> WorkflowFile | None:
    """A file of the answer; None where there is none."""
    try:
        blob = msgspec.convert(data.get(f"f{number}"), _File).object
    except msgspec.ValidationError:
        return None
    if blob is None:
        return None
    return WorkflowFile(path=path, text=blob.text or "", truncated=bool(blob.is_truncated) or blob.text is None)
