"""Checks against a provider that fails as a whole: it redirects, throttles, repeats pages, or never ends an answer."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from connectors.core.contract import DiscoveredRecord
from connectors.testing.estate import WAIT, Estate
from connectors.testing.reading import DEADLINE, LIMITS, PATIENT, coverage_of, gaps_of, read, require_none
from connectors.testing.server import LARGEST, MANY, Answering, Asked, Reply, Server, drip
from scanner.discovery.scopes import list_scopes
from scanner.model import Coverage

_HTML = b"<html><body>Please log in</body></html>"


def check_foreign_host(estate: Estate) -> None:
    """No next link and no redirect is followed to another host."""
    with Server(lambda _: Reply(body={})) as other:

        def by_header(asked: Asked) -> Reply:
            reply = _readdressed(estate.healthy(asked), other.url)
            link = {"Link": f'<{other.url}{asked.target}>; rel="next"'}
            return msgspec.structs.replace(reply, headers={**reply.headers, **link})

        def by_body(asked: Asked) -> Reply:
            reply = _readdressed(estate.healthy(asked), other.url)
            links = dict.fromkeys(("nextLink", "@odata.nextLink", "next", "next_url"), f"{other.url}{asked.target}")
            is_object = isinstance(reply.body, dict)
            return msgspec.structs.replace(reply, body={**reply.body, **links}) if is_object else reply

        for answering in (by_header, by_body):
            with Server(answering) as server:
                read(estate.make(server.url))
            _require_unvisited(other, estate, "a link to the next page")
        for status in (301, 302, 303, 307, 308):
            moved = Reply(status=status, body={}, headers={"Location": f"{other.url}/moved"})
            for _ in _read_broken(estate, moved, f"a provider that only redirects ({status})"):
                _require_unvisited(other, estate, f"a redirect ({status})")


def check_throttled(estate: Estate) -> None:
    """A throttled request is repeated after ``Retry-After``. Throttling without end is a gap before the deadline."""
    throttled: list[Asked] = []

    def once(asked: Asked) -> Reply:
        if throttled:
            return estate.healthy(asked)
        throttled.append(asked)
        return estate.throttled(asked)

    with Server(once) as server:
        records = read(estate.make(server.url), deadline=30.0)
        times = [request.at for request in server.asked if _content(request) == _content(throttled[0])]
    require_none("gaps after one refusal for load", [(gap.section, gap.detail) for gap in gaps_of(records)])
    if estate.waits and (not times[1:] or times[1] - times[0] < 0.9 * WAIT):
        raise AssertionError(f"after a 429 with Retry-After: {WAIT} it was requested again too early")
    refusing, seconds = "a provider that refuses everything for load", estate.patience + WAIT
    for server in _read_broken(estate, estate.throttled, refusing, deadline=seconds):
        _require_bounded(server, "refusals for load without end")


def check_loop(estate: Estate) -> None:
    """Pages that lead in a circle are a gap of their listing, and the reading ends."""
    if not estate.paged:
        return
    with Server(estate.healthy) as server:
        read(estate.make(server.url))
        first: dict[str, Asked] = {}
        for request in server.asked:
            first.setdefault(estate.operation(request), request)
        paged = {name for one in server.asked if _content(one) != _content(first[name := estate.operation(one)])}
    if not paged:
        raise AssertionError("no listing of the estate has a second page: give one, or say paged=False")
    # Every page is answered with the first: its link, token or rows lead back to itself.
    with Server(lambda asked: estate.healthy(first.get(estate.operation(asked), asked))) as server:
        records = read(estate.make(server.url), deadline=3.0)
        _require_bounded(server, "pages in a circle")
    if not gaps_of(records):
        raise AssertionError(f"the pages of {', '.join(sorted(paged))} repeated, and no section is a gap")


def check_not_the_api(estate: Estate) -> None:
    """After a login page with status 200, an error, or a refused connection, no section is complete."""
    for reply, what in (
        (Reply(body=_HTML, headers={"Content-Type": "text/html"}), "a login page with status 200"),
        (Reply(body=_HTML, status=500), "a server error"),
        (Reply(status=401, body={"message": "Bad credentials"}), "credentials that are refused"),
        (Reply(status=204, body=b""), "no content"),
    ):
        for _ in _read_broken(estate, reply, what):
            pass
    _require_nothing_complete(read(estate.make("http://127.0.0.1:1")), "a connection that is refused")


def check_endless(estate: Estate) -> None:
    """Limits end an answer that arrives byte by byte, one without end, and one that unpacks to 64 MiB."""
    bomb = gzip.compress(bytes(LARGEST), 1)
    for reply, what in (
        (Reply(raw=True, pieces=lambda: drip(b"X-Padding: ")), "headers that come a byte at a time"),
        (Reply(pieces=lambda: drip(b"{")), "a body that comes a byte at a time"),
        (Reply(pieces=lambda: itertools.repeat(b" " * 65536)), "a body without end"),
        (Reply(body=bomb, headers={"Content-Encoding": "gzip"}), "an answer that unpacks into 64 MiB"),
    ):
        for server in _read_broken(estate, reply, what, deadline=estate.patience):
            if server.outlasted:
                raise AssertionError(f"{what}: it was read to its end; use connectors.core.http, or draw on a budget")


def _read_broken(
    estate: Estate, reply: Reply | Answering, what: str, *, deadline: float = DEADLINE
) -> Iterator[Server]:
    """Read with the reply to every request, then to all but those that list the scopes; yield the server after each.

    There is no second reading if listing the scopes takes no request. Raises AssertionError if a section is complete.
    """
    with Server(estate.healthy) as server:
        connector = estate.make(server.url)
        before = len(server.asked)
        listed = list_scopes("prod", connector, deadline=DEADLINE, limits=PATIENT)
        listing = {_content(request) for request in server.asked[before:]}
        reported = {coverage.section for coverage in listed.coverage}
    limits = msgspec.structs.replace(LIMITS, answer_seconds=estate.patience / 2)
    is_listed = listing and not any(coverage.is_gap for coverage in listed.coverage)
    nothing = frozenset[tuple[str, bytes]]()
    for healthy in (nothing, listing) if is_listed else (nothing,):

        def answering(asked: Asked, healthy: AbstractSet[tuple[str, bytes]] = healthy) -> Reply:
            bad = reply if isinstance(reply, Reply) else reply(asked)
            return estate.healthy(asked) if _content(asked) in healthy else bad

        with Server(answering) as server:
            connector = estate.make(server.url)
            records = read(connector, deadline=deadline, limits=limits, lists_in_peace=bool(healthy))
            if healthy:
                records = [one for one in records if not (isinstance(one, Coverage) and one.section in reported)]
            _require_nothing_complete(records, what)
            yield server


def _content(request: Asked) -> tuple[str, bytes]:
    """The common content of repeated requests."""
    return request.target, request.body


def _readdressed(reply: Reply, url: str) -> Reply:
    """The reply with ``url`` as the address of its server."""
    body = reply.body if isinstance(reply.body, bytes) or reply.encode else json.loads(reply.content(url))
    headers = {name: value.replace("{url}", url) for name, value in reply.headers.items()}
    return msgspec.structs.replace(reply, body=body, headers=headers)


def _require_unvisited(other: Server, estate: Estate, how: str) -> None:
    for request in other.asked:
        shown = estate.secret in repr((request.headers, request.target, request.body))
        raise AssertionError(f"{how} was followed to another host{', with the credentials' if shown else ''}")


def _require_nothing_complete(records: Sequence[DiscoveredRecord], what: str) -> None:
    complete = {coverage.section for coverage in coverage_of(records) if coverage.status == "complete"}
    require_none(f"sections that are complete in spite of {what}", sorted(complete))
    if not gaps_of(records):
        raise AssertionError(f"{what} caused no gap")


def _require_bounded(server: Server, what: str) -> None:
    if len(server.asked) > MANY:
        raise AssertionError(f"{what}: after {MANY} requests it went on")
