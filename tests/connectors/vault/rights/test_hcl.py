"""The HCL reader: what policies are written in, and what is refused."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vault.rights.hcl import MAX_DEPTH, HclError, VaultHclItem, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("# a\n// b\n/* c\n} */", [], id="comments only"),
        pytest.param('path "a/*" {}', [VaultHclItem("path", ("a/*",), [])], id="empty block"),
        pytest.param('"path" "a" { }', [VaultHclItem("path", ("a",), [])], id="quoted key"),
        pytest.param(
            'path "a" { capabilities = ["read", "list",] }',
            [VaultHclItem("path", ("a",), [VaultHclItem("capabilities", (), ["read", "list"])])],
            id="list with a comma at its end",
        ),
        pytest.param(
            'path "a" { policy = "write" min_wrapping_ttl = "1s" }',
            [
                VaultHclItem(
                    "path", ("a",), [VaultHclItem("policy", (), "write"), VaultHclItem("min_wrapping_ttl", (), "1s")]
                )
            ],
            id="several attributes on a line",
        ),
        pytest.param(
            'path "a" {}\npath "a" {}',
            [VaultHclItem("path", ("a",), []), VaultHclItem("path", ("a",), [])],
            id="repeated blocks are kept",
        ),
        pytest.param(
            "a = 1\nb = -2.5\nc = true",
            [VaultHclItem("a", (), 1.0), VaultHclItem("b", (), -2.5), VaultHclItem("c", (), True)],
            id="scalars",
        ),
        pytest.param(r'a = "x\"\\\nA"', [VaultHclItem("a", (), 'x"\\\nA')], id="escapes"),
        pytest.param("a = <<EOT\none\n  two\nEOT\n", [VaultHclItem("a", (), "one\n  two\n")], id="heredoc"),
        pytest.param(
            'p "x" { allowed = { "k" = ["v"], "*" = [] } }',
            [
                VaultHclItem(
                    "p",
                    ("x",),
                    [VaultHclItem("allowed", (), [VaultHclItem("k", (), ["v"]), VaultHclItem("*", (), [])])],
                )
            ],
            id="object",
        ),
        pytest.param(
            'p { factor "one" { names = ["a"] } }',
            [VaultHclItem("p", (), [VaultHclItem("factor", ("one",), [VaultHclItem("names", (), ["a"])])])],
            id="block in a block",
        ),
        pytest.param('a = "# no comment"', [VaultHclItem("a", (), "# no comment")], id="comment sign in a string"),
    ],
)
def test_reads(text: str, expected: list[VaultHclItem]) -> None:
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
        VaultHclItem(key, (label,), [VaultHclItem(name, (), value) for name, value in attributes])  # type: ignore[arg-type]  # any value
        for key, label, attributes in blocks
    ]


@given(st.text(max_size=200))
def test_never_crashes(text: str) -> None:
    """Any text is read or refused."""
    with contextlib.suppress(HclError):
        assert isinstance(parse(text), list)
