"""A connection: how long each part of a request may take, and when it gives way to others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import h11
from uvicorn.protocols.http.flow_control import CLOSE_HEADER, service_unavailable
from uvicorn.protocols.http.h11_impl import H11Protocol

from scanner.serve.limits import BODY_SECONDS
from scanner.serve.slots import Slots, State, neighbourhood

HEAD_SECONDS = 15.0
"""Seconds for the head of the first request to arrive."""
IDLE_SECONDS = 30.0
"""Seconds after an answer for the head of the next request."""
LAST_BYTES = 1.0
"""Seconds in which the rest of a refused body is thrown away: closed at once, the client would lose the answer."""
SLOWEST = 16 * 1024
"""Bytes a second that a client takes at least of an answer."""
PATIENCE = 20.0
"""Seconds by which a client may be slower."""
_TICK = 1.0
_ANSWERED = frozenset({"/healthz"})
"""What a late connection is answered at once."""
_LATE_TRIES, _LATE_PAUSE = 40, 0.05
"""How often it looks for a slot before it is refused, and the seconds between."""


class Connection(H11Protocol):
    """A connection with deadlines for the head, the body, and the answer.

    ``is_proxy``: whether an address is that of a trusted proxy, whose connections are those of many clients.
    """

    def __init__(self, slots: Slots, is_proxy: Callable[[str], bool], **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._slots, self._is_proxy = slots, is_proxy
        self._transport: asyncio.Transport
        self._address: str | None = None
        self._phase: tuple[str, object] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._ticking: asyncio.TimerHandle | None = None
        self._patience, self._unsent = PATIENCE, 0
        self._ends = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a slot."""
        self._transport = cast("asyncio.Transport", transport)
        super().connection_made(cast("asyncio.Transport", _Closing(self._transport, self._close)))
        self._transport.set_write_buffer_limits(high=0)  # then writing is paused while anything is unsent
        self.app = self._closing(self.app)
        peer = self.client[0] if self.client else ""
        self._address = None if self._is_proxy(peer) else neighbourhood(peer)
        if not self._slots.enter(self, self._address):
            self.app = self._late(self.app)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the slot back."""
        for timer in (self._deadline, self._ticking):
            if timer is not None:
                timer.cancel()
        self._slots.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read a part of a request."""
        if self._ends:
            return
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        if not self._ends:
            super().on_response_complete()
            self._watch()

    def drop(self) -> None:
        """Close at once."""
        self._transport.abort()

    @property
    def _is_closing(self) -> bool:
        return self._transport.is_closing()

    def _watch(self) -> None:
        """Set the deadline of the part that the request is in, when that part begins."""
        if self._is_closing or self._ends:
            return
        state = self.conn.their_state
        part = {h11.IDLE: "head", h11.SEND_BODY: "body"}.get(state, "answer")
        if (part, self.cycle) == self._phase:
            if part == "answer":
                self._slots.move(self, self._state)
            return
        is_first, self._phase = self._phase is None, (part, self.cycle)
        seconds = {"head": HEAD_SECONDS if is_first else IDLE_SECONDS, "body": BODY_SECONDS + _TICK}.get(part)
        self._set_deadline(seconds)
        self._slots.move(self, self._state)

    @property
    def _state(self) -> State:
        part, of = self._phase or ("head", None)
        if self._ends or part != "answer":
            return "idle" if part == "head" and of is not None else "waiting"
        return "stalled" if self._ticking is not None or self.conn.trailing_data[0] else "working"

    def _set_deadline(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self.drop)

    def _late(self, app: Any) -> Any:
        """The application for a connection without a slot: it waits for one for a moment."""

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            served = app if scope["path"] in _ANSWERED or await self._gets_slot() else service_unavailable
            await served(scope, receive, send)

        return answer

    async def _gets_slot(self) -> bool:
        for _ in range(_LATE_TRIES):
            if self._slots.promote(self, self._address):
                self._slots.move(self, self._state)
                return True
            await asyncio.sleep(_LATE_PAUSE)
        return False

    # --- an answer before the body ---

    def _closing(self, app: Any) -> Any:
        """The application. What is answered before the whole body has come is the connection's last answer."""

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            async def sent(message: Any) -> None:
                if message["type"] == "http.response.start" and self.conn.their_state is h11.SEND_BODY:
                    others = [pair for pair in message["headers"] if pair[0].lower() != CLOSE_HEADER[0]]
                    message = {**message, "headers": [*others, CLOSE_HEADER]}
                await send(message)

            try:
                await app(scope, receive, sent)
            except asyncio.CancelledError:  # the server ends, and waited long enough
                if self.cycle is not None:
                    self.cycle.disconnected = True
                self.drop()

        return answer

    def _close(self) -> None:
        """Close. If the body has not come, what comes of it is thrown away for a moment."""
        if self.conn.their_state is not h11.SEND_BODY:
            self._transport.close()
        elif not self._ends and not self._is_closing:
            self._ends = True
            self._unset_keepalive_if_required()
            self.flow.resume_reading()
            self._slots.move(self, "waiting")
            self._transport.write_eof()
            self._set_deadline(LAST_BYTES)

    # --- a client that does not take the answer ---

    def pause_writing(self) -> None:
        """Watch how fast the client takes what is unsent."""
        super().pause_writing()
        self._unsent = self._transport.get_write_buffer_size()
        if self._ticking is None:
            self._ticking = self.loop.call_later(_TICK, self._tick)
        self._slots.move(self, self._state)

    def resume_writing(self) -> None:
        """Everything was taken."""
        super().resume_writing()
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
            self._took(self._unsent)
            self._slots.move(self, self._state)

    def _tick(self) -> None:
        unsent = self._transport.get_write_buffer_size()
        self._patience -= _TICK
        self._took(self._unsent - unsent)
        self._unsent = unsent
        if self._patience < 0:
            self.drop()
            return
        self._ticking = self.loop.call_later(_TICK, self._tick)

    def _took(self, taken: int) -> None:
        self._patience = min(self._patience + max(taken, 0) / SLOWEST, PATIENCE)


class _Closing:
    """A transport whose closing goes through its connection."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self._transport = transport
        self.close = close

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
