"""Parts of many repositories, such as a file each, read in batches by GraphQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from msgspec import Struct

from connectors.core.contract import SectionReading
from connectors.github.client.api import Api
from connectors.github.client.requests import GithubPermission, names
from scanner.errors import SourceError

BATCH: Final = 100
"""Parts in one query."""


class Part(Struct, frozen=True, order=True):
    """A part of a repository. ``what``: the path of a file, the name of an environment."""

    full_name: str
    what: str


def read_parts(
    api: Api, section: SectionReading, selection: str, parts: Sequence[Part], permission: GithubPermission
) -> Iterator[tuple[Part, Mapping[str, Any]]]:
    """Yield each part with the selected fields of its repository. Failed parts are left out, with a gap.

    ``selection``: fields of a repository, with ``$what``.
    """
    waiting = iter(parts)
    while batch := tuple(islice(waiting, BATCH)):
        try:
            answer = api.query(query(selection, len(batch)), _variables(batch), permission)
        except SourceError as error:
            section.lost(error, partial=True)
            continue
        if answer.errors:
            section.lost(answer.errors[0], partial=True)
        for number, part in enumerate(batch):
            found = answer.data.get(f"part{number}")
            # A null in a response with errors may be due to an error.
            if isinstance(found, dict) and (not answer.errors or any(value is not None for value in found.values())):
                yield part, found


def query(selection: str, count: int) -> str:
    """A query for this number of parts: ``$owner0``, ``$name0`` and ``$what0`` are the first."""
    numbers = range(count)
    variables = ", ".join(f"$owner{one}: String!, $name{one}: String!, $what{one}: String!" for one in numbers)
    lines = (
        f"  part{one}: repository(owner: $owner{one}, name: $name{one}) "
        f"{{ {selection.replace('$what', f'$what{one}')} }}\n"
        for one in numbers
    )
    return f"query({variables}) {{\n{''.join(lines)}}}\n"


def _variables(parts: Sequence[Part]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for number, part in enumerate(parts):
        places = names(part.full_name)
        found |= {f"owner{number}": places["owner"], f"name{number}": places["repo"], f"what{number}": part.what}
    return found


def parts_of(variables: Mapping[str, Any]) -> list[Part]:
    """The parts of a query with these variables; empty for other queries."""
    numbers = range(len(variables) // 3) if "what0" in variables else ()
    return [Part(f"{variables[f'owner{one}']}/{variables[f'name{one}']}", variables[f"what{one}"]) for one in numbers]
