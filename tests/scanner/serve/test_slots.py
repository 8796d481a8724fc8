"""Which connections have a slot, whatever comes and goes."""

from __future__ import annotations

from typing import Literal, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from scanner.serve.slots import Busy, Slots, State, neighbourhood


class Client:
    """A connection; ``open`` until it is dropped."""

    def __init__(self) -> None:
        self.open = True

    def drop(self) -> None:
        """Close."""
        self.open = False


Step: TypeAlias = State | Literal["enter", "leave"]
_STEPS: tuple[Step, ...] = ("enter", "enter", "waiting", "idle", "stalled", "working", "leave")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(_STEPS),
        st.integers(0, 30),
        st.sampled_from(["a", "b", None]),
    ),
    max_size=80,
)


@given(STEPS)
def test_there_are_never_too_many(steps: list[tuple[Step, int, str | None]]) -> None:
    """Of all, of an address, and of late ones; only one that waited gave way, unless it was late itself."""
    slots = Slots(most=6, kept=2, each=3)
    inside: dict[Client, str | None] = {}
    late: list[Client] = []
    states: dict[Client, str] = {}
    for step, number, address in steps:
        everyone = [*inside, *late]
        if step == "enter":
            client = Client()
            (inside.__setitem__(client, address) if slots.enter(client, address) else late.append(client))
            states.setdefault(client, "waiting")
        elif everyone:
            client = everyone[number % len(everyone)]
            if step == "leave":
                slots.leave(client)
                client.open = False
                states[client] = "left"
            else:
                slots.move(client, step)
                if client in inside:
                    states[client] = step
        dropped = [one for one in inside if not one.open]
        assert all(states[one] != "working" for one in dropped)
        inside = {one: of for one, of in inside.items() if one.open}
        late = [one for one in late if one.open]
        assert len(inside) <= 6
        assert len(late) <= 2
        assert all(list(inside.values()).count(of) <= 3 for of in ("a", "b"))


def test_the_one_that_waited_longest_gives_way() -> None:
    """First those that wait for their first request, then the idle, then those that do not take an answer."""
    slots = Slots(most=3, kept=1, each=3)
    idle, fresh, another, more = (Client() for _ in range(4))
    assert all(slots.enter(one, None) for one in (idle, fresh, another))
    slots.move(idle, "idle")
    assert slots.enter(more, None)
    assert (idle.open, fresh.open) == (True, False)
    for one in (idle, another, more):
        slots.leave(one)
    stalled, first, second, third, fourth, fifth = (Client() for _ in range(6))
    assert all(slots.enter(one, None) for one in (stalled, first, second))
    slots.move(stalled, "stalled")
    slots.move(first, "waiting")
    assert slots.enter(third, None)
    assert (first.open, second.open, stalled.open) == (False, True, True)
    slots.move(second, "working")
    slots.move(third, "working")
    assert slots.enter(fourth, None)
    assert not stalled.open
    slots.move(fourth, "working")
    assert not slots.enter(fifth, None)
    assert not slots.enter(Client(), None)
    assert not fifth.open
    late = Client()
    assert not slots.enter(late, None)
    assert not slots.promote(late, None)
    slots.leave(second)
    assert slots.promote(late, None)
    assert slots.promote(late, None)
    slots.leave(late)
    assert not slots.promote(late, None)
    assert slots.enter(Client(), None)


def test_clients_count_by_network() -> None:
    """One client has all addresses of an IPv6 network."""
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff:1") != neighbourhood("2001:db8:0:1::1")
    assert neighbourhood("::ffff:10.0.0.1") == neighbourhood("10.0.0.1") == "10.0.0.1"
    assert neighbourhood("fe80::1%eth0") == neighbourhood("fe80::2")
    assert neighbourhood("") == ""
    busy = Busy(1)
    assert (busy.begin("a"), busy.begin("a"), busy.begin("b")) == (True, False, True)
    busy.end("a")
    assert busy.begin("a")
