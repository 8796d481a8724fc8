"""What the sections before the identities have found, to be joined to them when they are yielded."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from connectors.gcp.payloads import ServiceAccount
from connectors.gcp.rights.providers import Provider
from scanner.model import Credential, Signal, Trust


class Found:
    """One unit's findings. Readings of several projects fill it at once, each for its own accounts.

    By e-mail of the account: ``credentials``, ``trusts`` (who may become it), ``signals``. By unique id of the account:
    ``used``, its last authentication. By the part from ``projects/`` on of a key's name: ``keys_used``. By project id:
    ``tracked``, for how many days use is known; ``accounts``, those that were listed. ``providers``: of workload
    identity pools; None where they were not read. ``principals``: those that bindings may name and that are told as
    identities elsewhere.
    """

    def __init__(self) -> None:
        self.credentials: defaultdict[str, list[Credential]] = defaultdict(list)
        self.trusts: defaultdict[str, list[Trust]] = defaultdict(list)
        self.signals: defaultdict[str, list[Signal]] = defaultdict(list)
        self.used: dict[str, datetime] = {}
        self.keys_used: dict[str, datetime] = {}
        self.tracked: dict[str, int] = {}
        self.accounts: defaultdict[str, list[ServiceAccount]] = defaultdict(list)
        self.providers: list[Provider] | None = None
        self.principals: set[str] = set()
