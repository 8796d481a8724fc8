"""What every installed planner must do: whatever the resources of its types say, it gives identities or gaps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

import pytest

from connectors.planned import UNKNOWN, Planned, Planner, Resource, planner_catalog
from scanner.catalog import Catalog
from scanner.model.planned import PlannedPlace
from tests.connectors.aws.planned.reading import Store
from tests.hostile_json import ODD

CATALOG: Catalog = planner_catalog()
_WORD = re.compile(r"""["\[ ]((?:data\.)?[A-Za-z][\w:./-]{2,60})["\]]""")


@cache
def words_of(name: str) -> list[str]:
    """Every quoted word in the planner's package: its resource types and their arguments are among them."""
    package = files(CATALOG.module(name).rpartition(".")[0])
    texts = [each.read_text("utf-8") for each in package.iterdir() if each.name.endswith((".py", ".toml"))]
    return sorted({word for text in texts for word in _WORD.findall(text)})


def resources(name: str, planner: Planner, values: Sequence[Any]) -> list[Resource]:
    """A resource of each type that the planner names, all of whose arguments have one of the values, in turn."""
    words = [*words_of(name), *(pattern.replace("*", "x") for pattern in planner.types)]
    types = [word for word in words if any(fnmatchcase(word, pattern) for pattern in planner.types)]
    any_case = [word for word in words if word not in types and re.fullmatch(r"[A-Za-z]\w*", word)]
    capitalized = [word for word in any_case if word[0].isupper()]
    made = {
        is_capitalized: (
            [dict.fromkeys(arguments, value) for value in values],
            {argument: (f"{other}.x",) for argument, other in zip(arguments, reversed(words), strict=False)},
        )
        for is_capitalized, arguments in ((False, any_case), (True, capitalized))
    }
    found = []
    for turn, word in enumerate(types):
        arguments, refers = made["::" in word]
        found.append(_resource(word, arguments[turn % len(arguments)], refers))
    return found


def _resource(word: str, arguments: dict[str, Any], refers: dict[str, tuple[str]]) -> Resource:
    return Resource(
        type=word,
        place=PlannedPlace(file="f", resource=f"{word}.x"),
        format="cloudformation" if "::" in word else "terraform",
        effect="changed",
        values=arguments,
        before=arguments,
        refers=refers,
    )


@pytest.mark.parametrize("name", CATALOG.names)
def test_it_is_of_its_provider(name: str) -> None:
    """The entry point's name is the provider's, and its types are patterns of its own."""
    planner: Planner = CATALOG.load(name)()

    assert planner.provider == name
    assert planner.types


@pytest.mark.parametrize("name", CATALOG.names)
def test_no_value_of_an_argument_ends_it(name: str) -> None:
    """Unknown, of another type, or hostile; as itself, in a list and in a block."""
    planner: Planner = CATALOG.load(name)()
    for at, odd in enumerate(
        (UNKNOWN, *(each for each in ODD if each != "\ud800"))
    ):  # which is in no JSON or YAML that can be read
        within = ([odd], [{"name": odd, "identity": odd}], {"Statement": odd}, {"key": [odd]})
        for values in ((odd,), (*within[at % 4 :], *within[: at % 4])):  # of each type, each of these with many
            assert isinstance(planner.planned(resources(name, planner, values), Store()), Planned)


@pytest.mark.parametrize("name", CATALOG.names)
def test_without_resources_there_is_nothing(name: str) -> None:
    """An empty file, or one with resources of other providers alone."""
    assert CATALOG.load(name)().planned([], Store()) == Planned()
