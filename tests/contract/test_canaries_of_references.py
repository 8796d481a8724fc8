"""No secret that the config refers to gets out, whatever a receiver or provider quotes of what it was sent, and how."""

from __future__ import annotations

import base64
import html
import json
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from connectors.testing import Server
from connectors.testing.server import Asked, Reply
from tests.canaries import readable
from tests.cli.conftest import Muster, estate, muster
from tests.contract.test_silence import OVER_HTTP, SOURCES, TOKEN, credentials

__all__ = ["credentials", "estate", "muster"]

PLAIN = "kestrel-piano-orbit-lantern"
AWKWARD = 'tern "& <piano>\\/+=%25;orbit'
"""Of no known shape, and with all that JSON, HTML, addresses and shells write in another way."""


def _forms(secret: str) -> Iterator[str]:
    """How a server may quote it."""
    yield from {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        quote(secret),
        html.escape(secret),
        repr(secret)[1:-1],
    }
    for text in (secret, secret.replace("/", r"\/")):
        yield json.dumps(text)[1:-1]
    for before in ("", "svc:", "ab", "x:"):
        coded = base64.b64encode(f"{before}{secret}".encode()).decode()
        yield coded[8:-6]
        yield coded[8:-6].translate(str.maketrans("+/", "-_"))


def _found(content: bytes | str, *secrets: str) -> list[str]:
    data = content.encode() if isinstance(content, str) else content
    return [form for secret in secrets for form in _forms(secret) if form.encode() in data]


def _quoting(secret: str) -> Iterator[Reply]:
    """Answers of a server that quotes what it was sent, in every way."""
    coded = [base64.b64encode(f"{before}{secret}".encode()).decode() for before in ("", "svc:", "x:")]
    shown = quote(secret, safe="")
    forms = (secret, shown, quote_plus(secret), html.escape(secret), json.dumps(secret), *coded)
    said = " ".join(f"I do not know {form} here." for form in forms)
    named = dict.fromkeys(("message", "code", "error_description", "Message", "reason", "__type"), said)
    yield Reply(status=403, body={"error": named, "errors": [said, named], **named})
    yield Reply(status=400, body=said.encode(), headers={"WWW-Authenticate": f'Bearer error="{said}"'})
    yield Reply(status=302, headers={"Location": f"https://elsewhere.example/{shown}?t={shown}"})


@pytest.mark.parametrize("secret", [PLAIN, AWKWARD])
@pytest.mark.parametrize("name", [name for name in OVER_HTTP if name != "aws"])
def test_what_a_provider_quotes_of_its_token(
    name: str, secret: str, muster: Muster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """In any encoding: no gap, report, store, log or advice has it."""
    caplog.set_level(logging.DEBUG, logger="scanner")
    monkeypatch.setenv(TOKEN, secret)
    (tmp_path / "bots.csv").write_text("key,name,provider,scope\nsaas:a:x,x,saas,a\n")

    for reply in _quoting(secret):

        def answer(_: Asked, reply: Reply = reply) -> Reply:
            return reply

        with Server(answer, most=None) as server:
            source = SOURCES[name].format(url=server.url)
            done = muster("-vv", "scan", "file:path=bots.csv", source, "-o", "json:out.json", "-o", "html:out.html")
            checked = muster("-vv", "doctor", source)

        assert _found(done.out + done.err + checked.out + checked.err, secret) == []
        for path in filter(Path.is_file, tmp_path.rglob("*")):
            assert _found(readable(path), secret) == [], path
    assert _found(caplog.text, secret) == []


CHANNELS = """
[[notify]]
name = "hook"
type = "webhook"
url = {{ env = "HOOK" }}
secret = {{ env = "SIGN" }}
insecure_http = true
to = "all"
heartbeat = true
[[notify]]
name = "slack"
type = "slack"
url = {{ env = "HOOK" }}
insecure_http = true
to = "all"
heartbeat = true
[[notify]]
name = "teams"
type = "teams"
url = {{ env = "HOOK" }}
insecure_http = true
to = "all"
heartbeat = true
[[notify]]
name = "mail"
type = "email"
host = "127.0.0.1"
port = {port}
tls = "implicit"
username = "svc"
password = {{ env = "SIGN" }}
from = "muster@example.com"
to = ["ops@example.com"]
heartbeat = true
[[tickets]]
name = "jira"
type = "jira"
url = "{url}"
project = "SEC"
user = "svc@example.com"
token = {{ env = "SIGN" }}
insecure_http = true
min_severity = "info"
[[tickets]]
name = "snow"
type = "servicenow"
url = "{url}"
user = "svc"
token = {{ env = "SIGN" }}
insecure_http = true
min_severity = "info"
[[tickets]]
name = "issues"
type = "github"
url = "{url}"
repository = "acme/sec"
token = {{ env = "SIGN" }}
insecure_http = true
min_severity = "info"
"""


@pytest.mark.parametrize("secret", [PLAIN, AWKWARD])
def test_what_a_receiver_quotes_of_what_it_was_sent(
    secret: str, muster: Muster, estate: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Channels and ticket systems, also where nothing listens, and where the address is none."""
    caplog.set_level(logging.DEBUG, logger="scanner")
    config = (estate / "config.toml").read_text()
    monkeypatch.setenv("SIGN", secret)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        replies, shown = list(_quoting(secret)), quote(secret, safe="")

        def answer(asked: Asked) -> Reply:
            return replies[len(asked.path) % len(replies)]

        with Server(answer, most=None) as server:
            addresses = [f"{server.url}/services/{shown}/{'x' * number}" for number in range(len(replies))]
            refused = (
                f"http://127.0.0.1:{port}/{shown}?k=1", f"http://svc:{shown}@127.0.0.1:{port}/", secret,
                f"http://{shown}", f"http://127.0.0.1:99999/{shown}", f"https://[{shown}", f"ftp://x.example/{shown}",
            )  # fmt: skip
            (estate / "config.toml").write_text(config + CHANNELS.format(port=port, url=server.url))
            for address in (*addresses, *refused):
                monkeypatch.setenv("HOOK", address)
                for line in (("scan", "-o", "json:out.json"), ("doctor",)):
                    done = muster("-vv", *line)
                    assert _found(done.out + done.err, secret) == [], (address, line)
            assert {one.method for one in server.asked} >= {"POST", "GET"}
    for path in filter(Path.is_file, estate.rglob("*")):
        assert _found(readable(path), secret) == [], path
    assert _found(caplog.text, secret) == []
