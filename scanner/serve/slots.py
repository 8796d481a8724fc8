"""Which connections stay open when there are too many: who keeps the server waiting gives way to a new one."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from itertools import chain
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct, field

State: TypeAlias = Literal["waiting", "idle", "stalled", "working"]
"""``waiting``: for its first request, or the rest of one. ``idle``: for another request. ``stalled``: for the client to
take the answer; or it asks for more before it has that. ``working``: none of these.
"""

_NETWORK_BITS = 64


def neighbourhood(address: str) -> str:
    """The address that limits count by: of IPv6 the network, because one client has all its addresses."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return f"{IPv6Address(int(known) >> _NETWORK_BITS << _NETWORK_BITS)}/{_NETWORK_BITS}"


class OpenConnection(Protocol):
    """An open connection. It is compared by identity."""

    def drop(self) -> None:
        """Close it at once."""


class _Givers(Struct):
    """Connections that give way: by state in that order, and first those that have been in it longest."""

    states: dict[State, OrderedDict[OpenConnection, None]] = field(
        default_factory=lambda: {"waiting": OrderedDict(), "idle": OrderedDict(), "stalled": OrderedDict()}
    )

    def move(self, held: OpenConnection, state: State) -> None:
        for name, held_in in self.states.items():
            if name != state:
                held_in.pop(held, None)
            else:
                held_in.setdefault(held)

    def first(self) -> OpenConnection | None:
        return next(chain.from_iterable(self.states.values()), None)


class _Address(Struct):
    """The connections of an address."""

    open: int = 0
    givers: _Givers = field(default_factory=_Givers)


class Slots:
    """The open connections of a server: at most ``most``, and ``each`` of an address.

    A connection beyond that takes the place of the one that has kept the server waiting longest. If all others are at
    work it is a late one: there is room for ``kept`` of those, which only get the health check. A further
    late one takes the place of the first.
    """

    def __init__(self, most: int, kept: int, each: int) -> None:
        self._most, self._kept, self._each = most, kept, each
        self._addresses: dict[str, _Address] = {}
        self._of: dict[OpenConnection, str | None] = {}
        self._givers = _Givers()
        self._late: OrderedDict[OpenConnection, None] = OrderedDict()

    def enter(self, held: OpenConnection, address: str | None) -> bool:
        """Count a new connection; returns whether it has a slot, or is late. ``address``: None for trusted proxies."""
        if self._has_room(address):
            self._of[held] = address
            if address is not None:
                self._addresses.setdefault(address, _Address()).open += 1
            self.move(held, "waiting")
            return True
        if len(self._late) >= self._kept:
            self._drop(next(iter(self._late)))
        self._late[held] = None
        return False

    def promote(self, held: OpenConnection, address: str | None) -> bool:
        """Give a late connection a slot, if there is room by now; returns whether it has one."""
        if held in self._late and self._has_room(address):
            del self._late[held]
            self.enter(held, address)
        return held in self._of

    def move(self, held: OpenConnection, state: State) -> None:
        """Note a connection's state."""
        if held not in self._of:
            return
        self._givers.move(held, state)
        address = self._of[held]
        if address is not None:
            self._addresses[address].givers.move(held, state)

    def leave(self, held: OpenConnection) -> None:
        """Forget a connection. A second time does nothing."""
        self._late.pop(held, None)
        if held not in self._of:
            return
        self.move(held, "working")
        address = self._of.pop(held)
        if address is not None:
            known = self._addresses[address]
            known.open -= 1
            if not known.open:
                del self._addresses[address]

    def _has_room(self, address: str | None) -> bool:
        known = None if address is None else self._addresses.get(address)
        if known is not None and known.open >= self._each and not self._dropped(known.givers):
            return False
        return len(self._of) < self._most or self._dropped(self._givers)

    def _dropped(self, givers: _Givers) -> bool:
        first = givers.first()
        if first is not None:
            self._drop(first)
        return first is not None

    def _drop(self, held: OpenConnection) -> None:
        self.leave(held)
        held.drop()


class Busy:
    """Requests that run at the moment, by client: for clients behind trusted proxies, which share connections."""

    def __init__(self, each: int) -> None:
        self._each = each
        self._running: dict[str, int] = {}

    def begin(self, client: str) -> bool:
        """Count a request; returns False if the client has too many, which are then not counted."""
        running = self._running.get(client, 0)
        if running >= self._each:
            return False
        self._running[client] = running + 1
        return True

    def end(self, client: str) -> None:
        """Count a request's end."""
        left = self._running[client] - 1
        if left:
            self._running[client] = left
        else:
            del self._running[client]
