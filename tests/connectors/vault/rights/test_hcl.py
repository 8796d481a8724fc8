"""The HCL reader: what policies are written in, and what is refused."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vault.rights.hcl import MAX_DEPTH, HclError, Item, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("# a\n// b\n/* c\n} */", [], id="comments only"),
        pytest.param('path "a/*" {}', [Item("path", ("a/*",), [])], id="empty block"),
        pytest.param('"path" "a" { }', [Item("path", ("a",), [])], id="quoted key"),
        pytest.param(
            'path "a" { capabilities = ["read", "list",] }',
            [Item("path", ("a",), [Item("capabilities", (), ["read", "list"])])],
            id="list with a comma at its end",
        ),
        pytest.param(
            'path "a" { policy = "write" min_wrapping_ttl = "1s" }',
            [Item("path", ("a",), [Item("policy", (), "write"), Item("min_wrapping_ttl", (), "1s")])],
            id="several attributes on a line",
        ),
        pytest.param(
            'path "a" {}\npath "a" {}',
            [Item("path", ("a",), []), Item("path", ("a",), [])],
            id="repeated blocks are kept",
        ),
        pytest.param(
            "a = 1\nb = -2.5\nc = true", [Item("a", (), 1.0), Item("b", (), -2.5), Item("c", (), True)], id="scalars"
        ),
        pytest.param(r'a = "x\"\\\nA"', [Item("a", (), 'x"\\\nA')], id="escapes"),
        pytest.param("a = <<EOT\none\n  two\nEOT\n", [Item("a", (), "one\n  two\n")], id="heredoc"),
        pytest.param(
            'p "x" { allowed = { "k" = ["v"], "*" = [] } }',
            [Item("p", ("x",), [Item("allowed", (), [Item("k", (), ["v"]), Item("*", (), [])])])],
            id="object",
        ),
        pytest.param(
            'p { factor "one" { names = ["a"] } }',
            [Item("p", (), [Item("factor", ("one",), [Item("names", (), ["a"])])])],
            id="block in a block",
        ),
        pytest.param('a = "# no comment"', [Item("a", (), "# no comment")], id="comment sign in a string"),
    ],
)
def test_reads(text: str, expected: list[Item]) -> None:
    """Each construct a policy can use becomes the items it represents."""
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('path "a" {', id="open block"),
        pytest.param('path "a', id="open string"),
        pytest.param("a = [1 2]", id="no comma"),
        pytest.param("a = ", id="no value"),
        pytest.param("= 1", id="no key"),
        pytest.param("a = /* b", id="open comment"),
        pytest.param("\x00", id="control character"),
        pytest.param('a = "\\U99999999"', id="no such character"),
        pytest.param("}", id="stray brace"),
        pytest.param("a = " + "[" * (MAX_DEPTH + 1), id="lists too deep"),
        pytest.param("a {" * 100_000, id="blocks too deep"),
    ],
)
def test_refuses(text: str) -> None:
    """What is no HCL is an error with the line, never a crash or a guess."""
    with pytest.raises(HclError, match=r"^line \d+: "):
        parse(text)


_names = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_scalars = _names | st.booleans()
_values = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=8)
_words = st.from_regex(r"[a-z_]{1,8}", fullmatch=True).filter(lambda word: word not in ("true", "false"))


def _written(value: object) -> str:
    return (
        json.dumps(value, ensure_ascii=False) if not isinstance(value, list) else f"[{','.join(map(_written, value))}]"
    )


def _attributes(attributes: list[tuple[str, object]]) -> str:
    return " ".join(f"{name} = {_written(value)}" for name, value in attributes)


@given(st.lists(st.tuples(_words, _names, st.lists(st.tuples(_words, _values), max_size=3)), max_size=4))
def test_reads_what_was_written(blocks: list[tuple[str, str, list[tuple[str, object]]]]) -> None:
    """Any blocks, labels and values come back as they were written, duplicates and order included."""
    text = "\n".join(
        f"{key} {_written(label)} {{ {_attributes(attributes)} }} // {key}" for key, label, attributes in blocks
    )

    read = parse(text)

    assert read == [
        Item(key, (label,), [Item(name, (), value) for name, value in attributes])  # type: ignore[arg-type]  # any value
        for key, label, attributes in blocks
    ]


@given(st.text(max_size=200))
def test_never_crashes(text: str) -> None:
    """Any text is read or refused."""
    with contextlib.suppress(HclError):
        assert isinstance(parse(text), list)
