"""A connection to an LDAP server: TLS, signing in, and searches in pages. Every answer draws on the scope's budget."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import ClassVar

from msgspec.structs import replace

from connectors.core.budget import Answer, current
from connectors.core.contract import Malformed, Meter, own_words
from connectors.ldap.client import ber, messages
from connectors.ldap.client.messages import LdapEntry, Result
from connectors.ldap.settings import LdapSettings
from scanner.errors import NotOffered, SourceError, Unreachable

_PIECE = 256 * 1024
_NOBODY = 0
"""The number of messages that answer no request, such as the notice that the server disconnects."""
_SASL_MECHANISM = {"external": "EXTERNAL"}
_MOST_RANGES = 10_000
_MOST_REFERENCES = 20


class Connection:
    """Signed in as the source's account. Raises SourceError if that fails. Not safe to share between threads."""

    has_guids: ClassVar = True
    lacks: ClassVar[Mapping[str, str]] = {}
    notes: ClassVar[Mapping[str, str]] = {}
    logon_rights: ClassVar[Mapping[str, Sequence[str]] | None] = None

    def __init__(self, settings: LdapSettings, meter: Meter) -> None:
        self._settings = settings
        self._meter = meter
        self._number = 0
        self._read = bytearray()
        self._pages = True
        self.as_of = datetime.now(UTC)
        self.elsewhere: list[str] = []
        self._socket: socket.socket = self._connect()
        try:
            if settings.is_tls:
                self._secure()
            elif settings.start_tls:
                self._ask(messages.start_tls(), messages.EXTENDED_DONE)
                self._secure()
            self._sign_in()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the connection."""
        with suppress(OSError):
            self._socket.sendall(messages.message(self._number + 1, ber.tlv(messages.UNBIND)))
        with suppress(OSError):
            self._socket.close()

    def entry(self, dn: str, attributes: Sequence[str]) -> LdapEntry:
        """One entry by its name; with an empty one, the server's root entry. Raises SourceError."""
        found, ended = self._page(messages.search(dn, "base", messages.present("objectClass"), attributes), ())
        if ended.code or not found:
            raise messages.failure(ended if ended.code else messages.NOT_FOUND)
        return self._whole(found[0])

    def below(
        self, base: str, classes: Sequence[str], attributes: Sequence[str], *, descriptors: bool = False
    ) -> Iterator[LdapEntry]:
        """The entries of any of these object classes from a base on down, page by page. Raises SourceError.

        All values of an attribute are read, also where the server sends them in ranges. With ``follow_referrals``,
        references to other servers are followed, but not the references of those; ``elsewhere`` lists the others.
        ``descriptors``: security descriptors are asked for without their SACL.
        """
        asked = (classes, attributes)
        self.elsewhere = []
        yield from self._pages_of(base, *asked, descriptors=descriptors)
        if not self._settings.follow_referrals:
            return
        referred, self.elsewhere = self.elsewhere, []
        failed: SourceError | None = None
        for url in referred:
            try:
                settings, dn = self._settings.referred(url)
                with closing(Connection(settings, self._meter)) as other:
                    yield from other.below(dn or base, *asked, descriptors=descriptors)
                self.elsewhere += other.elsewhere
            except SourceError as error:  # the others are read all the same
                failed = failed or error
                self.elsewhere.append(url)
        if failed is not None:
            raise failed

    def _pages_of(
        self, base: str, classes: Sequence[str], attributes: Sequence[str], *, descriptors: bool
    ) -> Iterator[LdapEntry]:
        filter_ = messages.either(*(messages.equal("objectClass", one) for one in classes))
        request = messages.search(base, "below", filter_, attributes)
        controls = (messages.descriptors(),) if descriptors else ()
        cookie, first = b"", True
        while cookie or first:
            pages = self._pages
            more = (messages.paged(self._settings.page_size, cookie),) if pages else ()
            try:
                page, ended = self._page(request, (*controls, *more))
            except NotOffered:
                if not pages or not first:
                    raise
                self._pages = False  # a server without pages sends all at once
                continue
            first = False
            for found in page:
                yield self._whole(found)
            following = messages.cookie(ended) if pages else b""
            if following and following == cookie and not page:
                raise Malformed("the pages of a search lead in a circle")
            cookie = following
            if ended.code:
                raise messages.failure(ended)

    def _page(self, request: bytes, controls: Sequence[bytes]) -> tuple[list[LdapEntry], Result]:
        """One page, and how it ended: a limit of the server ends it with the entries so far. Raises SourceError."""
        number, answer = self._send(request, controls)
        found: list[LdapEntry] = []
        while True:
            data, tag, begin, end = self._message(number, answer)
            if tag == messages.ENTRY:
                found.append(messages.entry(data, begin, end))
            elif tag == messages.DONE:
                ended = messages.result(data, begin, end)
                if ended.code and not found:
                    raise messages.failure(ended)
                return found, ended
            elif tag != messages.REFERENCE:
                raise Malformed("a response is not LDAP: a search is answered with something else")
            elif len(self.elsewhere) < _MOST_REFERENCES:
                url = next(iter(messages.reference(data, begin, end)), "")  # the others are copies of the same
                self.elsewhere += [url] if url and url not in self.elsewhere else []

    def _whole(self, found: LdapEntry) -> LdapEntry:
        """The entry with all values of attributes that came as a range, such as ``member;range=0-1499``."""
        cut = [name for name in found.values if ";range=" in name]
        if not cut:
            return found
        values = dict(found.values)
        for given in cut:
            name, _, bounds = given.partition(";range=")
            held = values.setdefault(name, [])
            held += values.pop(given)
            for _ in range(_MOST_RANGES):
                if bounds.endswith("*") or not bounds.partition("-")[2].isdigit():
                    break
                asked = f"{name};range={int(bounds.partition('-')[2]) + 1}-*"
                request = messages.search(found.dn, "base", messages.present("objectClass"), (asked,))
                page, _ = self._page(request, ())
                rest = [(one, more) for entry in page for one, more in entry.values.items() if one.startswith(name)]
                if not rest:
                    break
                bounds = rest[0][0].partition(";range=")[2]
                held += rest[0][1]
        return replace(found, values=values)

    # --- Messages ---

    def _ask(self, operation: bytes, answered: int) -> Result:
        """An operation with one answer. Raises SourceError unless it succeeds."""
        number, answer = self._send(operation, ())
        data, tag, begin, end = self._message(number, answer)
        if tag != answered:
            raise Malformed("a response is not LDAP: it answers another operation")
        ended = messages.result(data, begin, end)
        if ended.code:
            raise messages.failure(ended)
        return ended

    def _send(self, operation: bytes, controls: Sequence[bytes]) -> tuple[int, Answer]:
        answer = current().answer()
        self._number += 1
        self._meter.add()
        self._wait_at_most(answer)
        try:
            self._socket.sendall(messages.message(self._number, operation, controls))
        except OSError as error:
            raise self._lost(error) from None
        return self._number, answer

    def _message(self, number: int, answer: Answer) -> tuple[bytes, int, int, int]:
        """The next message, which must answer this request: its operation's tag and bounds. Raises SourceError."""
        while (head := ber.header(self._read, 0)) is None:
            self._receive(answer)
        tag, _, size = head
        if tag != ber.SEQUENCE:
            raise Unreachable("the response is not LDAP")
        answer.take(size)
        while len(self._read) < size:
            self._receive(answer)
        current().take(size)
        data = bytes(memoryview(self._read)[:size])
        del self._read[:size]
        answers, tag, begin, end = messages.response(data)
        if answers == _NOBODY:
            raise Unreachable("the server ended the connection")
        if answers != number:
            raise Malformed("a response is not LDAP: it answers another request")
        return data, tag, begin, end

    def _receive(self, answer: Answer) -> None:
        self._wait_at_most(answer)
        try:
            piece = self._socket.recv(_PIECE)
        except OSError as error:
            raise self._lost(error) from None
        if not piece:
            raise Unreachable("the server closed the connection")
        self._read += piece

    def _wait_at_most(self, answer: Answer) -> None:
        self._socket.settimeout(min(self._settings.timeout, answer.seconds()))

    def _lost(self, error: OSError) -> SourceError:
        if isinstance(error, ssl.SSLCertVerificationError):
            return Unreachable(
                f"the server's certificate is not trusted: {own_words(error.verify_message)}",
                hint="set ca_file to the file of the authority that issued it",
            )
        if isinstance(error, TimeoutError):
            return Unreachable(f"{self._settings.place} did not answer in time")
        return Unreachable(f"{self._settings.place}: {own_words(error.strerror or error)}")

    # --- Beginning ---

    def _connect(self) -> socket.socket:
        seconds = min(self._settings.timeout, current().check())
        try:
            return socket.create_connection((self._settings.host, self._settings.port), timeout=seconds)
        except OSError as error:
            raise self._lost(error) from None

    def _secure(self) -> None:
        if self._read:  # what came in clear text must not pass as encrypted
            raise Unreachable("the server sent more than its answer before TLS began")
        try:
            context = ssl.create_default_context(cafile=self._settings.ca_file)
            if self._settings.certificate is not None:
                context.load_cert_chain(self._settings.certificate, self._settings.key)
        except (OSError, ValueError) as error:
            raise SourceError(f"ca_file, certificate or key cannot be read: {own_words(error)}") from None
        self._wait_at_most(current().answer())
        try:
            self._socket = context.wrap_socket(self._socket, server_hostname=self._settings.host)
        except OSError as error:
            raise self._lost(error) from None

    def _sign_in(self) -> None:
        settings = self._settings
        if settings.sasl is not None:
            operation = messages.sasl_bind(_SASL_MECHANISM[settings.sasl])
        elif settings.bind_dn:
            operation = messages.simple_bind(settings.bind_dn, settings.resolve_password())
        else:
            operation = messages.simple_bind("", "")
        self._ask(operation, messages.BOUND)
