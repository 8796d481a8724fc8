"""Reads the rights in one unit: allow policies, the roles in them, and what deny policies take away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from connectors.core.contract import DiscoveredRecord
from connectors.gcp.reader import GcpReader
from connectors.gcp.rights.assignments import POLICIES, assignments_of, identities_in
from connectors.gcp.rights.bindings import Accounts, Binding, accounts_of
from connectors.gcp.rights.deny import Denials
from connectors.gcp.rights.entitlements import NAME as ENTITLEMENTS
from connectors.gcp.rights.entitlements import read_entitlements
from connectors.gcp.rights.judging import Holdings
from connectors.gcp.rights.policies import Policies, note_unlisted_accounts, read_denials, read_roles, where_they_matter
from connectors.gcp.rights.pools import pools_named
from connectors.gcp.rights.roles import Library, library_of
from connectors.gcp.rights.tree import Tree, tree_of
from connectors.gcp.rights.trusts import trusts_of
from connectors.gcp.rights.vocabulary import vocabulary
from scanner.model import Signal

ROLES, DENY = "iam.roles", "iam.deny_policies"
ACCOUNTS = "iam.service_accounts"


def read_rights(reader: GcpReader, now: datetime | None = None) -> Iterator[DiscoveredRecord]:
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
    known = reader.found.pools.principals
    identities = tuple(identities_in(reported, tree, pools, source=source, scope=scope, known=known))
    section.found(len(identities))
    for note in policies.sieve.notes():
        section.note(note)
    yield from reader.done(section, Counter(one.scope for one in identities))
    yield from identities
    unlisted = {one.id for one in reader.place.projects} - accounts.complete
    holdings = yield from _held(reader, library, tree, policies.unread(), unlisted, every, reported, now)
    for member, signal in model_signals(every, holdings).items():
        reader.found.accounts.facts[member].signals.append(signal)
    trusted, unread = trusts_of(every, holdings, accounts.emails, pools)
    for email, trusts in trusted.items():
        reader.found.accounts.facts[email].trusts += trusts
    for email in unread:
        reader.found.accounts.facts[email].trusts_unread = True
    for binding in every:
        if binding.counts and not holdings.held(binding).is_known:
            reader.found.accounts.facts[binding.member.id].roles_unread = True
    yield from assignments_of(reported, holdings, accounts, source=source, scope=scope)


def _held(
    reader: GcpReader,
    library: Library,
    tree: Tree,
    unread: frozenset[str],
    unlisted: Collection[str],
    every: Sequence[Binding],
    reported: Sequence[Binding],
    now: datetime,
) -> Generator[DiscoveredRecord, None, Holdings]:
    """The rights of bindings, after reading their roles and deny policies. ``reported``: those of this unit."""
    with reader.section(ROLES) as section:
        roles = read_roles(reader, section, library, {binding.role for binding in every})
    yield from reader.done(section)
    code_in = reader.found.code_in
    holdings = Holdings(every, roles, tree, Denials({}, tree, now), now, unread, code_in, unlisted)
    with reader.section(DENY) as section:
        rules = read_denials(reader, section, library, where_they_matter(reported, holdings))
    yield from reader.done(section)
    denials = Denials(rules, tree, now)
    return Holdings(every, roles, tree, denials, now, unread, code_in, unlisted) if denials else holdings


def _accounts(reader: GcpReader, unresolved: frozenset[str] = frozenset()) -> Accounts:
    """Those that were listed before. ``unresolved``: projects that may have others all the same."""
    rows = (
        (project, row.email, row.unique_id)
        for project, listed in reader.found.accounts.listed.items()
        for row in listed
    )
    complete = {one.id for one in reader.place.projects if not reader.lacks(one, ACCOUNTS)}
    return accounts_of(rows, complete - unresolved)


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
