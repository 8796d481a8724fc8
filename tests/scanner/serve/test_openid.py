"""Sign-in with OpenID Connect, with OpenBao as the issuer."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser

from tests.browser import new_page
from tests.scanner.serve.served import Served
from tests.servers.openbao import OpenBao
from tests.servers.openid import PASSWORD, OpenId

pytestmark = pytest.mark.real_server

CALLBACK = "/sign-in/callback"


@pytest.fixture(scope="module")
def served(scanned_folder: Path) -> Iterator[tuple[Served, OpenId]]:
    """A server that people sign in to, and the issuer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://localhost:{port}"
    with OpenBao() as bao:
        people = ("ada@acme.example", "dan@acme.example", "eve@other.example")
        issuer = OpenId(bao, f"{url}{CALLBACK}", people)
        config, environment = config_at(url, issuer), environment_of(issuer)
        with Served(scanned_folder, config, "--listen", f"127.0.0.1:{port}", environment=environment) as running:
            yield running, issuer
            assert issuer.client_secret not in running.log


def visitor_of(served: Served) -> httpx.Client:
    """A browser that was never here."""
    return httpx.Client(base_url=f"http://localhost:{served.port}", timeout=60, trust_env=False)


def begun(visitor: httpx.Client, path: str = "/identities/x?q=a") -> str:
    """Open a page; returns the issuer's address that the server sends the browser to."""
    answer = visitor.get(path)
    assert answer.status_code == 303
    return str(answer.headers["location"])


def test_a_person_signs_in_and_out(served: tuple[Served, OpenId]) -> None:
    """By a code with PKCE, state and nonce; then the page goes on to what was asked for."""
    server, issuer = served
    with visitor_of(server) as visitor:
        address = begun(visitor)
        asked = parse_qs(urlsplit(address).query)
        answer = visitor.get(CALLBACK, params=issuer.answer(address, "ada"))

        assert asked["code_challenge_method"] == ["S256"]
        assert {"state", "nonce", "code_challenge"} <= set(asked)
        assert answer.status_code == 200
        assert "url=/identities/x?q=a" in unescape(answer.text)
        assert "SameSite=strict" in answer.headers["set-cookie"]
        who = visitor.get("/session").json()
        assert (who["person"], who["sees_all"]) == ("ada@acme.example", True)

        assert visitor.post("/sign-out").status_code == 403
        kept = dict(visitor.cookies)
        assert visitor.post("/sign-out", headers={"x-csrf-token": who["csrf"]}).status_code == 200
        visitor.cookies.update(kept)
        assert visitor.get("/api/v1/nothing").status_code == 401


@pytest.mark.browser
def test_a_browser_is_signed_in_when_the_issuer_sends_it_back(browser: Browser, served: tuple[Served, OpenId]) -> None:
    """From another site, with which browsers send no strict cookie; the page that was asked for is shown."""
    site = f"http://localhost:{served[0].port}"

    page = new_page(browser)
    page.goto(f"{site}/session?")
    page.get_by_label("Method").select_option("userpass")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("ada@acme.example").wait_for()
    assert page.url.startswith(f"{site}/session")
    page.close()


@pytest.mark.parametrize(("name", "says"), [("eve", "not on the roster"), ("dan", "left")])
def test_who_has_no_access_gets_no_session(served: tuple[Served, OpenId], name: str, says: str) -> None:
    """The issuer knows more people than the roster."""
    server, issuer = served
    with visitor_of(server) as visitor:
        answer = visitor.get(CALLBACK, params=issuer.answer(begun(visitor), name))

        assert (answer.status_code, says in answer.text) == (403, True)
        assert visitor.get("/api/v1/nothing").status_code == 401


def test_answers_that_are_not_of_this_sign_in(served: tuple[Served, OpenId]) -> None:
    """Each answer counts once, in the browser that asked, with its own code."""
    server, issuer = served
    with visitor_of(server) as ada, visitor_of(server) as other:
        good = issuer.answer(begun(ada), "ada")
        others = issuer.answer(begun(other), "ada")
        attempts = {
            "in a browser that did not ask": (other, good),
            "after that, in the one that did": (ada, good),
            "without a state": (ada, {"code": good["code"]}),
            "with another state": (ada, {**good, "state": "x"}),
            "with the code of another sign-in": (ada, {"code": others["code"], "state": state_of(begun(ada))}),
            "with a made-up code": (ada, {"code": "x", "state": state_of(begun(ada))}),
            "with an error": (ada, {"error": "access_denied", "state": state_of(begun(ada))}),
            "of another issuer": (ada, {**issuer.answer(begun(ada), "ada"), "iss": "http://127.0.0.1:1"}),
        }
        for what, (visitor, query) in attempts.items():
            assert visitor.get(CALLBACK, params=query).status_code == 401, what
            assert visitor.get("/api/v1/nothing").status_code == 401, what
        assert "Traceback" not in server.log


def test_another_process_ends_a_sign_in_and_knows_its_session(
    served: tuple[Served, OpenId], scanned_folder: Path
) -> None:
    """As behind a balancer, or after a restart; the sign-in counts once there, too."""
    server, issuer = served
    with (
        Served(
            scanned_folder, config_at(f"http://localhost:{server.port}", issuer), environment=environment_of(issuer)
        ) as other,
        visitor_of(server) as visitor,
        visitor_of(other) as there,
    ):
        answer = issuer.answer(begun(visitor), "ada")
        there.cookies.set(f"muster-{other.port}-sign-in", visitor.cookies[f"muster-{server.port}-sign-in"])
        assert [there.get(CALLBACK, params=answer).status_code for _ in range(2)] == [200, 401]
        assert there.get("/session").json()["person"] == "ada@acme.example"
        visitor.cookies.set(f"muster-{server.port}", there.cookies[f"muster-{other.port}"])
        assert visitor.get("/session").json()["person"] == "ada@acme.example"


def config_at(url: str, issuer: OpenId) -> str:
    """The config of a server at that address."""
    return f"""
[serve]
public_url = "{url}"
viewers = ["ada"]
[serve.oidc]
issuer = "{issuer.issuer}"
client_id = "{issuer.client_id}"
client_secret = {{ env = "OIDC_SECRET" }}
"""


def environment_of(issuer: OpenId) -> dict[str, str]:
    """The environment with the secret."""
    return {**os.environ, "OIDC_SECRET": issuer.client_secret}


def state_of(address: str) -> str:
    """The state that the issuer is to send back."""
    return parse_qs(urlsplit(address).query)["state"][0]
