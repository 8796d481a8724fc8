"""The client for JSON APIs: one host, every kind of pages, patience, and what is kept by its ETag."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from threading import Event
from typing import Any

import pytest
from msgspec import Struct
from requests import Response, Session
from urllib3 import PoolManager

from connectors.core.budget import Budget, Limits, spending
from connectors.core.contract import Gone, Malformed, Meter, Scope, Section, SectionReading, Spec
from connectors.core.http import Client
from connectors.core.paging import Paging, cursor, last_id, link_header, next_link, page_number
from connectors.core.reading import Moment
from connectors.core.transport import BoundedAdapter, bound, bound_session
from connectors.testing import Answering, Asked, Reply, Server
from scanner.errors import DeadlineExceeded, Denied, SourceError, Throttled, Unreachable


class Row(Struct):
    """A row of any listing here."""

    id: int
    at: Moment | None = None


class NoSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """None."""


SPEC = Spec(
    name="some",
    title="Some",
    settings=NoSettings,
    kinds=("bot",),
    sections=(Section(name="rows", title="Rows", permissions=("rows:read",), without="all"),),
)


@pytest.fixture
def serve() -> Iterator[Callable[[Answering], Server]]:
    """Starts servers, and stops them in the end."""
    servers: list[Server] = []

    def start(answering: Answering) -> Server:
        servers.append(Server(answering).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__()


def _section(client: Client) -> SectionReading:
    return Scope(source="prod", spec=SPEC, id="s").section("rows", meter=client.meter)


def _client(server: Server) -> Client:
    return Client(server.url, attempts=3, backoff=0.001, headers={"Authorization": "Bearer t"})


def _pages(answers: Mapping[str, Any]) -> Answering:
    def answering(asked: Asked) -> Reply:
        found = answers.get(asked.target, Reply(status=404, body={"message": "no such page"}))
        return found if isinstance(found, Reply) else Reply(body=found)

    return answering


@pytest.mark.parametrize(
    ("paging", "at", "answers"),
    [
        pytest.param(link_header, "", {
            "/rows": Reply(body=[{"id": 1}], headers={"Link": '<{url}/rows?page=2>; rel="next", <x>; rel="last"'}),
            "/rows?page=2": Reply(body=[{"id": 2}], headers={"Link": '</rows?page=3>; rel="next"'}),
            "/rows?page=3": [{"id": 3}],
        }, id="Link header, absolute and relative"),
        pytest.param(next_link("/@odata.nextLink"), "/value", {
            "/rows": {"value": [{"id": 1}], "@odata.nextLink": "{url}/rows?$skiptoken=a"},
            "/rows?$skiptoken=a": {"value": [{"id": 2}, {"id": 3}], "@odata.nextLink": None},
        }, id="nextLink"),
        pytest.param(cursor("/metadata/continue", "continue"), "/items", {
            "/rows": {"items": [{"id": 1}], "metadata": {"continue": "a/b"}},
            "/rows?continue=a%2Fb": {"items": [], "metadata": {"continue": "c"}},
            "/rows?continue=c": {"items": [{"id": 2}, {"id": 3}], "metadata": {"continue": ""}},
        }, id="continue, over an empty page"),
        pytest.param(page_number("p"), "/rows", {
            "/rows": {"rows": [{"id": 1}, {"id": 2}]},
            "/rows?p=2": {"rows": [{"id": 3}]},
            "/rows?p=3": {"rows": []},
        }, id="page numbers"),
        pytest.param(last_id("after"), "/data", {
            "/rows": {"data": [{"id": 1}], "has_more": True},
            "/rows?after=1": {"data": [{"id": 2}], "last_id": "b/c", "has_more": True},
            "/rows?after=b%2Fc": {"data": [{"id": 3}], "last_id": "d", "has_more": False},
        }, id="after the last row"),
        pytest.param(last_id("after"), "/data", {
            "/rows": {"data": [{"id": 1}, {"id": 2}], "next": "x", "last_id": "y"},
            "/rows?after=x": {"data": [{"id": 3}], "next": "z"},
            "/rows?after=z": {"data": []},
        }, id="after the last row, up to an empty page"),
        pytest.param(None, "/rows", {"/rows": {"rows": [{"id": 1}, {"id": 2}, {"id": 3}]}}, id="one page"),
        pytest.param(None, "/rows", {"/rows": {"rows": {"a": {"id": 1}, "b": {"id": 2}, "c": {"id": 3}}}}, id="map"),
    ],
)  # fmt: skip
def test_every_kind_of_pages(
    paging: Paging | None, at: str, answers: dict[str, Any], serve: Callable[[Answering], Server]
) -> None:
    """Each row once, and each request counted."""
    server = serve(_pages(answers))
    client = _client(server)
    with _section(client) as section:
        found = [row.id for row in client.rows("/rows", Row, section, at=at, paging=paging)]

    assert found == [1, 2, 3]
    assert (section.coverage.status, section.coverage.calls) == ("complete", len(answers))


@pytest.mark.parametrize(
    ("paging", "answer"),
    [
        pytest.param(cursor("/next", "after"), {"rows": [], "next": "same"}, id="the same token"),
        pytest.param(last_id("after"), {"rows": [{"id": 1}], "has_more": True, "last_id": "1"}, id="the same last row"),
        pytest.param(page_number(), {"rows": [{"id": 1}]}, id="a server that knows no pages"),
        pytest.param(next_link("/next"), {"rows": [], "next": "{url}/rows"}, id="a link to itself"),
    ],
)
def test_pages_in_a_circle_end_the_section(paging: Paging, answer: Any, serve: Callable[[Answering], Server]) -> None:
    """As a gap, after few requests."""
    server = serve(lambda _: Reply(body=answer))
    client = _client(server)
    with _section(client) as section:
        list(client.rows("/rows", Row, section, at="/rows", paging=paging))

    assert "repeat" in str(section.coverage.detail)
    assert len(server.asked) <= 3


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.2:{port}/x", "https://127.0.0.1:{port}/x", "http://127.0.0.1:1/x", "//evil.example/x",
     "http://u:p@127.0.0.1:{port}/x", "http://evil.example\\@127.0.0.1:{port}/x", "http://[::1/x", "ftp://127.0.0.1/"],
)  # fmt: skip
def test_no_answer_leads_to_another_address(address: str, serve: Callable[[Answering], Server]) -> None:
    """Another host, port or scheme, or what two parsers would read in two ways: an error, and one request."""
    server = serve(lambda _: Reply(body={"rows": [], "next": address.format(port=server.url.rpartition(":")[2])}))
    client = _client(server)
    with _section(client) as section:
        list(client.rows("/rows", Row, section, at="/rows", paging=next_link("/next")))

    assert section.coverage.status == "failed"
    assert "address" in str(section.coverage.detail)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("reply", "error", "said", "asked"),
    [
        (Reply(status=302, headers={"Location": "http://evil.example/x"}), Unreachable, "redirects to http://evil", 1),
        (Reply(status=401, body={"message": "Bad credentials"}), Denied, "not valid: HTTP 401: Bad credentials", 1),
        (Reply(status=403, body={"error": "no"}), Denied, "HTTP 403: no", 1),
        (Reply(status=404, body={}), Gone, "HTTP 404", 1),
        (Reply(status=429, body={}, headers={"Retry-After": "0"}), Throttled, "throttled", 3),
        (Reply(status=429, body={}, headers={"Retry-After": "3600"}), Throttled, "wait for 3600 seconds", 1),
        (
            Reply(status=403, body={}, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "0"}),
            Throttled,
            "throttled",
            3,
        ),
        (
            Reply(status=403, body={}, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "3600"}),
            Throttled,
            "wait for 3600 seconds",
            1,
        ),
        (Reply(status=429, body={}, headers={"X-Rate-Limit-Reset": "3600"}), Throttled, "wait for 3600 seconds", 1),
        (Reply(status=429, body={}, headers={"RateLimit-Reset": "3600"}), Throttled, "wait for 3600 seconds", 1),
        (Reply(status=503, body={}), Unreachable, "HTTP 503", 3),
        (Reply(status=529, body={}), Unreachable, "HTTP 529", 3),
        (Reply(status=204, body=b""), SourceError, "HTTP 204", 1),
        (Reply(body=b"<html>"), Unreachable, "not JSON", 1),
        (Reply(body=b'{"id": 1', cut=4), Unreachable, "does not respond", 3),
        (Reply(body={"id": "x"}), Malformed, "unexpected structure", 1),
        (Reply(body={"id": 1, "at": "2026-01-01T00:00:00"}), Malformed, "unexpected structure", 1),
    ],
)
def test_what_each_answer_means(
    reply: Reply, error: type[SourceError], said: str, asked: int, serve: Callable[[Answering], Server]
) -> None:
    """Its kind of error, what it says, and how often it was tried."""
    server = serve(lambda _: reply)

    with pytest.raises(error, match=said) as raised:
        _client(server).get("/one", Row)
    assert len(server.asked) == asked
    assert (raised.value.hint == "give the source valid ones") is (reply.status == 401)


def test_what_passes_is_tried_again(serve: Callable[[Answering], Server]) -> None:
    """And the pace is kept from then on."""
    replies = iter([Reply(status=500), Reply(status=429, headers={"Retry-After": "0"}), Reply(body={"id": 7})])
    server = serve(lambda _: next(replies))
    client = _client(server)

    assert client.get("/one", Row).id == 7
    assert (client.rate.limited, client.meter.calls) == (True, 3)


def test_an_api_with_verbs_and_refusals_of_its_own(serve: Callable[[Answering], Server]) -> None:
    """Anyone who asks decides what a status means, and which ones may pass."""
    replies = iter([Reply(status=412, body={}), Reply(status=404, body={"errors": []}), Reply(status=503, body={})])
    server = serve(lambda _: next(replies))
    client = Client(server.url, attempts=3, backoff=0.001, transient_statuses=(412,))

    answers = [
        client.request("/{place}", method="LIST", headers={"X-Place": "é".encode()}, place="a/b"),
        client.request("/x"),
    ]

    assert [one.status_code for one in answers] == [404, 503]
    assert [f"{one.method} {one.path}" for one in server.asked] == ["LIST /a%2Fb", "LIST /a%2Fb", "GET /x"]
    assert server.asked[0].headers["X-Place"].encode("latin-1") == "é".encode()


def test_no_pool_of_connections_follows_a_redirect(serve: Callable[[Answering], Server]) -> None:
    """Nor those that an SDK makes for itself."""
    server = serve(_pages({"/one": Reply(status=302, headers={"Location": "/other"}), "/other": {"id": 7}}))
    manager = PoolManager()
    bound(manager)

    assert manager.connection_from_url(server.url).urlopen("GET", "/one").status == 302
    assert [asked.path for asked in server.asked] == ["/one"]
    manager.clear()


@pytest.mark.parametrize("url", ["http://api.example", "https://api.example"])
def test_a_session_is_bound_with_and_without_tls(url: str) -> None:
    """There is no other way out of it."""
    with bound_session(Session()) as session:
        assert isinstance(session.get_adapter(url), BoundedAdapter)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("http://127.0.0.1:1", "connection refused", id="no server"),
        pytest.param("https://nowhere.invalid", "its name cannot be resolved", id="no host"),
    ],
)
def test_a_server_that_cannot_be_reached_is_reported_with_the_reason(
    url: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And with a fix for doctor."""

    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    if url.startswith("https"):
        monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(Unreachable, match=f"{re.escape(url)} does not respond: {reason}") as raised:
        Client(url, attempts=2, backoff=0.001).get("/one", Row)

    assert raised.value.hint == "check the address, and that this machine can reach it"


def test_a_request_without_an_answer_in_time_is_sent_twice(serve: Callable[[Answering], Server]) -> None:
    """More tries would cost as many time-outs; the reason is in the usual words."""
    silent = Event()
    server = serve(lambda _: Reply(body={"id": silent.wait(5)}))
    client = Client(server.url, attempts=4, backoff=0.001, timeout=0.1)

    with pytest.raises(Unreachable, match="does not respond: no response in time"):
        client.get("/one", Row)
    silent.set()
    assert client.meter.calls == 2


def test_a_server_that_is_silent_to_the_end_of_the_budget_is_late(serve: Callable[[Answering], Server]) -> None:
    """The time of the scope is over, which is not the server's time-out."""
    silent = Event()
    server = serve(lambda _: Reply(body={"id": silent.wait(5)}))
    client = Client(server.url, attempts=1, timeout=60)

    with spending(0.2), pytest.raises(DeadlineExceeded, match="the scope"):
        client.get("/one", Row)
    silent.set()


@pytest.mark.parametrize("environment", [True, False])
def test_the_environment_s_proxy_is_asked_only_where_it_may(
    environment: bool, serve: Callable[[Answering], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would see the credentials."""
    proxy = serve(lambda _: Reply(body={"id": 1}))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)
    client = Client("http://api.invalid", insecure_http=True, attempts=1, environment=environment)

    if environment:
        assert client.get("/one", Row).id == 1
    else:
        with pytest.raises(Unreachable):
            client.get("/one", Row)
    assert len(proxy.asked) == environment


def test_an_etag_is_asked_about(serve: Callable[[Answering], Server]) -> None:
    """A 304 is the answer of before, its next page included; without one it is nothing."""

    def answering(asked: Asked) -> Reply:
        if asked.headers.get("If-None-Match") == '"one"':
            return Reply(status=304, body=b"")
        link = {"Link": '<{url}/rows?page=2>; rel="next"'} if asked.target == "/rows" else {}
        return Reply(body=[{"id": 1 + len(asked.query)}], headers={"ETag": '"one"', **link})

    server = serve(answering)
    client = _client(server)
    section = _section(client)
    first, again = ([row.id for row in client.rows("/rows", Row, section, paging=link_header)] for _ in range(2))

    assert first == again == [1, 7]
    assert [one.headers.get("If-None-Match") for one in server.asked] == [None, None, '"one"', '"one"']
    with pytest.raises(SourceError, match="HTTP 304"):
        _client(serve(lambda _: Reply(status=304, body=b""))).get("/one", Row)


@pytest.mark.parametrize("name", ["../../admin", "a/b", "a?b=1", "a#b", "a b", "\u202ea", "%2e%2e", "a\r\nX: y"])
def test_a_name_stays_in_its_place(name: str, serve: Callable[[Answering], Server]) -> None:
    """Whatever it is: one segment of the path."""
    server = serve(lambda _: Reply(body={"id": 1}))
    _client(server).get("/things/{thing}/keys", Row, thing=name)
    (asked,) = server.asked

    assert (asked.path.count("/"), asked.query) == (3, "")
    assert asked.path.startswith("/things/")
    assert asked.path.endswith("/keys")


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_is_no_segment_is_not_asked(name: str, serve: Callable[[Answering], Server]) -> None:
    """Clients would take it out of the path."""
    server = serve(lambda _: Reply(body={"id": 1}))

    with pytest.raises(Malformed):
        _client(server).get("/things/{thing}", Row, thing=name)
    assert server.asked == []


def test_a_row_of_another_shape_costs_itself(serve: Callable[[Answering], Server]) -> None:
    """The section is partial, and names it."""
    server = serve(lambda _: Reply(body=[{"id": 1}, {"id": None}, 3, {"id": 4}]))
    client = _client(server)
    with _section(client) as section:
        found = [row.id for row in client.rows("/rows", Row, section)]

    assert (found, section.coverage.status) == ([1, 4], "partial")
    assert "row 2 of page 1 could not be read" in str(section.coverage.detail)


def test_a_dead_host_is_not_asked_for_ever() -> None:
    """The first request is tried twice, the others once; after three in vain no more are sent."""
    client = Client("http://127.0.0.1:1", attempts=2, backoff=0.001)
    for _ in range(5):
        with pytest.raises(Unreachable):
            client.get("/one", Row)

    assert client.meter.calls == 4


@pytest.mark.parametrize("token", ["a\nb", "ä", " a"])
def test_a_token_that_no_header_can_hold_is_not_quoted(token: str) -> None:
    """The error names the header alone."""
    with pytest.raises(SourceError, match="the header Authorization") as caught:
        Client("https://api.example.com", headers={"Authorization": token})

    assert token not in str(caught.value)


def test_a_session_keeps_no_cookies_and_reads_no_netrc(
    serve: Callable[[Answering], Server], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the user who runs it gets into a request."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server = serve(lambda _: Reply(body={"id": 1}, headers={"Set-Cookie": "a=b"}))
    client = _client(server)
    for _ in range(2):
        client.get("/one", Row)

    assert {one.headers["Authorization"] for one in server.asked} == {"Bearer t"}
    assert all("Cookie" not in one.headers for one in server.asked)


class Tokens:
    """Credentials of which each renewal gives the next."""

    def __init__(self, *tokens: str) -> None:
        self.left = list(tokens)

    def headers(self, method: str, url: str) -> dict[str, str]:
        assert (method, url.rpartition("/")[2]) == ("GET", "one")
        if not self.left:
            raise Denied("no credentials")
        return {"Authorization": f"Bearer {self.left[0]}"}

    def renewed(self, refused: Response) -> bool:
        assert refused.request.headers["Authorization"] == f"Bearer {self.left[0]}"
        return len(self.left) > 1 and self.left.pop(0) != ""


@pytest.mark.parametrize(
    ("tokens", "said", "calls"),
    [
        (["good"], "", 1),
        (["old", "good"], "", 2),
        (["old"], "not valid: HTTP 401", 1),
        (["old", "older", "good"], "not valid: HTTP 401", 2),
        ([], "no credentials", 0),
    ],
)
def test_credentials_are_renewed_once_when_they_are_refused(
    tokens: list[str], said: str, calls: int, serve: Callable[[Answering], Server]
) -> None:
    """Each request is counted; without credentials none is sent."""
    server = serve(lambda asked: Reply(body={"id": 7}) if asked.headers["Authorization"] == "Bearer good"
                   else Reply(status=401, body={}))  # fmt: skip
    client = Client(server.url, sign_in=Tokens(*tokens), attempts=3, backoff=0.001)

    if said:
        with pytest.raises(Denied, match=said):
            client.get("/one", Row)
    else:
        assert client.get("/one", Row).id == 7
    assert client.meter.calls == len(server.asked) == calls


def test_units_of_work_share_what_is_known_of_a_host(serve: Callable[[Answering], Server]) -> None:
    """Each counts its own calls, and says what a refusal means to it."""
    server = serve(lambda _: Reply(status=503, body={}))
    client = _client(server)
    other = client.with_options(meter=Meter(), refusal=lambda _: Gone("a teapot"))

    with pytest.raises(SourceError, match="HTTP 503"):
        client.get("/one", Row)
    with pytest.raises(Gone, match="teapot"):
        other.get("/one", Row)

    assert (client.meter.calls, other.meter.calls) == (3, 1)
    assert client.with_options(refusal=lambda _: Gone("a teapot")).meter is client.meter


@pytest.mark.parametrize(
    ("options", "throttles"), [({}, False), ({"is_throttled": lambda response: response.status_code == 418}, True)]
)
def test_an_api_says_in_its_own_way_that_it_is_asked_too_much(
    options: dict[str, Any], throttles: bool, serve: Callable[[Answering], Server]
) -> None:
    """Then it is asked again, at a pace."""
    replies = iter([Reply(status=418, body={}), Reply(body={"id": 7})])
    server = serve(lambda _: next(replies))
    client = Client(server.url, attempts=3, backoff=0.001, **options)

    assert client.request("/one").status_code == (200 if throttles else 418)
    assert (client.rate.limited, client.meter.calls) == ((True, 2) if throttles else (False, 1))


def test_a_link_is_asked_for_as_it_is(serve: Callable[[Answering], Server]) -> None:
    """Braces in it are no places."""
    server = serve(lambda asked: Reply(body={"rows": [], "next": "" if "b" in asked.query else "{url}/rows?a={b}"}))
    list(_client(server).pages("/rows", at="/rows", paging=next_link("/next")))

    assert len(server.asked) == 2


def test_a_listing_may_lack_its_list(serve: Callable[[Answering], Server]) -> None:
    """Where an API leaves out empty ones; else it is another answer."""
    client = _client(serve(lambda _: Reply(body={})))

    assert [list(page.rows) for page in client.pages("/rows", at="/rows", may_lack=True)] == [[]]
    with pytest.raises(Malformed, match="no list"):
        list(client.pages("/rows", at="/rows"))


def test_a_parameter_with_many_values_is_repeated(serve: Callable[[Answering], Server]) -> None:
    """On every page."""
    server = serve(lambda asked: Reply(body={"rows": [], "next": "" if "after" in asked.query else "b"}))
    list(_client(server).pages("/rows", at="/rows", paging=cursor("/next", "after"), params={"type": ("a", "b")}))

    assert [one.query for one in server.asked] == ["type=a&type=b", "type=a&type=b&after=b"]


def test_there_is_no_less_time_than_none() -> None:
    """Whenever the time ends, also between two looks at the clock: a socket takes no negative time-out."""
    for _ in range(200):
        answer = Budget(time.monotonic() + 0.0002, 1, Limits()).answer()
        with suppress(DeadlineExceeded):
            while True:
                assert answer.seconds() > 0
