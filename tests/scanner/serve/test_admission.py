"""What is let in: hosts, people, and writes, as someone outside tries them over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.scanner.serve.served import Served

API = "/api/v1/nothing"
"""No route: 404 says that the request was admitted."""
IN = 404


@pytest.fixture(scope="module")
def served(scanned_folder: Path) -> Iterator[Served]:
    """A server on loopback, where Ada acts by the token."""
    with Served(scanned_folder, "", "--as", "ada") as running:
        yield running


def test_the_printed_address_becomes_a_session(served: Served) -> None:
    """The token leaves the address for a cookie of its own, which no script reads and no other site sends."""
    with served.browser() as browser:
        answer = browser.get("/identities/x?q=a&token=" + served.token, follow_redirects=False)
        cookie = answer.headers["set-cookie"]

        assert (answer.status_code, answer.headers["location"]) == (303, "/identities/x?q=a")
        assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
        assert served.token not in cookie
        assert browser.get(API).status_code == IN

        first = dict(browser.cookies)
        with served.browser() as other:
            assert dict(other.cookies) != first


# What is sent, beyond a GET with the token, and what it gets.
READS: Mapping[str, tuple[Mapping[str, str], int]] = {
    "the token": ({}, IN),
    "another scheme's spelling": ({"authorization": "bearer {token}"}, IN),
    "no token": ({"authorization": ""}, 401),
    "a wrong token": ({"authorization": "Bearer x"}, 401),
    "the start of the token": ({"authorization": "Bearer {start}"}, 401),
    "the token as a password": ({"authorization": "Basic {token}"}, 401),
    "a forged cookie": ({"authorization": "", "cookie": "muster-{port}=forged"}, 401),
    "the token as a cookie": ({"authorization": "", "cookie": "muster-{port}={token}"}, 401),
    "a person's header without proxies": ({"authorization": "", "x-forwarded-user": "ada"}, 401),
    "localhost": ({"host": "localhost:{port}"}, IN),
    "a forwarded port": ({"host": "127.0.0.1:9999"}, IN),
    "IPv6": ({"host": "[::1]:{port}"}, IN),
    "another host": ({"host": "attacker.example"}, 400),
    "another host with the port": ({"host": "attacker.example:{port}"}, 400),
    "a host that starts like ours": ({"host": "localhost.attacker.example"}, 400),
    "a host that ends like ours": ({"host": "attacker.example@127.0.0.1"}, 400),
    "a host behind a proxy": ({"host": "attacker.example", "x-forwarded-host": "localhost"}, 400),
    "an empty host": ({"host": ""}, 400),
    "a subresource of another site": ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
    "a fetch of another site": ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, 403),
    "our own page": ({"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, IN),
}


@pytest.mark.parametrize("what", READS)
def test_reads(served: Served, what: str) -> None:
    """Anyone who is not let in learns nothing, not even which addresses there are."""
    headers, status = READS[what]
    filled = {"token": served.token, "start": served.token[:-1], "port": str(served.port)}
    sent = {**served.bearer, **{name: value.format(**filled) for name, value in headers.items()}}
    answer = served.http.get(API, headers={name: value for name, value in sent.items() if value or name == "host"})

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers


def test_a_head_is_a_get_without_its_body(served: Served) -> None:
    """For monitors and link checkers."""
    got, head = (served.http.request(method, "/session", headers=served.bearer) for method in ("GET", "HEAD"))

    assert (head.status_code, head.content, got.status_code) == (200, b"", 200)
    assert head.headers["content-length"] == got.headers["content-length"]


def test_writes(served: Served) -> None:
    """A session's writes need the token of its own page, and come from here; a program's token suffices."""
    with served.browser() as browser, served.browser() as other:
        own, others = (one.get("/session").json()["csrf"] for one in (browser, other))
        here = {"origin": served.url, "x-csrf-token": own}
        attempts: Mapping[str, tuple[Mapping[str, str], int]] = {
            "our page": (here, IN),
            "no token": ({"origin": served.url}, 403),
            "another session's token": ({**here, "x-csrf-token": others}, 403),
            "another site": ({**here, "origin": "http://attacker.example"}, 403),
            "another port": ({**here, "origin": "http://127.0.0.1:1"}, 403),
            "a sandboxed page": ({**here, "origin": "null"}, 403),
            "another site's form": ({**here, "sec-fetch-site": "cross-site"}, 403),
        }
        for what, (headers, status) in attempts.items():
            assert browser.post(API, headers=headers).status_code == status, what
        assert served.http.post(API, headers=served.bearer).status_code == IN
        assert served.http.post(API, headers={**served.bearer, "origin": "http://attacker.example"}).status_code == 403
