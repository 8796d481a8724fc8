"""Telling the formats of other tools from tables, and from each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.errors import RegistryError
from scanner.registry.columns import PEOPLE, REGISTRY
from scanner.registry.entries import load_registry
from scanner.registry.formats.documents import FORMATS, read_foreign
from scanner.registry.lists import Format, ListSource
from scanner.registry.roster.people import load_people
from tests.examples import examples
from tests.scanner.registry.formats.reading import entries_of, written
from tests.scanner.registry.formats.test_cards import CARD, SERVER
from tests.scanner.registry.formats.test_entra import agent
from tests.scanner.registry.formats.test_scim import ADA, AGENT
from tests.scanner.registry.formats.test_terraform import state, user

ENTITY = {"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": "a"}, "spec": {}}
SAMPLES: dict[Format, Any] = {
    "backstage": ENTITY,
    "terraform": state(user()),
    "scim": AGENT,
    "entra": agent(),
    "a2a": CARD,
    "mcp": SERVER,
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_format_is_detected_by_content(tmp_path: Path, name: Format) -> None:
    """The content decides, whatever the file's name."""
    found = read_foreign(written(tmp_path, "some.json", SAMPLES[name]), None)

    assert found is not None
    assert found[0] == name


@pytest.mark.parametrize("name", SAMPLES)
def test_only_columns_we_mean_are_filled(tmp_path: Path, name: Format) -> None:
    """A fact that has no column of ours is not taken for one by what it is called."""
    found = read_foreign(written(tmp_path, "some.json", SAMPLES[name]), name)
    assert found is not None
    reader = FORMATS[name].entries
    assert reader is not None

    headings = {heading for one in reader(found[1]) for heading in one.fields}

    assert headings
    assert {heading for heading in headings if REGISTRY.means(heading) not in (None, heading)} == set()


def test_only_columns_of_people_are_filled(tmp_path: Path) -> None:
    """The same for the roster."""
    found = read_foreign(written(tmp_path, "some.json", ADA), "scim")
    assert found is not None
    reader = FORMATS["scim"].people
    assert reader is not None

    assert {heading: PEOPLE.means(heading) for one in reader(found[1]) for heading in one.fields} == {
        heading: heading for heading in ("email", "id", "name", "status", "manager", "team", "aliases")
    }


@pytest.mark.parametrize(
    "content",
    [
        pytest.param([{"name": "a", "purpose": 'see backstage.io/ and "skills", "appId", "terraform_version"'}],
                     id="talks of them"),
        pytest.param([{"name": "a", "skills": ["x"], "appId": "c", "format_version": 1}], id="has headings of them"),
        pytest.param({"entries": [{"name": "a"}], "$comment": "modelcontextprotocol"}, id="under a key"),
    ],
)  # fmt: skip
def test_a_table_stays_a_table(tmp_path: Path, content: Any) -> None:
    """A registry that only mentions a format is read as the table it is."""
    assert [entry.name for entry in entries_of(tmp_path, "r.json", content).values()] == ["a"]


def test_a_format_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    """Another format than the one named is an error with its fix."""
    with pytest.raises(RegistryError) as caught:
        entries_of(tmp_path, "r.json", [{"name": "a"}], "backstage")

    assert str(caught.value) == (
        f"{tmp_path}/r.json: format: is not a Backstage catalog (leave out format to detect it from the file)"
    )


def test_a_table_that_was_asked_for_is_one(tmp_path: Path) -> None:
    """An agent card is a row of a table as well, if that is what it is to be."""
    entries = entries_of(tmp_path, "card.json", {"name": "a", "skills": "x"} | {"capabilities": "y"}, "table")

    assert [entry.extra for entry in entries.values()] == [{"skills": "x", "capabilities": "y"}]


def test_any_ending_will_do_for_a_format_that_is_named(tmp_path: Path) -> None:
    """With a configured format, the file can have any name."""
    assert list(entries_of(tmp_path, "state.backup", state(user()), "terraform")) == ["aws_iam_user.etl"]


def test_a_state_names_no_people(tmp_path: Path) -> None:
    """A format without people is an error in a roster."""
    with pytest.raises(RegistryError, match="is a Terraform state, which declares no people"):
        load_people([ListSource(path=written(tmp_path, "x.tfstate", state(user())))])


def test_a_list_that_yields_nothing_is_reported(tmp_path: Path) -> None:
    """Users alone declare no entries; that is odd enough for a warning."""
    registry = load_registry([ListSource(path=written(tmp_path, "users.json", [ADA]))])

    assert registry.entries == ()
    assert [str(warning) for warning in registry.warnings] == [f"{tmp_path}/users.json: holds no entries (SCIM)"]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        pytest.param('{"terraform_version": 1,\n"resources": }', 2, "is not JSON: Expecting value", id="broken"),
        pytest.param('{"terraform_version": ' + "[" * 100_000, 1, "is not JSON: is nested too deeply", id="depth"),
        pytest.param('{"terraform_version": ' + "9" * 5000 + "}", None, "is not JSON: Exceeds the limit", id="number"),
        pytest.param(" ", None, "is empty", id="empty"),
        pytest.param("{}", None, "is not a Terraform state", id="something else"),
    ],
)
def test_a_broken_state_is_an_error_with_its_place(tmp_path: Path, text: str, line: int | None, message: str) -> None:
    """What cannot be read names its line where there is one."""
    with pytest.raises(RegistryError) as caught:
        entries_of(tmp_path, "x.tfstate", text)

    assert caught.value.problems[0].line == line
    assert caught.value.problems[0].message.startswith(message)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def mangled(draw: st.DrawFn) -> tuple[Format, Any]:
    """A sample of some format in which values at one place each way down are replaced by anything."""
    name = draw(st.sampled_from(sorted(SAMPLES)))
    sample = json.loads(json.dumps(SAMPLES[name]))
    for _ in range(draw(st.integers(1, 3))):
        part = sample
        while True:
            keys = sorted(part) if isinstance(part, dict) else range(len(part))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(part[key], (dict, list)) and draw(st.booleans()):
                part = part[key]
                continue
            part[key] = draw(JSON)
            break
    return name, sample


@given(mangled())
@examples(100, smoke=100)
def test_nothing_in_a_document_breaks_its_reader(
    tmp_path_factory: pytest.TempPathFactory, document: tuple[Format, Any]
) -> None:
    """With any values in place of others: entries with names, people, or a RegistryError."""
    name, content = document
    path = written(
        tmp_path_factory.mktemp("foreign"), "x.json", json.dumps([content]) if name != "terraform" else content
    )
    for load in (load_registry, load_people):
        try:
            loaded = load([ListSource(path=path, format=None)])
        except RegistryError as error:
            assert error.problems  # noqa: PT017  # allowed, not expected
        else:
            assert all(getattr(one, "identities", True) for one in getattr(loaded, "entries", ()))
