"""Federation across providers: identities that can present a token, and those that trust its issuer. Pure.

A federated trust names the issuer and the subject of tokens, and further claims; an identity names the subjects and
claims of the tokens that it can obtain (see :class:`scanner.model.reach.TokenSubject`). Both can be of any provider.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from scanner.access.clusters import issuers_beside
from scanner.access.guards import guarded
from scanner.access.subjects import is_exact, meet, names, subjects_of
from scanner.access.trusts import Keys, literal_start, with_links
from scanner.model import (
    Claim,
    Coverage,
    CoverageStatus,
    Edge,
    Identity,
    Link,
    Presented,
    Privilege,
    TokenSubject,
    Trust,
    Workload,
)
from scanner.model.attributes import (
    ACCOUNTED_IN,
    FEDERATES_TO,
    GUARDED_BY,
    HOLDERS,
    JOBS_SUBJECTS,
    JOBS_UNREAD,
    SHARED_SUBJECTS,
    TENANT_SUBJECTS,
)
from scanner.model.reach import KEY_ID
from scanner.text import is_shared_issuer, issuer_name

_NO_PROVIDER = ""
"""Subjects are compared exactly, as no provider in particular compares ids."""
_CLAIMS_DECIDE = "further claims of the token decide"


def with_federation(
    identities: Sequence[Identity],
    others: Sequence[Identity] = (),
    workloads: Iterable[Workload] = (),
    coverage: Iterable[Coverage] = (),
) -> tuple[tuple[Identity, ...], tuple[Edge, ...]]:
    """Return the identities with ``federates`` links to the identities whose tokens they accept, and the edges.

    An account of a cluster has tokens of all issuers of that cluster.

    ``others``: last known identities of scopes that were not read this time; they stay unchanged. A trust in exactly
    one subject that is a known identity is not external. A trust in every subject gives no edges; it is a finding of
    its own. An edge is conditional if the trust needs a claim that is missing among those reported for the token.
    ``workloads``, ``coverage``: they say which trusts no token fits, see :attr:`scanner.model.Trust.presented`.
    """
    workloads = tuple(workloads)
    unread = _unread((*identities, *others))
    holders = _Holders((*identities, *others), issuers_beside(workloads))
    tenants = _Tenants(workloads, coverage)
    if not (holders or tenants):
        return tuple(_with_unknown(one, unread) for one in identities) if unread else tuple(identities), ()
    edges: list[Edge] = []
    links: defaultdict[str, list[Link]] = defaultdict(list)
    own: set[Trust] = set()
    having: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for edge, trust in _admitted(holders, (*identities, *others)):
        own.add(trust)
        edges.append(edge)
        if is_exact(trust.subject):
            having[edge.target, f"{trust.subject} of {trust.issuer}"].add(edge.source)
        links[edge.target].append(Link(relation="federates", target=edge.source, evidence=trust.evidence))
    guards = guarded((*identities, *others), edges, workloads)
    shared = _shared(having, (*identities, *others))

    def settled(identity: Identity) -> Identity:
        linked = with_links(identity, links[identity.key]) if identity.key in links else identity
        trusts = tuple(_settled(trust, own, holders, tenants) for trust in linked.trusts)
        linked = linked if trusts == linked.trusts else replace(linked, trusts=trusts)
        if (rules := guards.get(identity.key)) is not None:
            linked = replace(linked, attributes={**linked.attributes, GUARDED_BY: to_builtins(rules)})
        if (several := shared.get(identity.key)) is not None:
            linked = replace(linked, attributes={**linked.attributes, SHARED_SUBJECTS: several})
        return _with_unknown(linked, unread)

    return tuple(map(settled, identities)), tuple(edges)


def by_token_if(identities: Sequence[Identity], workloads: Iterable[Workload] = ()) -> Iterator[Edge]:
    """Yield the conditional edges alone: those by trusts that need a claim which is not known of the token."""
    saying = (one for one in identities if any(token.claims for token in one.token_subjects))
    holders = _Holders(saying, issuers_beside(workloads))
    if holders:
        yield from (edge for edge, _ in _admitted(holders, identities) if edge.conditional)


def _admitted(holders: _Holders, targets: Iterable[Identity]) -> Iterator[tuple[Edge, Trust]]:
    """Yield an edge for each identity whose token a trust accepts, and the trust."""
    for target in targets:
        for trust in target.trusts:
            for holder, is_certain in holders.admitted_by(trust):
                if holder != target.key:
                    evidence = trust.evidence if is_certain else f"{_CLAIMS_DECIDE}; {trust.evidence}"
                    yield Edge(holder, target.key, evidence, conditional=not is_certain), trust


def _shared(
    having: Mapping[tuple[str, str], set[str]], identities: Iterable[Identity]
) -> Mapping[str, list[dict[str, Any]]]:
    """Return, by target, the subjects that identities of several scopes have. ``having``: by target and subject."""
    several = {key for keys in having.values() if len(keys) > 1 for key in keys}
    scope_of = {one.key: (one.source, one.scope) for one in identities if one.key in several} if several else {}
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for (target, subject), keys in sorted(having.items()):
        if len({scope_of[key] for key in keys if key in scope_of}) > 1:
            found[target].append({"subject": subject, "identities": sorted(keys)})
    return found


def _unread(identities: Sequence[Identity]) -> frozenset[str]:
    """Return the unknown identities elsewhere that others name."""
    wanted = {name for one in identities if FEDERATES_TO in one.attributes for name in _named_elsewhere(one)}
    if not wanted:
        return frozenset()
    return frozenset(wanted.difference(*((one.key, *one.aliases) for one in identities)))


def _named_elsewhere(identity: Identity) -> list[str]:
    given = identity.attributes.get(FEDERATES_TO)
    return [one for one in given if isinstance(one, str)] if isinstance(given, (list, tuple)) else []


def _with_unknown(identity: Identity, missing: frozenset[str]) -> Identity:
    """Return the identity, of unknown privilege if it names one that is missing."""
    unread = [one for one in _named_elsewhere(identity) if one in missing] if missing else []
    if not unread or identity.privilege.level not in ("normal", "unknown"):
        return identity
    evidence = tuple(
        dict.fromkeys((*identity.privilege.evidence, *(f"what {one} may do was not read" for one in unread)))
    )
    return replace(identity, privilege=Privilege(level="unknown", evidence=evidence))


def _settled(trust: Trust, own: set[Trust], holders: _Holders, tenants: _Tenants) -> Trust:
    """Return the trust; a known holder of its one subject is not external."""
    is_ours = trust in own
    presented: Presented | None = "presented" if is_ours else None
    sent_as = None
    if not is_ours and tenants and trust.kind == "federated" and (presented := tenants.presented(trust)) is not None:
        sent_as = holders.sent_instead(trust)
        presented = "other_form" if sent_as else presented
    external = False if is_ours and is_exact(trust.subject) else trust.external
    if (external, presented, sent_as) == (trust.external, trust.presented, trust.sent_as):
        return trust
    return replace(trust, external=external, presented=presented, sent_as=sent_as)


class _Held(NamedTuple):
    """A token with its claims, and the key of the identity that can present it."""

    key: str
    token: TokenSubject
    says: Mapping[str, str]


class _Tokens:
    """Tokens of one issuer, by subject."""

    def __init__(self) -> None:
        self.exact: defaultdict[str, list[_Held]] = defaultdict(list)
        self.patterns: list[tuple[str, _Held]] = []

    @cached_property
    def _keys(self) -> Keys:
        return Keys(_NO_PROVIDER, self.exact)

    def met(self, wanted: str) -> Iterator[_Held]:
        """Yield the tokens with a subject, which may be a pattern. All tokens must have been added."""
        if is_exact(wanted):
            yield from self.exact.get(wanted, ())
        else:
            yield from (held for subject in self._keys.named(wanted) for held in self.exact[subject])
        yield from (held for subject, held in self.patterns if meet(wanted, subject))

    def add(self, subject: str, held: _Held) -> None:
        """Add a token under a subject. A subject that the caller chooses freely is ignored."""
        if is_exact(subject):
            self.exact[subject].append(held)
        elif names(subject):
            self.patterns.append((subject, held))


class _Saying:
    """Tokens of one issuer, by the values of their claims."""

    def __init__(self) -> None:
        self._all: list[_Held] = []
        self._exact: defaultdict[tuple[str, str], list[_Held]] = defaultdict(list)
        self._patterns: defaultdict[str, list[_Held]] = defaultdict(list)
        self._said: Counter[str] = Counter()

    def add(self, held: _Held) -> None:
        """Add a token."""
        self._all.append(held)
        for name, value in held.says.items():
            self._said[name] += 1
            if is_exact(value):
                self._exact[name, value].append(held)
            else:
                self._patterns[name].append(held)

    def meant(self, claims: Sequence[Claim]) -> Sequence[_Held]:
        """Return the tokens that may match, by the most selective claim; none if no claim is selective."""
        if not any(map(names, (value for claim in claims for value in claim.values))):
            return ()
        found: Sequence[_Held] = self._all
        for claim in claims:
            is_said = self._said[claim.name] == len(self._all)
            if is_said and claim.values and all(map(is_exact, claim.values)):
                exact = (held for value in claim.values for held in self._exact.get((claim.name, value), ()))
                found = min(found, [*exact, *self._patterns.get(claim.name, ())], key=len)
        return found


class _Holders:
    """Identities that can present tokens of an issuer, by subject.

    ``beside``: by issuer of a cluster, the other issuers of its accounts' tokens.
    """

    def __init__(self, identities: Iterable[Identity], beside: Mapping[str, Iterable[str]]) -> None:
        self._sent: defaultdict[str, _Tokens] = defaultdict(_Tokens)
        self._unsent: defaultdict[str, _Tokens] = defaultdict(_Tokens)
        self._saying: defaultdict[str, _Saying] = defaultdict(_Saying)
        for identity in identities:
            for token in identity.token_subjects:
                says = dict(token.says)
                named = _signers(token.issuer, [says.pop(KEY_ID)] if KEY_ID in says else ())
                held = _Held(identity.key, token, says)
                for issuer in (*named, *(other for one in named for other in beside.get(one, ()))):
                    self._add(issuer, held)

    def _add(self, issuer: str, held: _Held) -> None:
        self._sent[issuer].add(held.token.subject, held)
        for subject in held.token.unsent:
            self._unsent[issuer].add(subject, held)
        if held.says:
            self._saying[issuer].add(held)

    def __bool__(self) -> bool:
        return bool(self._sent)

    def admitted_by(self, trust: Trust) -> Iterator[tuple[str, bool]]:
        """Yield the keys of the identities whose tokens a trust accepts, each once, and whether that is certain."""
        found: dict[str, bool] = {}
        claims = tuple(claim for claim in trust.claims if claim.name != KEY_ID)
        for held in self._meant(trust, claims):
            fits = _fits(claims, held.says)
            if fits is not None:
                found[held.key] = found.get(held.key, False) or fits
        yield from found.items()

    def sent_instead(self, trust: Trust) -> str | None:
        """Return the subject in the form that is sent, if the trust names it in another."""
        if trust.issuer is None or not names(trust.subject):
            return None
        met = self._unsent.get(issuer_name(trust.issuer), _Tokens()).met(trust.subject or "")
        return next((held.token.subject for held in met if _fits(trust.claims, held.says) is not None), None)

    def _meant(self, trust: Trust, claims: Sequence[Claim]) -> Iterator[_Held]:
        """The tokens that a trust selects by subject, or without one, by claims."""
        if trust.kind != "federated" or trust.issuer is None:
            return
        keys = (key for claim in trust.claims if claim.name == KEY_ID for key in claim.values)
        for issuer in _signers(trust.issuer, keys):
            if names(trust.subject):
                by_subject = self._sent.get(issuer, _Tokens()).met(trust.subject or "")
                yield from (held for held in by_subject if not (trust.implied and held.says))
            if issuer in self._saying and (trust.implied or not names(trust.subject)):
                yield from self._saying[issuer].meant(claims)


def _signers(issuer: str, keys: Iterable[str]) -> tuple[str, ...]:
    """The signers of an issuer's tokens: its name, or its known keys if clusters share the name."""
    name = issuer_name(issuer)
    return tuple(f"#{key}" for key in keys) if is_shared_issuer(name) else (name,)


def _fits(claims: Iterable[Claim], said: Mapping[str, str]) -> bool | None:
    """Whether a token has these claims: certain (True), possible (False), or contradicted (None).

    A token whose source reports no claims counts as having them all.
    """
    if not said:
        return True
    is_certain = True
    for claim in claims:
        value = said.get(claim.name)
        if value is None or not claim.values:
            is_certain = False
        elif not any(meet(value, wanted) for wanted in claim.values):
            return None
    return is_certain


class _Tenant(Struct, frozen=True):
    """Subjects whose tokens are all known, except for those that are ``unread``.

    ``places``: of the repositories there, the subjects they can have.
    """

    issuer: str
    subjects: tuple[str, ...]
    places: tuple[str, ...]
    unread: tuple[str, ...]


def _is_read(repository: Workload, section: str, status: CoverageStatus) -> bool:
    """Whether nothing is missing except facts of repositories."""
    accounted = repository.attributes.get(ACCOUNTED_IN)
    is_accounted = isinstance(accounted, (list, tuple)) and section in accounted
    return status == "complete" or (status == "partial" and is_accounted)


class _Tenants:
    """Organizations with known repositories: every section that lists identities with their tokens was read.

    A section that repositories name as ACCOUNTED_IN may be partial: that affects only those repositories.
    """

    def __init__(self, workloads: Iterable[Workload], coverage: Iterable[Coverage]) -> None:
        read: defaultdict[tuple[str, str, str], dict[str, CoverageStatus]] = defaultdict(dict)
        for section in coverage:
            for kind in section.kinds:
                read[section.source, section.scope, kind][section.section] = section.status
        places: defaultdict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
        unread: defaultdict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
        incomplete: set[tuple[str, tuple[str, ...]]] = set()
        for one in workloads:
            tenant, jobs = subjects_of(one, TENANT_SUBJECTS), subjects_of(one, JOBS_SUBJECTS)
            for issuer, subjects in tenant.items():
                whole = issuer, tuple(subjects)
                places[whole] += jobs.get(issuer, ())
                if one.attributes.get(JOBS_UNREAD) is True:
                    unread[whole] += jobs.get(issuer, ())
                told = read.get((one.source, one.scope, str(one.attributes.get(HOLDERS))), {})
                if not told or not all(_is_read(one, *each) for each in told.items()):
                    incomplete.add(whole)
        self._all = [
            _Tenant(*whole, tuple(each), tuple(unread[whole]))
            for whole, each in places.items()
            if whole not in incomplete
        ]

    def __bool__(self) -> bool:
        return bool(self._all)

    def presented(self, trust: Trust) -> Presented | None:
        """Return what is known of a trust that no known identity has a token for."""
        if trust.issuer is None or not names(trust.subject):
            return None
        wanted, issuer = trust.subject or "", issuer_name(trust.issuer)
        for tenant in self._all:
            if tenant.issuer == issuer and any(wanted.startswith(literal_start(one)) for one in tenant.subjects):
                if any(meet(wanted, place) for place in tenant.unread):
                    return None
                return "not_presented" if any(meet(wanted, place) for place in tenant.places) else "gone"
        return None
