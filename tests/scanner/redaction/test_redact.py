"""Secrets never reach what is written."""

from __future__ import annotations

import base64
import html
import json
import logging
import time
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from scanner.errors import SourceError
from scanner.redaction.redact import RedactingFilter, SecretRef, quotes_resolved, redact, without_resolved
from scanner.redaction.shapes import MASK


def test_a_resolved_secret_is_masked_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that quotes it does not reveal it."""
    monkeypatch.setenv("TOKEN", "correct-horse-battery")

    assert SecretRef(env="TOKEN").resolve() == "correct-horse-battery"
    assert redact("sent correct-horse-battery to the server") == "sent ••• to the server"


@pytest.mark.parametrize("before", ["", "svc:", "x:", "ab"])
def test_a_resolved_secret_is_masked_however_a_program_quotes_it(before: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Escaped for JSON, HTML or an address, and in base64 wherever it begins, in records too."""
    secret = 'tern "& <piano>/+=ü%25;orbit'
    monkeypatch.setenv("TOKEN", secret)
    SecretRef(env="TOKEN").resolve()
    coded = base64.b64encode(f"{before}{secret}".encode()).decode()

    for text in (
        secret, json.dumps(secret), json.dumps(secret, ensure_ascii=False), json.dumps(secret).replace("/", r"\/"),
        repr(secret), quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret), coded,
        coded.translate(str.maketrans("+/", "-_")),
    ):  # fmt: skip
        for masked in (redact(f"I do not know {text} here"), without_resolved(f"I do not know {text} here")):
            assert quotes_resolved(text)
            assert MASK in masked
            assert len(masked) < 40, masked


def test_what_is_too_short_for_a_secret_masks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stray bracket in the variable would garble every message."""
    monkeypatch.setenv("TOKEN", "{")

    assert SecretRef(env="TOKEN").resolve() == "{"
    assert redact("{day} is a placeholder") == "{day} is a placeholder"


def test_a_secret_can_lie_in_a_file(tmp_path: Path) -> None:
    """A trailing line break is not part of it."""
    (tmp_path / "token").write_text("in-a-file-987\n")

    assert SecretRef(file=str(tmp_path / "token")).resolve() == "in-a-file-987"


@pytest.mark.parametrize(
    "ref", [SecretRef(env="SURELY_NOT_SET"), SecretRef(file="/no/such/file")], ids=["variable", "file"]
)
def test_a_missing_secret_is_a_gap_with_a_name(ref: SecretRef) -> None:
    """The message says which reference leads nowhere."""
    with pytest.raises(SourceError, match=r"SURELY_NOT_SET|/no/such/file"):
        ref.resolve()


@pytest.mark.parametrize("given", [{}, {"env": "A", "file": "b"}], ids=["neither", "both"])
def test_a_reference_is_one_of_two(given: dict[str, str]) -> None:
    """Nothing is guessed where both or none are given."""
    with pytest.raises(ValueError, match="either"):
        SecretRef(**given)


@pytest.mark.parametrize(
    ("text", "leak"),
    [
        ("postgresql://muster:hunter2@db/x", "hunter2"),
        ("X-Vault-Token: hvs.CAESIJ1234567890abcdefghij", "hvs."),
        ("secret_access_key=wJalrXUtnFEMI/K7MDENG", "wJalr"),
        ('{"password": "hunter2"}', "hunter2"),
        ("{'password': 'two words'}", "words"),
        ("{b'password': b'two words'}", "words"),
        (r'{"password": "a\"quote"}', "quote"),
        (r'"{\"password\": \"two words\"}"', "words"),
        ("password=bob", "b"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", "wJalr"),
        ("Authorization: Bearer abc", "abc"),
        ('{"Authorization": "Basic dXNlcjpwYXNz"}', "dXNl"),
        ('the server had "Basic dXNlcjpwYXNz"', "dXNl"),
        ("bearer eyJhbGciOiJIUzI1NiJ9.e30.abc-_", "eyJ"),
        ("https://me:p@ss@host/x", "ss@"),
    ],
)
def test_the_shape_of_a_secret_is_enough(text: str, leak: str) -> None:
    """What we never resolved, a server may still quote; masked twice, it reads as masked once."""
    masked = redact(text)

    assert leak not in masked.replace("password", "")
    assert "•••" in masked
    assert redact(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Basic authentication is switched off",
        "not authorized to perform iam:ListUsers",
        "AccessDenied for arn:aws:iam::123456789012:user/svc at https://iam.amazonaws.com/",
        "{'password': '•••', 'user': 'ada'}",
        "password policy missing",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    """A message must still say what is wrong."""
    assert redact(text) == text


@pytest.mark.parametrize(
    "part",
    [
        "password",
        "password: ",
        "password: '",
        "password='\\",
        "://",
        "://a:",
        "basic ",
        "Authorization: a ",
        "s.",
        '\\"',
    ],
)
def test_hostile_texts_cost_no_more_than_their_length(part: str) -> None:
    """Half a megabyte of text on which a careless pattern would backtrack takes a moment."""
    text = part * (500_000 // len(part))
    started = time.process_time()

    redact(text)
    redact(part + " " * 250_000 + "a" * 250_000)

    assert time.process_time() - started < 2


def test_log_records_and_their_tracebacks_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception's text is as public as the message."""
    monkeypatch.setenv("TOKEN", "staple-clip-4711")
    secret = SecretRef(env="TOKEN").resolve()
    error = RuntimeError(f"refused {secret}")
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "with %s", (secret,), (RuntimeError, error, None))

    RedactingFilter().filter(record)

    assert secret not in record.getMessage()
    assert record.exc_text is not None
    assert secret not in record.exc_text
