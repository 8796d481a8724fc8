"""Delivery by e-mail, against a real SMTP server with STARTTLS."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner.notify.notices import Outgoing
from scanner.notify.sending import Outcome, Sender
from scanner.notify.settings import EmailChannel
from scanner.redaction.redact import SecretRef
from tests.scanner.notify.samples import make_notice
from tests.scanner.notify.test_http import kept
from tests.servers.mailbox import PASSWORD, USER, Mailbox, mailbox


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Mailbox]:
    """A server of our own."""
    with mailbox(tmp_path) as running:
        yield running


def sent(box: Mailbox, *to: str, **facts: Any) -> Outcome:
    """What became of a message to these."""
    settings: dict[str, Any] = {
        "name": "mail",
        "host": "127.0.0.1",
        "port": box.port,
        "ca_file": box.ca_file,
        "sender": "muster@example.com",
        "unowned_to": "security@example.com",
        "timeout": 5,
    }
    outgoing = Outgoing(channel="mail", to=to or ("ada@example.com",), notice=make_notice())
    sender = Sender([EmailChannel(**{**settings, **facts})], sleep=lambda _: None)
    return sender.send(kept("mail", outgoing))


def test_a_mail_arrives(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Encrypted, logged in, to everyone in a team."""
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)

    outcome = sent(box, "ada@example.com", "bob@example.com", username=USER, password=SecretRef(env="SMTP_PASSWORD"))

    assert outcome == Outcome(attempts=1)
    (message,) = box.messages
    assert box.recipients == [("ada@example.com", "bob@example.com")]
    assert message["To"] == "ada@example.com, bob@example.com"
    assert message["Subject"] == "Muster: 1 new finding for ada@example.com (1 high)"
    assert message["Message-ID"] == f"<{make_notice().id}@example.com>"
    assert box.logins


@pytest.mark.parametrize(
    ("refused", "settings", "outcome"),
    [
        pytest.param(
            {"ada@example.com": "550 nobody"},
            {},
            Outcome(fault="it refuses every address (550)", left=True, attempts=1),
            id="unknown recipient",
        ),
        pytest.param(
            {"ada@example.com": "450 busy"},
            {},
            Outcome(fault="it refuses every address (450)", left=True, attempts=3),
            id="greylisted",
        ),
        pytest.param(
            {"": "554 secret text"}, {}, Outcome(fault="it answers 554", left=True, attempts=1), id="refused for good"
        ),
        pytest.param(
            {"": "451 later"}, {}, Outcome(fault="it answers 451", left=True, attempts=3), id="refused for now"
        ),
        pytest.param(
            {},
            {"ca_file": None},
            Outcome(
                fault="the server's certificate is not to be trusted (CERTIFICATE_VERIFY_FAILED)", left=True, attempts=1
            ),
            id="a stranger's certificate",
        ),
        pytest.param(
            {},
            {"ca_file": Path("nowhere.pem")},
            Outcome(fault="no certificates can be read from nowhere.pem", left=True, attempts=1),
            id="no such file of certificates",
        ),
        pytest.param(
            {},
            {"username": USER, "password": SecretRef(env="WRONG")},
            Outcome(fault="it refuses the user name or password", left=True, attempts=1),
            id="a wrong password",
        ),
        pytest.param(
            {},
            {"username": USER, "password": SecretRef(env="ODD")},
            Outcome(fault="the user name or password holds characters that SMTP does not take", left=True, attempts=1),
            id="an odd password",
        ),
        pytest.param(
            {},
            {"username": USER, "password": SecretRef(env="UNSET")},
            Outcome(fault="environment variable UNSET is not set or empty", left=True, attempts=1),
            id="no password",
        ),
    ],
)
def test_what_a_server_may_do(
    box: Mailbox,
    refused: dict[str, str],
    settings: dict[str, Any],
    outcome: Outcome,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Codes are reported, texts are not; nothing is raised, and nothing is lost."""
    monkeypatch.setenv("WRONG", "not it, by far")
    monkeypatch.setenv("ODD", "pässword")
    box.refused = refused

    assert sent(box, **settings) == outcome
    assert box.messages == []


def test_one_bad_address_keeps_no_other_person_from_the_mail(box: Mailbox, caplog: pytest.LogCaptureFixture) -> None:
    """It is reported in the log."""
    box.refused = {"bob@example.com": "550 nobody"}

    assert sent(box, "ada@example.com", "bob@example.com") == Outcome(attempts=1)
    assert box.recipients == [("ada@example.com",)]
    assert "mail: the server refuses mail to bob@example.com" in caplog.text


def test_no_mail_goes_without_encryption_unless_that_is_wanted(tmp_path: Path) -> None:
    """``none`` says it outright; a server without STARTTLS gets nothing by default."""
    with mailbox(tmp_path, "none") as bare:
        assert sent(bare) == Outcome(fault="it offers no STARTTLS or no login", left=True, attempts=1)
        assert bare.messages == []
        assert sent(bare, tls="none") == Outcome(attempts=1)


def test_tls_from_the_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``implicit``, as on port 465."""
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
    with mailbox(tmp_path, "implicit") as sealed:
        login = {"username": USER, "password": SecretRef(env="SMTP_PASSWORD")}
        assert sent(sealed, tls="implicit", **login) == Outcome(attempts=1)
        assert sealed.logins
        assert sent(sealed, tls="implicit", ca_file=None).fault is not None


def test_no_one_there(box: Mailbox) -> None:
    """A closed port is said in words."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

    assert sent(box, port=port) == Outcome(fault="the connection failed", left=True, attempts=3)
