"""The agents of the latest scan, for their lock and for the gate."""

from __future__ import annotations

from scanner.judging.agents.lock import is_lockable, locked
from scanner.model import LockedAgent
from scanner.store.store import Store


def latest_agents(store: Store) -> tuple[LockedAgent, ...]:
    """Return what the agents of the latest scan have."""
    return tuple(locked(one) for one in store.load(None).identities if is_lockable(one))
