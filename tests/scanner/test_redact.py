"""Secrets never reach what is written."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from scanner.errors import SourceError
from scanner.redact import RedactingFilter, SecretRef, redact


def test_a_resolved_secret_is_masked_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever quotes it in a message cannot give it away."""
    monkeypatch.setenv("TOKEN", "correct-horse-battery")

    assert SecretRef(env="TOKEN").resolve() == "correct-horse-battery"
    assert redact("sent correct-horse-battery to the server") == "sent ••• to the server"


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
    ],
)
def test_the_shape_of_a_secret_is_enough(text: str, leak: str) -> None:
    """What we never resolved, a server may still quote."""
    assert leak not in redact(text)


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
