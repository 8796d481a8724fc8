"""Paths into answers, and what resources call roles and secrets: pure, and never surprised."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.aws.workloads.declarations import Fields, Where
from connectors.aws.workloads.paths import filled, found, many, texts
from connectors.aws.workloads.rows import cut_down, parameter_key, role_key, secret_key, stored_arn, tags_in

WHERE = Where(source="prod", account="123456789012", partition="aws-cn", region="cn-north-1")
ROW = {
    "name": "x",
    "nested": {"role": "r", "list": [{"v": 1}, {"v": [2, 3]}, {"w": 4}]},
    "variables": [{"type": "A", "value": "a"}, {"type": "B", "value": "b"}],
    "map": {"one": {"id": "1"}, "two": {"id": "2"}},
    "nothing": None,
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "Tags", "id"]), inner),
    max_leaves=12,
)
PATHS = st.sampled_from(["a", "a.b", "a[].b", "*", "a.*.b", "a[?b=='x'].a", "a.keys(@)", "Tags[]", "id", ""])


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("name", ["x"]),
        ("nested.role", ["r"]),
        ("nested.list[].v", [1, 2, 3]),
        ("variables[?type=='B'].value", ["b"]),
        ("variables[?type=='C'].value", []),
        ("nested.list[?type=='B'].value", []),
        ("map.*.id", ["1", "2"]),
        ("map.one.id", ["1"]),
        ("map.keys(@)", ["one", "two"]),
        ("name.keys(@)", []),
        ("nothing.keys(@)", []),
        ("nothing", []),
        ("nothing.more", []),
        ("name.more", []),
        ("name.*", []),
        ("", [ROW]),
    ],
)
def test_a_path_leads_to_what_is_there(path: str, leads_to: list[Any]) -> None:
    """And nowhere where nothing is."""
    assert list(found(ROW, path)) == leads_to


@given(ANYTHING, PATHS)
def test_a_path_never_fails(row: Any, path: str) -> None:
    """Whatever answers; and it finds neither lists nor nothing."""
    assert all(one is not None and not isinstance(one, list) for one in found(row, path))


def test_a_path_says_by_its_form_whether_it_leads_to_several() -> None:
    """So that one thing in a list is still a list."""
    assert [many(path) for path in ("a.b", "a[].b", "a.*", "a.keys(@)")] == [False, True, True, True]


def test_what_is_no_text_is_refused() -> None:
    """A number where a role belongs is no role."""
    assert list(texts({"a": ["x", "", "y"]}, "a")) == ["x", "y"]
    with pytest.raises(ValueError, match="a is not text"):
        list(texts({"a": 1}, "a"))


def test_a_template_is_filled_with_names_and_paths() -> None:
    """Names of the place come first; a path that leads nowhere is reported."""
    assert filled("arn:{partition}:x:{map.one.id}/{name}", ROW, WHERE.names) == "arn:aws-cn:x:1/x"
    with pytest.raises(ValueError, match=r"it has no nested\.more"):
        filled("{name}/{nested.more}", ROW, {})


def test_braces_in_a_value_are_left_alone() -> None:
    """What comes from outside is no template."""
    assert filled("{a}", {"a": "{b}", "b": "x"}, {}) == "{b}"


@pytest.mark.parametrize(
    ("reference", "key"),
    [
        ("arn:aws:iam::210987654321:role/path/app", "arn:aws:iam::210987654321:role/path/app"),
        ("arn:aws:iam::210987654321:user/ada", "arn:aws:iam::210987654321:user/ada"),
        ("app", "arn:aws-cn:iam::123456789012:role/app"),
        ("service-role/app", "arn:aws-cn:iam::123456789012:role/service-role/app"),
    ],
)
def test_a_role_is_known_by_its_arn(reference: str, key: str) -> None:
    """Also where only its name is reported."""
    assert role_key(reference, WHERE) == key


@pytest.mark.parametrize(
    "reference", ["arn:aws:s3:::bucket", "arn:aws:iam::1:role/x", "", "a b", "x\n", "arn:aws:iam::123456789012:role/"]
)
def test_what_is_no_role_is_refused(reference: str) -> None:
    """Rather than made up."""
    with pytest.raises(ValueError, match="not a role ARN"):
        role_key(reference, WHERE)


SECRET = "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:"
PARAMETER = "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/"


@pytest.mark.parametrize(
    ("reference", "as_secret", "as_parameter", "as_text"),
    [
        (f"{SECRET}a/b-Ab12Cd", f"{SECRET}a/b-Ab12Cd", f"{SECRET}a/b-Ab12Cd", f"{SECRET}a/b-Ab12Cd"),
        (f"{SECRET}a-Ab12Cd:key:AWSCURRENT:", *[f"{SECRET}a-Ab12Cd"] * 3),
        (f"{PARAMETER}a/b", f"{PARAMETER}a/b", f"{PARAMETER}a/b", f"{PARAMETER}a/b"),
        (f"{PARAMETER}a:3", f"{PARAMETER}a", f"{PARAMETER}a", f"{PARAMETER}a"),
        ("a/b", f"{SECRET}a/b", f"{PARAMETER}a/b", None),
        ("/a/b", f"{SECRET}/a/b", f"{PARAMETER}a/b", None),
        ("a:key", f"{SECRET}a", f"{PARAMETER}a", None),
        ("arn:aws:s3:::bucket", None, None, None),
        (f"see {SECRET}a-Ab12Cd", None, None, None),
    ],
)
def test_a_reference_to_a_secret_is_its_key(
    reference: str, as_secret: str | None, as_parameter: str | None, as_text: str | None
) -> None:
    """Without what picks a part or version; of a text only an ARN that it is as a whole."""
    assert secret_key(reference, WHERE) == as_secret
    assert parameter_key(reference, WHERE) == as_parameter
    assert stored_arn(reference) == as_text


@given(st.text())
def test_a_text_that_is_no_arn_is_never_kept(text: str) -> None:
    """Passwords stand beside ARNs in environment variables."""
    kept = stored_arn(text)

    assert kept is None or (kept.startswith("arn:") and text.startswith(kept))


FIELDS = Fields(
    kind="thing",
    key="{id}",
    name="{id}",
    roles=("a",),
    texts=("b",),
    tags="Tags[]",
    created_at="a.b",
    facts={"f": "a", "g": "b[].id"},
)


@given(ANYTHING)
def test_any_row_is_cut_down_or_refused(row: Any) -> None:
    """A ValueError is a refusal; any other error would be an accident."""
    with suppress(ValueError):
        cut = cut_down(row, FIELDS, WHERE)
        assert cut.key
        assert all(role.startswith("arn:") for role in cut.roles)


def test_facts_are_what_json_can_hold() -> None:
    """Moments as texts, several things as a list in order, nothing as nothing."""
    fields = Fields(
        kind="thing",
        key="{id}",
        name="{id}",
        facts={"at": "at", "one": "tags[]", "none": "missing", "several": "list[].n", "empty": "void[]"},
    )
    row = {"id": "x", "at": datetime(2026, 5, 1, tzinfo=UTC), "tags": ["b"], "list": [{"n": 2}, {"n": 1}], "void": []}

    assert cut_down(row, fields, WHERE).facts == {
        "at": "2026-05-01T00:00:00+00:00",
        "one": ["b"],
        "several": ["1", "2"],
    }


@pytest.mark.parametrize(
    ("row", "path", "tags"),
    [
        ({"t": {"b": "2", "a": "1"}}, "t", {"a": "1", "b": "2"}),
        ({"t": [{"Key": "a", "Value": "1"}]}, "t[]", {"a": "1"}),
        ({"t": [{"key": "a", "value": "1"}, {"key": "b"}]}, "t[]", {"a": "1", "b": ""}),
        ({}, "t", {}),
        ({}, "t[]", {}),
    ],
)
def test_tags_are_read_however_they_are_written(row: Any, path: str, tags: dict[str, str]) -> None:
    """As a mapping or as a list, in the order of their keys."""
    assert list(tags_in(row, path).items()) == list(tags.items())


@pytest.mark.parametrize(
    ("row", "path"), [({"t": {"a": 1}}, "t"), ({"t": "x"}, "t"), ({"t": ["x"]}, "t[]"), ({"t": [{"Key": 1}]}, "t[]")]
)
def test_tags_that_are_none_are_refused(row: Any, path: str) -> None:
    """The row is a gap then."""
    with pytest.raises(ValueError, match="its tags cannot be read"):
        tags_in(row, path)
