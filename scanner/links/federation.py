"""Who can become whom across providers: an identity that can show a token, and one that trusts its issuer. Pure.

A federated trust names the issuer of tokens and whom they must be for; an identity says under which names it can obtain
some (see :data:`scanner.model.attributes.TOKEN_SUBJECTS`). Either may live with any provider.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from msgspec.structs import replace

from scanner.links.linking import Keys, literal_start, with_links
from scanner.model import Edge, Identity, Link, Trust
from scanner.model.attributes import TOKEN_SUBJECTS
from scanner.text import issuer_name

_SIGNS = "*?"
_NO_PROVIDER = ""
"""Whose ids subjects are compared as: letter for letter."""


def with_federation(
    identities: Sequence[Identity], others: Sequence[Identity] = ()
) -> tuple[tuple[Identity, ...], tuple[Edge, ...]]:
    """The identities with ``federates`` links to those whose tokens they take, and the edges from these to them.

    ``others``: known of old, from places that were not read this time; they keep what they have. A trust in exactly one
    subject that is one of the ``identities`` lets in no outsider. One in any subject whatever lets in everybody, and is
    told by itself.
    """
    bearers = _Bearers((*identities, *others))
    if not bearers:
        return tuple(identities), ()
    edges: list[Edge] = []
    links: defaultdict[str, list[Link]] = defaultdict(list)
    own: set[Trust] = set()
    for target in (*identities, *others):
        for trust in target.trusts:
            for bearer in bearers.let_in(trust):
                if bearer != target.key:
                    own.add(trust)
                    edges.append(Edge(bearer, target.key, trust.evidence))
                    links[target.key].append(Link(relation="federates", target=bearer, evidence=trust.evidence))
    linked = (with_links(one, links[one.key]) if one.key in links else one for one in identities)
    return tuple(_with_own(one, own) for one in linked), tuple(edges)


def _with_own(identity: Identity, own: set[Trust]) -> Identity:
    trusts = tuple(
        replace(one, external=False) if one in own and _is_exact(one.subject) else one for one in identity.trusts
    )
    return identity if trusts == identity.trusts else replace(identity, trusts=trusts)


def _is_exact(subject: str | None) -> bool:
    return subject is not None and not any(sign in subject for sign in _SIGNS)


class _Bearers:
    """Who can show tokens of which issuer, and under which names."""

    def __init__(self, identities: Iterable[Identity]) -> None:
        self._exact: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        self._patterns: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        self._subjects = cache(lambda issuer: Keys(_NO_PROVIDER, self._exact.get(issuer, ())))
        for one in identities:
            for issuer, subject in _token_subjects(one):
                if _is_exact(subject):
                    self._exact[issuer][subject].append(one.key)
                else:
                    self._patterns[issuer].append((subject, one.key))

    def __bool__(self) -> bool:
        return bool(self._exact or self._patterns)

    def let_in(self, trust: Trust) -> Iterator[str]:
        """Keys of those whose tokens it takes; of a trust in anybody whatever, none."""
        wanted = trust.subject
        if trust.kind != "federated" or trust.issuer is None or wanted is None or not wanted.strip(_SIGNS):
            return
        issuer = issuer_name(trust.issuer)
        named: Mapping[str, Sequence[str]] = self._exact.get(issuer, {})
        if _is_exact(wanted):
            yield from named.get(wanted, ())
        else:
            yield from (key for subject in self._subjects(issuer).named(wanted) for key in named[subject])
        yield from (key for subject, key in self._patterns.get(issuer, ()) if meet(wanted, subject))


def _token_subjects(identity: Identity) -> Iterator[tuple[str, str]]:
    given = identity.attributes.get(TOKEN_SUBJECTS)
    for pair in given if isinstance(given, (list, tuple)) else ():
        match pair:
            case [str(issuer), str(subject)] if subject.strip(_SIGNS):
                yield issuer_name(issuer), subject
            case _:  # some other connector means something else by the word
                pass


def meet(one: str, other: str) -> bool:
    """Whether some text fits both patterns, in which ``*`` stands for any characters and ``?`` for one."""
    start, other_start = literal_start(one), literal_start(other)
    if not (start.startswith(other_start) or other_start.startswith(start)):
        return False
    begun: set[tuple[int, int]] = set()
    todo = [(0, 0)]
    while todo:
        here = todo.pop()
        if here in begun:
            continue
        begun.add(here)
        at, beside = here
        mine, theirs = one[at : at + 1], other[beside : beside + 1]
        if not mine and not theirs:
            return True
        if "*" in (mine, theirs):
            todo += [(at + 1, beside)] if mine else []
            todo += [(at, beside + 1)] if theirs else []
        elif mine and theirs and (mine == theirs or "?" in (mine, theirs)):
            todo.append((at + 1, beside + 1))
    return False
