"""Pools of workload identities that another unit reads: the policies of this one name their principals all the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

from connectors.base import DiscoveredRecord
from connectors.gcp.client import requests as r
from connectors.gcp.each import several
from connectors.gcp.identities.pools import POOLS, Pool, numbered, provider_in
from connectors.gcp.places import ProjectRef
from connectors.gcp.reader import Reader
from connectors.gcp.rights.assignments import assignments_of, identities_in
from connectors.gcp.rights.bindings import Accounts, Binding, accounts_of
from connectors.gcp.rights.deny import Denials
from connectors.gcp.rights.entitlements import NAME as ENTITLEMENTS
from connectors.gcp.rights.entitlements import read_entitlements
from connectors.gcp.rights.judging import Holdings
from connectors.gcp.rights.policies import Policies, note_unlisted_accounts, read_denials, read_roles, where_they_matter
from connectors.gcp.rights.providers import Provider, ProviderPayload
from connectors.gcp.rights.roles import Library, library_of
from connectors.gcp.rights.tree import Tree, tree_of
from connectors.gcp.rights.trusts import GKE, POOLED, Pools, trusts_of
from connectors.gcp.rights.vocabulary import vocabulary
from scanner.errors import SourceError
from scanner.model import Signal


def pools_named(reader: Reader, library: Library, tree: Tree, bindings: Iterable[Binding]) -> Pools:
    """The pools of this unit, and those of our other projects that the bindings name.

    Where these cannot be read, who accounts let in is not known in full; why, their own unit says.
    """
    own = {one.id for one in reader.place.projects}
    others: dict[str, ProjectRef] = {}
    for name in _named(bindings):
        number = name.split("/")[1]
        project = tree.project_id(number)
        if project not in own and tree.is_ours(project):
            others[name] = ProjectRef(id=project, number=number)

    def ask(name: str) -> Sequence[Provider] | None:
        project = others[name]
        pools = library.once(("pools", project.id), partial(_pools, reader, project))
        pool = pools.get(name)
        if pool is None or not pool.has_providers:
            return None
        return library.once(("providers", name), partial(_providers, reader, project, pool))

    answers = several(ask, sorted(others), reader.settings.workers)
    elsewhere = {
        name: reported for name, reported in answers if reported is not None and not isinstance(reported, SourceError)
    }
    return Pools(reader.found.providers, elsewhere)


def _named(bindings: Iterable[Binding]) -> set[str]:
    """The pools that have providers of ours: those of clusters are Google's."""
    members = (binding.member for binding in bindings)
    pools = {one.pool or "" for one in members if one.kind in POOLED and not one.is_deleted}
    return {pool for pool in pools if not pool.endswith(GKE)}


def _pools(reader: Reader, project: ProjectRef) -> dict[str, Pool]:
    """All pools of a project, by name with its number. Raises SourceError where one of them is not known."""
    section = reader.scope.section(POOLS)
    found = {
        numbered(project, pool.name): pool for pool in reader.rows(section, r.WORKLOAD_POOLS, Pool, project=project.id)
    }
    if section.coverage.is_gap:
        raise SourceError(f"not all pools of {project.id} could be read")
    return found


def _providers(reader: Reader, project: ProjectRef, pool: Pool) -> tuple[Provider, ...]:
    """All providers of a pool. Raises SourceError where one of them is not known."""
    section = reader.scope.section(POOLS)
    off = () if pool.is_enabled else (numbered(project, pool.name),)
    rows = reader.rows(section, r.POOL_PROVIDERS, ProviderPayload, project=project.id, pool=pool.id)
    parsed = [reader.parsed(section, row.name, provider_in, project, row, off) for row in rows]
    if section.coverage.is_gap:
        raise SourceError(f"not all providers of {pool.id} could be read")
    return tuple(one for one in parsed if one is not None)


# --- Model invocation roles, a signal for AI agents (pure) ---

CALLS = "invoke models"
_BASIC = frozenset({"roles/owner", "roles/editor", "roles/viewer"})
"""They allow calls of models among ten thousand other things, and hint at nothing."""


def model_signals(bindings: Iterable[Binding], holdings: Holdings) -> dict[str, Signal]:
    """By id of a member: a weak signal, of the first such role that it has."""
    calls = frozenset(vocabulary().high[CALLS])
    found: dict[str, Signal] = {}
    for binding in bindings:
        member = binding.member
        if not binding.counts or member.is_deleted or member.id in found or binding.role in _BASIC:
            continue
        if named := sorted(calls & holdings.held(binding).possible):
            evidence = f"{binding.role} on {binding.resource.short} allows {named[0]}"
            found[member.id] = Signal(says="agent", sort="permission", strength="weak", evidence=evidence)
    return found


# ---
# Reads who may do what in one unit: policies, then the roles that they name, then what deny policies take away.

POLICIES, ROLES, DENY = "iam.policies", "iam.roles", "iam.deny_policies"
ACCOUNTS = "iam.service_accounts"


def read_rights(reader: Reader, now: datetime | None = None) -> Iterator[DiscoveredRecord]:
    """The rights that one unit says. Accounts and providers must have been listed; what is found for them is noted.

    Yields an assignment for each binding, the identities that only bindings name, and Coverage.
    """
    now = now or datetime.now(UTC)
    accounts = _accounts(reader)
    library, tree = library_of(reader.api.session), tree_of(reader.place, accounts.ids)
    policies = Policies(reader, library, tree)
    source, scope = reader.scope.source, reader.scope.id
    eligible: list[Binding] = []
    if reader.wants(ENTITLEMENTS):
        with reader.section(ENTITLEMENTS) as asking:
            eligible = read_entitlements(reader, asking, tree, policies.containers())
        yield from reader.done(asking)
    else:
        yield from reader.off(ENTITLEMENTS)
    with reader.section(POLICIES) as section:
        policies.read(section, accounts)
        if reader.place.bulk:
            unresolved = note_unlisted_accounts(reader, accounts, policies.sieve.kept, tree)
            accounts = _accounts(reader, unresolved)
    reported = (*policies.sieve.kept, *eligible)
    every = (*reported, *policies.inherited)
    pools = pools_named(reader, library, tree, every)
    known = reader.found.principals
    identities = tuple(identities_in(reported, tree, pools, source=source, scope=scope, known=known))
    section.found(len(identities))
    for note in policies.sieve.notes():
        section.note(note)
    yield from reader.done(section, Counter(one.scope for one in identities))
    yield from identities
    holdings = yield from _held(reader, library, tree, policies.unread(), every, reported, now)
    for member, signal in model_signals(every, holdings).items():
        reader.found.signals[member].append(signal)
    trusted, unread = trusts_of(every, holdings, accounts.emails, pools)
    for email, trusts in trusted.items():
        reader.found.trusts[email] += trusts
    reader.found.trusts_unread |= unread
    yield from assignments_of(reported, holdings, accounts, source=source, scope=scope)


def _held(
    reader: Reader,
    library: Library,
    tree: Tree,
    unread: frozenset[str],
    every: Sequence[Binding],
    reported: Sequence[Binding],
    now: datetime,
) -> Generator[DiscoveredRecord, None, Holdings]:
    """What the bindings give, once their roles and what is denied have been read. ``reported``: those of this unit."""
    with reader.section(ROLES) as section:
        roles = read_roles(reader, section, library, {binding.role for binding in every})
    yield from reader.done(section)
    code_in = reader.found.code_in
    holdings = Holdings(every, roles, tree, Denials({}, tree, now), now, unread, code_in)
    with reader.section(DENY) as section:
        rules = read_denials(reader, section, library, where_they_matter(reported, holdings))
    yield from reader.done(section)
    denials = Denials(rules, tree, now)
    return Holdings(every, roles, tree, denials, now, unread, code_in) if denials else holdings


def _accounts(reader: Reader, unresolved: frozenset[str] = frozenset()) -> Accounts:
    """Those that were listed before. ``unresolved``: projects that may have others all the same."""
    rows = ((project, row.email, row.unique_id) for project, listed in reader.found.accounts.items() for row in listed)
    complete = {one.id for one in reader.place.projects if not reader.lacks(one, ACCOUNTS)}
    return accounts_of(rows, complete - unresolved)
