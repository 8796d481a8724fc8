"""The contract of connectors, as functions that the tests of any connector call with its own answers.

::

    ESTATE = Estate(
        make=lambda url: MyConnector("prod", MySettings(url=url, token=SecretRef(env="MY_TOKEN"))),
        answers={"/v1/bots": {"bots": [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]}},
        secret="the-token-that-MY_TOKEN-holds",
    )


    def test_contract() -> None:
        check_all(ESTATE)

Each ``check_*`` starts a server on loopback, lets the connector read it as the engine would, and raises AssertionError
saying what is wrong. Nothing but the standard library and Muster is needed.
"""

from __future__ import annotations

import gzip
import itertools
import json
import pickle
import re
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self, TypeAlias

import msgspec
from msgspec import Struct

from connectors.base import Connector, DiscoveredRecord, Scope
from connectors.budget import Limits
from scanner.discovery.scopes import list_scopes, read_scope
from scanner.model import ANY_KIND, Coverage, Exposure, Identity

LIMITS = Limits(answer_bytes=256 * 1024, answer_seconds=1.0)
"""Small limits, so that an answer without end ends soon."""
PATIENT = Limits(answer_bytes=LIMITS.answer_bytes)
"""For answers that end: a busy machine may take more than a second for one."""
DEADLINE = 10.0
"""Seconds for a scope."""
CANARY = "canary-7f3a9c51e2d84b60-no-connector-keeps-this"
"""A value in fields that no connector reads."""
MANY = 500
"""Requests that a server answers; no estate takes that many."""
LONGEST = 8.0
"""Seconds after which a server ends an answer that has no end."""
HOSTILE = "\u202e../../../muster-was-here?muster-was-here=1#x\x1b[31m\n<script>{{7*7}}"
"""A name that turns text around, climbs out of a path, and holds a terminal sequence."""
_TRACE = "muster-was-here"
_NAMES = ("name", "login", "slug", "title", "description", "display_name", "displayName", "label")
_HTML = b"<html><body>Please log in</body></html>"
_BOMB = 64 * 1024 * 1024
_DRIP = 0.05
_WAIT = 1
_FEWEST = 2
"""Identities of an estate, or of requests where one is to be repeated."""
_NOT_FOUND = 404
_NO_NUMBER = ("null", "[]", "{}", '"text"', "17", "[null]", "[[[]]]", "[" * 100_000, "\xff", "")

Json: TypeAlias = Any


class Asked(Struct, frozen=True, kw_only=True):
    """A request as it came. ``path``: without the query. ``at``: on the monotonic clock.

    ``certificate``: of the client, as ``ssl`` decodes it; None without one.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    at: float
    certificate: Mapping[str, Any] | None = None

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path


class Reply(Struct, frozen=True, kw_only=True):
    """An answer. ``body``: JSON, or bytes as they are; ``{url}`` in JSON and headers is the server's own address.

    ``encode``: makes the bytes of an API that does not answer in JSON, as of XML. The checks change ``body`` before.
    ``cut``: bytes at the end that are announced and never come. ``pieces``: sent after the headers until anyone who
    asked has had enough; ``raw``: before any header.
    """

    body: Json = None
    status: int = 200
    headers: Mapping[str, str] = {}
    cut: int = 0
    pieces: Callable[[], Iterator[bytes]] | None = None
    raw: bool = False
    encode: Callable[[Json], bytes] | None = None

    def content(self, url: str = "{url}") -> bytes:
        """The bytes of the body, from a server at this address."""
        if isinstance(self.body, bytes):
            return self.body
        return self.encode(self.body) if self.encode else json.dumps(self.body).replace("{url}", url).encode()


Answering: TypeAlias = Callable[[Asked], Reply]


class Server:
    """A server on loopback; a context manager. ``url``: its address. ``asked``: every request that came, in order.

    ``most``: requests that it answers; all after them get status 410. ``tls``: None for plain HTTP.
    ``outlasted``: a client read on until the server itself ended an answer without end.
    """

    def __init__(self, answering: Answering, *, most: int | None = MANY, tls: ssl.SSLContext | None = None) -> None:
        self.most = most
        self.answering = answering
        self.asked: list[Asked] = []
        self.outlasted = False
        self.stopped = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self._server.daemon_threads = True
        if tls is not None:
            # The handshake is the handler's: a client that is slow at it must not stop the others.
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two packets, and the second would wait 40 ms for the first one's acknowledgement.
    disable_nagle_algorithm = True
    owner: Server

    def handle(self) -> None:
        with suppress(OSError):  # the client has had enough
            super().handle()

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        decoded = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
        asked = Asked(
            method=self.command,
            path=path,
            query=query,
            headers=dict(self.headers),
            body=body,
            at=time.monotonic(),
            certificate=decoded or None,
        )
        self.owner.asked.append(asked)
        if (
            self.owner.most is not None and len(self.owner.asked) > self.owner.most
        ):  # a client that does not stop is stopped, or its test would never end
            self._send(Reply(status=410, body={}))
        else:
            self._send(self.owner.answering(asked))

    def _send(self, reply: Reply) -> None:
        own = self.owner.url
        if reply.raw:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        content = reply.content(own)
        if not reply.raw:
            self.send_response(reply.status)
            length = len(content) + reply.cut if reply.pieces is None else _BOMB
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value.replace("{url}", own))
            self.send_header("Content-Length", str(length))
            self.end_headers()
        if reply.pieces is None:
            self.wfile.write(content)
            self.close_connection = self.close_connection or reply.cut > 0
            return
        self.close_connection = True
        sent, ends = 0, time.monotonic() + LONGEST
        for piece in reply.pieces():
            sent += len(piece)
            if self.owner.stopped.is_set():
                return
            if sent > _BOMB or time.monotonic() > ends:
                self.owner.outlasted = True
                return
            self.wfile.write(piece)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """The base class looks for ``do_`` and the verb: every verb is handled alike."""
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def log_message(self, *_: object) -> None:
        """Nothing: ``Server.asked`` has every request."""


class Estate(Struct, frozen=True, kw_only=True):
    """A provider with something to read, as its connector's tests describe it.

    ``make``: the connector for the provider at an address. ``answers``: by path, or by path and query, what the healthy
    provider answers: JSON, or a :class:`Reply`; at least two identities, one listing with a second page, and ``{url}``
    where an answer names the provider's own address. ``secret``: what the connector shows to be let in.
    ``names``: keys whose text, or list of texts, anyone can choose; ``maps``: keys of objects whose keys anyone can.
    ``unread``: keys that no record may have a value of, wherever they are in an answer.
    ``paged``: False for a provider without any listing in pages. ``waits``: False for one that names no time to wait
    when it refuses for load. ``spare``: operations that are no gap where they alone are denied or malformed: other
    requests give the same records, or a section is off and says why.

    Where one path serves everything, as in GraphQL, a subclass says what tells requests apart (``operation``); where
    refusals have a form of their own, ``refusal`` and ``throttled`` give it.
    """

    make: Callable[[str], Connector]
    answers: Mapping[str, Json]
    secret: str
    names: Sequence[str] = _NAMES
    maps: Sequence[str] = ("labels", "tags", "annotations")
    unread: Sequence[str] = ("secret", "token", "password", "private_key", "value_of_it")
    paged: bool = True
    waits: bool = True
    spare: Sequence[str] = ()

    def healthy(self, asked: Asked) -> Reply:
        """What the healthy provider answers; 404 where it has no such thing."""
        found = self.answers.get(asked.target, self.answers.get(asked.path))
        if found is None:
            return Reply(status=_NOT_FOUND, body={"message": "Not Found"})
        return found if isinstance(found, Reply) else Reply(body=found)

    def operation(self, asked: Asked) -> str:
        """What a request asks for; the same for all pages of a listing."""
        return asked.path

    def refusal(self, asked: Asked, message: str) -> Reply:
        """The answer to a request that the credentials may not make."""
        del asked  # for subclasses whose answer depends on it
        return Reply(status=403, body={"message": message})

    def throttled(self, asked: Asked) -> Reply:
        """The answer when the rate limit is exceeded, with ``Retry-After`` unless ``waits`` is False."""
        del asked  # for subclasses whose answer depends on it
        return Reply(status=429, body={}, headers={"Retry-After": str(_WAIT)})


def read(connector: Connector, *, deadline: float = DEADLINE, limits: Limits = PATIENT) -> list[DiscoveredRecord]:
    """All of its records, as the engine takes them: failures are gaps. Raises AssertionError for a bug."""
    return [record for unit in _units(connector, deadline, limits) for record in unit]


def _units(connector: Connector, deadline: float, limits: Limits) -> list[list[DiscoveredRecord]]:
    """What listing the scopes came to, and then what each of them did."""
    listing = list_scopes("prod", connector, deadline=deadline, limits=limits)
    units: list[list[DiscoveredRecord]] = [[*listing.coverage]]
    for scope in listing.scopes:
        one = read_scope(connector, scope, deadline=deadline, limits=limits)
        units.append([*one.identities, *one.secrets, *one.workloads, *one.assignments, *one.exposures, *one.coverage])
    coverage = _coverage(record for unit in units for record in unit)
    for gap in coverage:
        if "internal error" in (gap.detail or ""):
            raise AssertionError(f"the connector broke, section {gap.section}: {gap.detail} (its log has the place)")
    if not coverage:
        raise AssertionError(
            "no coverage was reported: every section that is tried yields one, and so does every failure"
        )
    return units


def read_unmasked(connector: Connector) -> list[DiscoveredRecord]:
    """All of its records as it yields them, before the engine masks and limits them. Its exceptions go through."""
    records: list[DiscoveredRecord] = []
    for unit in connector.scopes():
        records += connector.discover(unit) if isinstance(unit, Scope) else [unit]
    return records


def check_all(estate: Estate) -> None:
    """Every check, one after the other."""
    for check in CHECKS:
        check(estate)


def check_spec(kind: Any) -> None:
    """The spec says what docs, ``doctor`` and the advice on a gap are made from."""
    spec = kind.spec
    names = [section.name for section in spec.sections]
    _no("sections of the same name", [name for name in names if names.count(name) > 1])
    _no("sections without a title, or what is lost without them",
        [one.name for one in spec.sections if not (one.title and one.without)])  # fmt: skip
    _no("sections without a permission", [s.name for s in spec.sections if not s.permissions and not s.optional])
    if not spec.settings.__struct_config__.forbid_unknown_fields:
        raise AssertionError("the settings take any key: give their Struct forbid_unknown_fields=True")


def check_settings(kind: Any, table: Mapping[str, Any]) -> None:
    """A source's table of config.toml makes a connector, and an unknown key is refused by name."""
    convert = partial(msgspec.convert, type=kind.spec.settings, dec_hook=lambda _, value: Path(value))
    kind("prod", convert(dict(table)))
    try:
        convert({**table, "no_such_key": 1})
    except msgspec.ValidationError:
        return
    raise AssertionError("the settings take a key that they do not know")


def check_healthy(estate: Estate) -> None:
    """Everything is read whole, see :func:`check_reading`, and nothing is requested that the provider does not have."""
    with Server(estate.healthy) as server:
        check_reading(estate.make(server.url), secret=estate.secret)
        foreign = [one.path for one in server.asked if estate.healthy(one).status == _NOT_FOUND]
        unknown = {one.target for one in server.asked if estate.secret in one.target}
    _no("requests that the estate has no answer to", foreign)
    _no("addresses that hold the secret", list(unknown))


def check_reading(
    connector: Connector, *, secret: str, deadline: float = DEADLINE, limits: Limits = PATIENT
) -> list[DiscoveredRecord]:
    """Of a healthy provider with two identities (or exposures) or more, whichever it is; returns the records.

    No gap and nothing unread; declared kinds and sections, unique keys, the same records twice; it travels to another
    machine; and ``secret``, which the provider holds or is asked with, is in no record.
    """
    check_spec(type(connector))
    units = _units(connector, deadline, limits)
    records = [record for unit in units for record in unit]
    again = read(connector, deadline=deadline, limits=limits)
    scopes = [one for one in connector.scopes() if isinstance(one, Scope)]
    for sent in (connector, scopes):
        back = pickle.loads(pickle.dumps(sent))  # noqa: S301  # what was just written is read
        if type(back) is not type(sent) or (sent is scopes and back != scopes):
            raise AssertionError("the connector, or a scope, is another one after it was pickled")
    spec, identities = connector.spec, [one for one in records if isinstance(one, Identity)]
    listed = [(one.scope, one.section) for one in _coverage(records)]
    declared = {section.name for section in spec.sections}
    _no("gaps", [(one.section, one.status, one.detail) for one in _coverage(records) if one.is_gap])
    _no("keys that two identities share", _shared(units))
    found = [one for one in records if isinstance(one, Exposure)] if not spec.kinds else identities
    if len({one.key for one in found}) < _FEWEST:
        raise AssertionError(f"{len(found)} identities or exposures were read: an estate needs two, or they were lost")
    _no("keys that two credentials share", _credentials_shared(identities))
    _no("kinds that the spec does not declare",
        sorted({one.kind for one in identities} - set(spec.kinds)) if ANY_KIND not in spec.kinds else [])  # fmt: skip
    _no("identities of another source, or without a name",
        [one.key for one in identities if one.source != "prod" or not one.name.strip()])  # fmt: skip
    _no("identities with facts unread, though nothing is a gap", _unread(identities))
    _no(
        "sections that the spec does not declare",
        [name for _, name in listed if name.partition(":")[0] not in declared],
    )
    _no("sections that are reported twice", _repeated(listed))
    _no("sections that count no identities, though some were read",
        [] if sum(one.identities for one in _coverage(records)) else ["all: call section.found()"])  # fmt: skip
    if sorted(map(repr, map(_still, records))) != sorted(map(repr, map(_still, again))):
        raise AssertionError("a second reading of the same answers gave other records")
    _silent(secret, read_unmasked(connector), "the secret")
    return records


def check_foreign_host(estate: Estate) -> None:
    """No next link and no redirect leads to another host, least of all with the credentials."""
    with Server(lambda _: Reply(body={})) as other:

        def by_header(asked: Asked) -> Reply:
            reply = _pointing(estate.healthy(asked), other.url)
            link = {"Link": f'<{other.url}{asked.target}>; rel="next"'}
            return msgspec.structs.replace(reply, headers={**reply.headers, **link})

        def by_body(asked: Asked) -> Reply:
            reply = _pointing(estate.healthy(asked), other.url)
            links = dict.fromkeys(("nextLink", "@odata.nextLink", "next", "next_url"), f"{other.url}{asked.target}")
            is_object = isinstance(reply.body, dict)
            return msgspec.structs.replace(reply, body={**reply.body, **links}) if is_object else reply

        for answering in (by_header, by_body):
            with Server(answering) as server:
                read(estate.make(server.url))
            _arrived(other, estate, "a link to the next page")
        for status in (301, 302, 303, 307, 308):
            moved = Reply(status=status, body={}, headers={"Location": f"{other.url}/moved"})
            for _ in _without(estate, moved, f"a provider that only redirects ({status})"):
                _arrived(other, estate, f"a redirect ({status})")


def check_throttled(estate: Estate) -> None:
    """After a refusal for load it waits as long as the provider says; refusals without end are a gap, in time."""
    refused: list[Asked] = []

    def once(asked: Asked) -> Reply:
        if refused:
            return estate.healthy(asked)
        refused.append(asked)
        return estate.throttled(asked)

    with Server(once) as server:
        records = read(estate.make(server.url), deadline=30.0)
        same = [one.at for one in server.asked if _request(one) == _request(refused[0])]
    _no("gaps after one refusal for load", [(one.section, one.detail) for one in _coverage(records) if one.is_gap])
    if estate.waits and (len(same) < _FEWEST or same[1] - same[0] < 0.9 * _WAIT):
        raise AssertionError(f"after a 429 with Retry-After: {_WAIT} it was requested again too early")
    for server in _without(estate, estate.throttled, "a provider that refuses everything for load", deadline=3.0):
        _bounded(server, "refusals for load without end")


def check_loop(estate: Estate) -> None:
    """Pages that lead in a circle are a gap of their listing, and end."""
    with Server(estate.healthy) as server:
        read(estate.make(server.url))
        first: dict[str, Asked] = {}
        for asked in server.asked:
            first.setdefault(estate.operation(asked), asked)
        paged = {name for one in server.asked if _request(one) != _request(first[name := estate.operation(one)])}
    if not estate.paged:
        return
    if not paged:
        raise AssertionError("no listing of the estate has a second page: give one, or say paged=False")
    # Whatever page is asked for, the answer is the first: its link, token or rows lead back to itself.
    with Server(lambda asked: estate.healthy(first.get(estate.operation(asked), asked))) as server:
        records = read(estate.make(server.url), deadline=3.0)
        _bounded(server, "pages in a circle")
    if not any(one.is_gap for one in _coverage(records)):
        raise AssertionError(f"the pages of {', '.join(sorted(paged))} repeated, and no section is a gap")


def check_not_the_api(estate: Estate) -> None:
    """200 with a login page, an error, or no connection at all: no section is complete without an answer."""
    for reply, what in (
        (Reply(body=_HTML, headers={"Content-Type": "text/html"}), "a login page with status 200"),
        (Reply(body=_HTML, status=500), "a server error"),
        (Reply(status=401, body={"message": "Bad credentials"}), "credentials that are refused"),
        (Reply(status=204, body=b""), "no content"),
    ):
        for _ in _without(estate, reply, what):
            pass
    _nothing_complete(read(estate.make("http://127.0.0.1:1")), "a connection that is refused")


def check_endless(estate: Estate) -> None:
    """An answer a byte at a time, one without end, one that unpacks into gigabytes: the budget ends each."""
    bomb = gzip.compress(bytes(_BOMB), 1)
    for reply, what in (
        (Reply(raw=True, pieces=lambda: drip(b"X-Padding: ")), "headers that come a byte at a time"),
        (Reply(pieces=lambda: drip(b"{")), "a body that comes a byte at a time"),
        (Reply(pieces=lambda: itertools.repeat(b" " * 65536)), "a body without end"),
        (Reply(body=bomb, headers={"Content-Encoding": "gzip"}), "an answer that unpacks into 64 MiB"),
    ):
        for server in _without(estate, reply, what, deadline=2.0):
            if server.outlasted:
                raise AssertionError(f"{what}: it was read to its end; go through connectors.http, or draw on a budget")


def check_malformed(estate: Estate) -> None:
    """Answers cut short or of another shape are gaps, never an exception."""
    operations, whole = _operations(estate)
    first, *others = *_NO_NUMBER, None
    gaps: dict[str, set[tuple[str, str]]] = {}
    for name in operations:
        records, asked = _malformed(estate, [name], first)
        _missed(estate, name, records, whole, _answered(first))
        gaps[name] = _gaps(records) if asked >= set(operations) else set()
    for body, group in itertools.product(others, _apart(gaps)):
        records, asked = _malformed(estate, group, body)
        if body in ("[]", "{}"):  # these may be right, and say that there is nothing
            continue
        for name in group:
            if len(group) == 1 or (name in asked and not gaps[name].isdisjoint(_gaps(records))):
                alone = records
            else:  # another one may have kept it from being asked
                alone, _ = _malformed(estate, [name], body)
            _missed(estate, name, alone, whole, _answered(body))


def _malformed(
    estate: Estate, operations: Sequence[str], body: str | None
) -> tuple[list[DiscoveredRecord], AbstractSet[str]]:
    """What is read where these are answered with this body, None: with half of their own; and what was asked."""

    def answering(asked: Asked) -> Reply:
        if estate.operation(asked) not in operations:
            return estate.healthy(asked)
        if body is not None:
            return Reply(body=body.encode("latin-1"))
        reply = estate.healthy(asked)
        text = reply.content()
        half = len(text) // 2
        return msgspec.structs.replace(reply, body=text[:half], cut=len(text) - half)

    with Server(answering) as server:
        return read(estate.make(server.url)), {estate.operation(one) for one in server.asked}


def _answered(body: str | None) -> str:
    return "answered cut short" if body is None else f"answered {body[:20]!r}"


def _gaps(records: Sequence[DiscoveredRecord]) -> set[tuple[str, str]]:
    return {(one.scope, one.section) for one in _coverage(records) if one.is_gap}


def _apart(gaps: Mapping[str, AbstractSet[tuple[str, str]]]) -> list[list[str]]:
    """Operations in groups for one reading: no two are gaps of the same section, and one without gaps is alone."""
    groups: list[list[str]] = []
    for name, own in gaps.items():
        fitting = (group for group in groups if all(gaps[one] and own.isdisjoint(gaps[one]) for one in group))
        group = next(fitting, None) if own else None
        if group is None:
            groups.append([name])
        else:
            group.append(name)
    return groups


def check_denied(estate: Estate) -> None:
    """Each operation denied alone is a gap that names the permission, and quotes no credentials."""
    quoting = f"{estate.secret} may not do this"
    operations, whole = _operations(estate)
    for name in operations:

        def denied(asked: Asked, name: str = name) -> Reply:
            return estate.refusal(asked, quoting) if estate.operation(asked) == name else estate.healthy(asked)

        with Server(denied) as server:
            records = read(estate.make(server.url))
        _missed(estate, name, records, whole, "was denied")
        gaps = [one for one in _coverage(records) if one.is_gap]
        # A scope that could not even be listed is a gap of all sections, "*", each with a permission of its own.
        unnamed = [one.section for one in gaps if one.status == "denied" and one.section != "*" and not one.permission]
        _no("denied sections that name no permission", unnamed)
        _silent(estate.secret, records, f"the credentials, which the refusal of {name} quoted")


def check_hostile_names(estate: Estate) -> None:
    """Whatever things are called: nothing breaks, and no name leads a request to another path."""
    bodies = [one.body if isinstance(one, Reply) else one for one in estate.answers.values()]
    if bodies == [_renamed(body, estate.names) for body in bodies]:
        raise AssertionError(f"no answer of the estate has a text under {', '.join(estate.names)}: say names=…")

    def renamed(asked: Asked) -> Reply:
        reply = estate.healthy(asked)
        return msgspec.structs.replace(reply, body=_renamed(reply.body, estate.names))

    with Server(renamed) as server:
        read(estate.make(server.url))
        for asked in server.asked:
            climbed = _TRACE in asked.query or any(part.startswith(_TRACE) for part in asked.path.split("/"))
            if climbed or ".." in asked.path.split("/"):
                raise AssertionError(f"a name changed the path of a request: {asked.target!r}; quote names in paths")


def check_secrets(estate: Estate) -> None:
    """Fields that are not read are not kept, and the credentials are in no record."""

    def loose(asked: Asked) -> Reply:
        reply = estate.healthy(asked)
        return msgspec.structs.replace(reply, body=_with_canaries(reply.body, estate))

    with Server(loose) as server:
        records = read_unmasked(estate.make(server.url))
    _no("gaps only because responses have more fields", [one.section for one in _coverage(records) if one.is_gap])
    _silent(CANARY, records, "an unrequested field")
    _silent(estate.secret, records, "the credentials")


CHECKS: tuple[Callable[[Estate], None], ...] = (
    check_healthy,
    check_foreign_host,
    check_throttled,
    check_loop,
    check_not_the_api,
    check_endless,
    check_malformed,
    check_denied,
    check_hostile_names,
    check_secrets,
)
"""All of them, for a test that is run once for each."""


def _coverage(records: Iterable[DiscoveredRecord]) -> list[Coverage]:
    return [one for one in records if isinstance(one, Coverage)]


def _without(estate: Estate, reply: Reply | Answering, what: str, *, deadline: float = DEADLINE) -> Iterator[Server]:
    """The server after each reading: one with this reply to everything, one to all but what listing the scopes asks.

    No section may be complete then.
    """
    with Server(estate.healthy) as server:
        connector = estate.make(server.url)
        before = len(server.asked)
        listed = list_scopes("prod", connector, deadline=deadline, limits=LIMITS)
        listing = {_request(one) for one in server.asked[before:]}
        reported = {one.section for one in listed.coverage}
    is_listed = listing and not any(one.is_gap for one in listed.coverage)
    nothing = frozenset[tuple[str, bytes]]()
    for healthy in (nothing, listing) if is_listed else (nothing,):

        def answering(asked: Asked, healthy: AbstractSet[tuple[str, bytes]] = healthy) -> Reply:
            bad = reply if isinstance(reply, Reply) else reply(asked)
            return estate.healthy(asked) if _request(asked) in healthy else bad

        with Server(answering) as server:
            records = read(estate.make(server.url), deadline=deadline, limits=LIMITS)
            own = [one for one in records if not (healthy and isinstance(one, Coverage) and one.section in reported)]
            _nothing_complete(own, what)
            yield server


def _operations(estate: Estate) -> tuple[list[str], list[DiscoveredRecord]]:
    """The operations that the connector calls at a healthy provider, and what it reads."""
    with Server(estate.healthy) as server:
        records = read(estate.make(server.url))
        return sorted({estate.operation(one) for one in server.asked}), records


def _request(asked: Asked) -> tuple[str, bytes]:
    """What makes it the same request when it comes again."""
    return asked.target, asked.body


def _missed(
    estate: Estate, name: str, records: Sequence[DiscoveredRecord], whole: Sequence[DiscoveredRecord], what: str
) -> None:
    """Raise where an answer was bad, and no section is a gap."""
    if any(one.is_gap for one in _coverage(records)):
        return
    if name not in estate.spare:
        raise AssertionError(f"{name} {what}, and no section is a gap")
    if {one.section for one in _coverage(records) if one.status == "off"} - {
        one.section for one in _coverage(whole) if one.status == "off"
    }:
        return  # the loss is said
    # Each server has a port of its own, which may stand in keys.
    facts, expected = (
        {_without_port(repr(one)) for one in found if not isinstance(one, Coverage)} for found in (records, whole)
    )
    _no(f"records that are lost because {name} {what}, without a gap", sorted(expected - facts))


def _without_port(text: str) -> str:
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", text)


def _repeated(keys: Iterable[Any]) -> list[Any]:
    """Those that come more than once."""
    return [key for key, times in Counter(keys).items() if times > 1]


def _shared(units: Sequence[Sequence[DiscoveredRecord]]) -> list[str]:
    """Keys that come twice in one unit, or in two with other facts. Two units may see one identity from two sides."""
    seen = [[one for one in unit if isinstance(one, Identity)] for unit in units]
    facts = {(one.key, one.scope, one.kind, one.name, one.unique_id) for unit in seen for one in unit}
    twice = {key for unit in seen for key in _repeated(one.key for one in unit)}
    return sorted({*twice, *_repeated(key for key, *_ in facts)})


def _credentials_shared(identities: Sequence[Identity]) -> list[str]:
    twice = {key for one in identities for key in _repeated(credential.key for credential in one.credentials)}
    held = {(one.key, credential.key) for one in identities for credential in one.credentials}
    return sorted({*twice, *_repeated(key for _, key in held)})


def _unread(identities: Sequence[Identity]) -> list[str]:
    """With the facts that no unit has read: what one does not see of an identity, another may."""
    unread: dict[str, set[str]] = {}
    for one in identities:
        unread[one.key] = unread.get(one.key, set(one.unread)) & set(one.unread)
    return [f"{key}: {', '.join(sorted(facts))}" for key, facts in unread.items() if facts]


def _still(record: DiscoveredRecord) -> DiscoveredRecord:
    return msgspec.structs.replace(record, calls=0, detail=None) if isinstance(record, Coverage) else record


def _no(what: str, found: Sequence[Any]) -> None:
    if found:
        raise AssertionError(f"{what}: {', '.join(map(str, found))}")


def _silent(secret: str, records: Sequence[DiscoveredRecord], what: str) -> None:
    """Neither as text nor as what the store would keep."""
    holding = {
        type(one).__name__ for one in records if secret in repr(one) or secret.encode() in msgspec.json.encode(one)
    }
    _no(f"records that hold {what}", sorted(holding))


def _arrived(other: Server, estate: Estate, how: str) -> None:
    for asked in other.asked:
        shown = estate.secret in repr((asked.headers, asked.target, asked.body))
        raise AssertionError(f"{how} was followed to another host{', with the credentials' if shown else ''}")


def _nothing_complete(records: Sequence[DiscoveredRecord], what: str) -> None:
    _no(f"sections that are complete in spite of {what}",
        sorted({one.section for one in _coverage(records) if one.status == "complete"}))  # fmt: skip
    if not any(one.is_gap for one in _coverage(records)):
        raise AssertionError(f"{what} caused no gap")


def _bounded(server: Server, what: str) -> None:
    if len(server.asked) > MANY:
        raise AssertionError(f"{what}: after {MANY} requests it went on")


def _pointing(reply: Reply, url: str) -> Reply:
    """The reply with another server in place of its own."""
    body = reply.body if isinstance(reply.body, bytes) or reply.encode else json.loads(reply.content(url))
    headers = {name: value.replace("{url}", url) for name, value in reply.headers.items()}
    return msgspec.structs.replace(reply, body=body, headers=headers)


def _renamed(body: Json, names: Sequence[str]) -> Json:
    match body:
        case dict():
            return {key: (_hostile if key in names else _renamed)(value, names) for key, value in body.items()}
        case list():
            return [_renamed(one, names) for one in body]
    return body


def _hostile(body: Json, names: Sequence[str]) -> Json:
    """A name, or a list of names; anything else as ``_renamed`` has it."""
    match body:
        case str():
            return f"{body}{HOSTILE}"
        case list() if all(isinstance(one, str) for one in body):
            return [f"{one}{HOSTILE}" for one in body]
    return _renamed(body, names)


def _with_canaries(body: Json, estate: Estate) -> Json:
    match body:
        case dict():
            more = dict.fromkeys(estate.unread, CANARY)
            kept = {key: value if key in estate.maps else _with_canaries(value, estate) for key, value in body.items()}
            return {**more, **kept}
        case list():
            return [_with_canaries(one, estate) for one in body]
    return body


def drip(first: bytes) -> Iterator[bytes]:
    """These bytes one at a time, and more without end."""
    for byte in itertools.chain(first, itertools.repeat(ord("x"))):
        yield bytes((byte,))
        time.sleep(_DRIP)
