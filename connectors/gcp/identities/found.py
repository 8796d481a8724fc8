"""The results of earlier sections, joined to the identities when these are yielded."""

from __future__ import annotations

from collections import defaultdict

from msgspec import Struct

from connectors.gcp.client.payloads import ApiKey, Pool, ServiceAccount
from connectors.gcp.rights.providers import Provider
from connectors.gcp.usage.activities import Use
from scanner.model import Credential, Identity, Signal, Trust


class AccountFacts(Struct, kw_only=True):
    """What is known of a service account besides its own row.

    ``trusts_unread``: its trusts are not fully known, because of an unread pool or role in a binding that may give one;
    ``roles_unread``: nor are its roles. ``unused``, ``roles_used``: by Recommender.
    """

    credentials: list[Credential] = []
    trusts: list[Trust] = []
    trusts_unread: bool = False
    roles_unread: bool = False
    signals: list[Signal] = []
    unused: str | None = None
    roles_used: list[str] = []


class UnitFacts:
    """The facts of one unit. Readings of several projects add to it in parallel, each for its own accounts.

    By e-mail: facts ``of`` accounts, also of those that are listed elsewhere. By the account's unique id: ``used``. By
    ``ACCOUNT/keys/ID``, as in the record of use: ``keys_used``. By project id: ``accounts`` that were listed,
    ``api_keys`` that are identities of their own, and ``pools`` of workload identities. ``providers``: of these pools;
    None if they were not all read. ``engines``: agents that Google runs, by key. ``principals``: those of identities
    that were read elsewhere, which bindings may name. ``code_in``: project id and key of what runs the code in a
    bucket, by its name.
    """

    def __init__(self) -> None:
        self.of: defaultdict[str, AccountFacts] = defaultdict(AccountFacts)
        self.used: dict[str, Use] = {}
        self.keys_used: dict[str, Use] = {}
        self.accounts: defaultdict[str, list[ServiceAccount]] = defaultdict(list)
        self.api_keys: defaultdict[str, list[ApiKey]] = defaultdict(list)
        self.pools: defaultdict[str, list[Pool]] = defaultdict(list)
        self.providers: list[Provider] | None = None
        self.engines: dict[str, Identity] = {}
        self.principals: set[str] = set()
        self.code_in: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        self._emails: set[tuple[str, str]] = set()

    def note_account(self, project: str, row: ServiceAccount) -> None:
        """Record a listed account, with its project's id."""
        self.accounts[project].append(row)
        self._emails.add((project, row.email))

    def has_account(self, project: str, email: str) -> bool:
        """Whether it was listed."""
        return (project, email) in self._emails
