"""The results of earlier sections, joined to the identities when these are yielded."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from msgspec import Struct, field

from connectors.gcp.client.payloads import ApiKey, AuthProvider, Pool, ServiceAccount
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


class FoundAccounts:
    """Service accounts. Readings of several projects add to it in parallel, each for its own accounts.

    ``facts``: by e-mail, also of accounts that are listed elsewhere. ``listed``: by project id. ``used``: by the
    account's unique id; ``keys_used``: by ``ACCOUNT/keys/ID``, as in the record of use.
    """

    def __init__(self) -> None:
        self.facts: defaultdict[str, AccountFacts] = defaultdict(AccountFacts)
        self.listed: defaultdict[str, list[ServiceAccount]] = defaultdict(list)
        self.used: dict[str, Use] = {}
        self.keys_used: dict[str, Use] = {}
        self._emails: set[tuple[str, str]] = set()

    def note(self, project: str, row: ServiceAccount) -> None:
        """Record a listed account, with its project's id."""
        self.listed[project].append(row)
        self._emails.add((project, row.email))

    def has(self, project: str, email: str) -> bool:
        """Whether it was listed."""
        return (project, email) in self._emails


class FoundPools(Struct, kw_only=True):
    """Pools of workload identities.

    ``listed``: by project id. ``providers``: of these pools; None if they were not all read. ``principals``: keys of
    the identities that were read elsewhere, which bindings may name.
    """

    listed: defaultdict[str, list[Pool]] = field(default_factory=lambda: defaultdict(list))
    providers: list[Provider] | None = None
    principals: set[str] = field(default_factory=set)


class AgentCredential(Struct):
    """A credential that agents use for an external service. Only readings of its own project add to it.

    ``people``: who authorized it, by the agents' ids for them. ``suspended``: the number of authorizations that are not
    active. ``scopes``: what people granted. ``workloads``: the principals that used it.
    """

    row: AuthProvider
    people: set[str] = field(default_factory=set)
    suspended: int = 0
    scopes: set[str] = field(default_factory=set)
    workloads: set[str] = field(default_factory=set)
    last_used_at: datetime | None = None


class AgentDelegation(Struct, frozen=True, kw_only=True):
    """On whose behalf an agent acted, and when last. ``person``: empty if the agent acted as itself."""

    person: str
    at: datetime | None


class UnitFacts(Struct, kw_only=True):
    """The facts of one unit.

    ``api_keys``: those that are identities of their own, by project id. ``engines``: agents that Google runs, by key.
    ``agent_credentials``: by project id and key. ``agent_secrets``: their keys, by the key of the agent that uses them.
    ``delegations``: on whose behalf agents acted, by key.
    ``code_in``: by the name of a bucket, project id and key of what runs the code in it.
    """

    accounts: FoundAccounts = field(default_factory=FoundAccounts)
    pools: FoundPools = field(default_factory=FoundPools)
    api_keys: defaultdict[str, list[ApiKey]] = field(default_factory=lambda: defaultdict(list))
    engines: dict[str, Identity] = field(default_factory=dict)
    agent_credentials: defaultdict[str, dict[str, AgentCredential]] = field(default_factory=lambda: defaultdict(dict))
    agent_secrets: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    delegations: defaultdict[str, list[AgentDelegation]] = field(default_factory=lambda: defaultdict(list))
    code_in: defaultdict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
