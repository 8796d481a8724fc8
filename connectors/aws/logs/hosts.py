"""Temporary credentials of a host, used on another: who first speaks with them says where the host is.

The rule is Netflix's (2018), "Detecting Credential Compromise in AWS": the first network that credentials of an
instance are used from is the instance's; any other is not. Its false positives are left out: VPC endpoints and private
addresses, calls by AWS on someone's behalf, and instances that were given an address or an interface that day.
Functions and tasks have many addresses, so for them the client has to change as well: their SDKs say where they run.
Pods of a cluster share its addresses: those from which any session of theirs was used first are the cluster's.

Credentials that a host asked for with its own, as by ``sts:AssumeRole``, are followed from the network that it asked
from. Where they are first used in another one, they were made for someone else, as by a broker of credentials.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from connectors.aws.logs.callers import PODS
from connectors.logs.names import Networks
from connectors.logs.tally import Counted, LogProfile

_HOSTED = re.compile(r"exec-env/AWS_(?:Lambda|ECS)", re.IGNORECASE)
_MOST_SESSIONS = 50_000
"""Maximum temporary credentials of hosts that are followed in one unit, and :data:`_MOST_PLACES` of each."""
_MOST_PLACES = 50


def is_hosted(user_agent: str) -> bool:
    """Whether an SDK says that it runs in a function or a task."""
    return _HOSTED.search(user_agent) is not None


class Use(NamedTuple):
    """Use of temporary credentials, and the profile of their user. ``outcome``: as in profiles."""

    network: str
    hosted: bool
    counted: Counted
    outcome: int
    profile: LogProfile


class Hosts:
    """The places where temporary credentials of hosts were used, in one unit."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._sessions: dict[str, tuple[str, dict[tuple[str, bool], Use]]] = {}
        self._asked: dict[str, tuple[str, str]] = {}
        self._moved: set[str] = set()
        self.left_out: Counter[str] = Counter()
        """By day, uses of temporary credentials that were not compared with where their host is."""

    def __contains__(self, session: str) -> bool:
        return session in self._sessions or session in self._asked

    def moved(self, instance: str) -> None:
        """An instance was given another address or interface; empty: it is not known which."""
        self._moved.add(instance)

    def asked(self, session: str, host: str, address: str, day: str) -> None:
        """A host was given further credentials, for which it had asked from this address on this day."""
        network = self._networks.place(address)
        if not session or network is None:
            return
        if session not in self._asked and len(self._asked) >= _MOST_SESSIONS:
            self.left_out[day] += 1
            return
        self._asked[session] = host, network

    def asker(self, session: str) -> str:
        """The host that asked for these credentials; empty where none did."""
        return self._asked.get(session, ("", ""))[0]

    def seen(self, session: str, host: str, address: str, hosted: bool, counted: Counted, outcome: int,
             profile: LogProfile) -> None:  # fmt: skip
        """Temporary credentials were used. ``host``: as a caller has it, or empty."""
        network = self._networks.place(address)
        known = self._sessions.get(session)
        if network is None:
            return
        if known is None and len(self._sessions) >= _MOST_SESSIONS:
            self.left_out[counted.first[:10]] += counted.events
            return
        if known is None:
            known = self._sessions[session] = host, {}
        places = known[1]
        before = places.get((network, hosted))
        if before is None and len(places) >= _MOST_PLACES:
            self.left_out[counted.first[:10]] += counted.events
            return
        if before is None or counted.first < before.counted.first:
            places[network, hosted] = Use(network, hosted, counted, outcome, profile)

    def elsewhere(self) -> Iterator[Use]:
        """Each use on another host."""
        sessions = {
            session: (host, sorted(places.values(), key=lambda each: each.counted.first))
            for session, (host, places) in self._sessions.items()
        }
        of_pods: defaultdict[str, set[str]] = defaultdict(set)
        for host, uses in sessions.values():
            if host.startswith(PODS):
                of_pods[host].add(uses[0].network)
        for session, (host, uses) in sessions.items():
            asker, asked_from = self._asked.get(session, ("", ""))
            if len(uses) == 1 or "" in self._moved or (host or asker) in self._moved:
                continue
            if host or uses[0].network == asked_from:
                yield from _off_network(uses, of_pods.get(host, frozenset()))
            elif uses[0].hosted:
                yield from _off_client(uses)


def _off_network(uses: Iterable[Use], homes: Collection[str]) -> Iterator[Use]:
    """Those in another network than the host's: the first one of each version of IP, and ``homes``."""
    first: dict[bool, str] = {}
    for one in uses:
        if one.network != first.setdefault(":" in one.network, one.network) and one.network not in homes:
            yield one


def _off_client(uses: Iterable[Use]) -> Iterator[Use]:
    """Those in another network and by another client than before."""
    known: set[str] = set()
    for one in uses:
        if not one.hosted and one.network not in known:
            yield one
        known.add(one.network)
