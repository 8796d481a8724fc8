"""Temporary credentials of a host, used on another: who first speaks with them says where the host is.

The rule is Netflix's (2018), "Detecting Credential Compromise in AWS": the first network that credentials of an
instance are used from is the instance's; any other is not. Its false positives are left out: VPC endpoints and private
addresses, calls by AWS on somebody's behalf, and instances that were given an address or an interface that day.
Functions and tasks have many addresses, so for them the client has to change as well: their SDKs say where they run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from connectors.logs.tally import Counted, Networks, Profile

_HOSTED = re.compile(r"exec-env/AWS_(?:Lambda|ECS)", re.IGNORECASE)
_MOST_SESSIONS = 50_000
_MOST_PLACES = 50


def is_hosted(user_agent: str) -> bool:
    """Whether an SDK says that it runs in a function or a task."""
    return _HOSTED.search(user_agent) is not None


class Use(NamedTuple):
    """Use of temporary credentials, and the profile of whoever used them. ``outcome``: as in profiles."""

    network: str
    hosted: bool
    counted: Counted
    outcome: int
    profile: Profile


class Hosts:
    """Where the temporary credentials of hosts were used, in one unit."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._sessions: dict[str, tuple[str, dict[tuple[str, bool], Use]]] = {}
        self._moved: set[str] = set()

    def __contains__(self, session: str) -> bool:
        return session in self._sessions

    def moved(self, instance: str) -> None:
        """An instance was given another address or interface; empty: it is not known which."""
        self._moved.add(instance)

    def seen(self, session: str, host: str, address: str, hosted: bool, counted: Counted, outcome: int,
             profile: Profile) -> None:  # fmt: skip
        """Temporary credentials were used. ``host``: the instance's id, ``instance``, or empty."""
        network = self._networks.place(address)
        known = self._sessions.get(session)
        if network is None or (known is None and len(self._sessions) >= _MOST_SESSIONS):
            return
        if known is None:
            known = self._sessions[session] = host, {}
        places = known[1]
        before = places.get((network, hosted))
        if before is None and len(places) >= _MOST_PLACES:
            return
        if before is None or counted.first < before.counted.first:
            places[network, hosted] = Use(network, hosted, counted, outcome, profile)

    def elsewhere(self) -> Iterator[Use]:
        """Each use on another host."""
        for host, places in self._sessions.values():
            if "" in self._moved or host in self._moved or len(places) == 1:
                continue
            uses = sorted(places.values(), key=lambda each: each.counted.first)
            if not host and not uses[0].hosted:
                continue
            homes: dict[bool, str] = {}
            known: set[str] = set()
            for one in uses:
                home = homes.setdefault(":" in one.network, one.network)
                if one.network != home if host else not one.hosted and one.network not in known:
                    yield one
                known.add(one.network)
