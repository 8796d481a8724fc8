"""Lists in files: read object by object where `kubectl` wrote them, and the same objects in any other form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.core.offline import Unreadable
from connectors.kubernetes.lists import DAMAGE, PIECE, listed_in
from tests.connectors.kubernetes.manifests import account, deployment, pod
from tests.examples import examples

PODS = [pod("shop", f"pod-{number}", "web", note="}\n    ,\n{") for number in range(5)]
MIXED = [*PODS, deployment("shop", "web", "web"), account("shop", "web")]


def written(objects: list[Any], **form: Any) -> bytes:
    """A list as `kubectl` writes it, but for its form."""
    return json.dumps({"apiVersion": "v1", "items": objects, "kind": "List", "metadata": {}}, **form).encode()


def read(path: Path, plural: str) -> list[Any]:
    """The objects of a resource."""
    return [msgspec.json.decode(raw) for raw in listed_in(path).objects(plural)]


FORMS = {
    "as kubectl does": (written(MIXED, indent=4), True),
    "on Windows": (written(MIXED, indent=4).replace(b"\n", b"\r\n"), True),
    "with two spaces": (written(MIXED, indent=2), True),
    "in one line": (written(MIXED), False),
    "with a mark": (b"\xef\xbb\xbf" + written(MIXED, indent=4), False),
    "by PowerShell": (written(MIXED, indent=4).decode().encode("utf-16"), False),
    "items first": (json.dumps({"items": MIXED, "kind": "List"}, indent=4).encode(), True),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("piece", [300, PIECE])
def test_every_form_gives_the_same_objects(tmp_path: Path, name: str, piece: int) -> None:
    """Wherever a piece ends, also within a line."""
    content, in_lines = FORMS[name]
    path = tmp_path / "pods.json"
    path.write_bytes(content)
    listed = listed_in(path, piece)

    assert listed.in_lines == in_lines
    assert listed.plurals == {"pods", "deployments", "serviceaccounts"}
    assert [msgspec.json.decode(raw) for raw in listed.objects("pods")] == PODS
    assert [msgspec.json.decode(raw) for raw in listed.objects("deployments")] == [MIXED[5]]


def test_objects_that_name_no_kind_are_of_their_list(tmp_path: Path) -> None:
    """As the API itself answers; without any kind, the file's name says it."""
    bare = [{key: value for key, value in one.items() if key != "kind"} for one in PODS]
    for name, kind, form in (("x", "PodList", 4), ("x", "PodList", None), ("pods", "", 4)):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({"items": bare, "kind": kind}, indent=form), encoding="utf-8")

        assert read(path, "pods") == bare


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("cut", [0, 40, 700, -3])
def test_a_file_that_is_cut_short_is_none(tmp_path: Path, indent: int | None, cut: int) -> None:
    """Rather no list than a part of one."""
    path = tmp_path / "pods.json"
    path.write_bytes(written(PODS, indent=indent)[:cut])

    with pytest.raises((Unreadable, *DAMAGE)):
        listed_in(path)


def test_an_object_larger_than_memory_should_hold_is_read_with_its_file(tmp_path: Path) -> None:
    """Nothing is lost."""
    path = tmp_path / "pods.json"
    large = [PODS[0], pod("shop", "large", "web", note="x" * 5_000), PODS[1]]
    path.write_bytes(written(large, indent=4))

    assert listed_in(path).in_lines
    assert not listed_in(path, 100).in_lines
    assert [msgspec.json.decode(raw) for raw in listed_in(path, 100).objects("pods")] == large


@examples(100, smoke=100)
@given(st.text(alphabet=' \n{}[]",:ai4', max_size=200), st.integers(0, 60))
def test_whatever_a_file_holds(tmp_path_factory: pytest.TempPathFactory, noise: str, at: int) -> None:
    """It is refused, or its objects are those that JSON says."""
    path = tmp_path_factory.mktemp("lists") / "pods.json"
    whole = written(PODS[:2], indent=4).decode()
    text = whole[:at] + noise + whole[at:]
    path.write_text(text, encoding="utf-8")
    try:
        listed = listed_in(path)
        found = [msgspec.json.decode(raw) for raw in listed.objects("pods")]
    except (Unreadable, *DAMAGE):
        return
    everything = msgspec.json.decode(text).get("items") or []
    assert [one for one in found if one in everything] == found
