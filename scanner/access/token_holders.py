"""Who can present which token: identities by issuer, subject and claims of their tokens. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from scanner.access.subjects import is_exact, meet, names
from scanner.access.trusts import Keys
from scanner.model import Claim, Identity, TokenSubject, Trust
from scanner.model.reach import KEY_ID
from scanner.text import is_shared_issuer, issuer_name

_NO_PROVIDER = ""
"""Subjects are compared exactly, as no provider in particular compares ids."""


class HeldToken(NamedTuple):
    """A token with its claims, and the key of the identity that can present it."""

    key: str
    token: TokenSubject
    says: Mapping[str, str]


class _BySubject:
    """Tokens of one issuer, by subject."""

    def __init__(self) -> None:
        self.exact: defaultdict[str, list[HeldToken]] = defaultdict(list)
        self.patterns: list[tuple[str, HeldToken]] = []

    @cached_property
    def _keys(self) -> Keys:
        return Keys(_NO_PROVIDER, self.exact)

    def met(self, wanted: str) -> Iterator[HeldToken]:
        """Yield the tokens with a subject, which may be a pattern. All tokens must have been added."""
        if is_exact(wanted):
            yield from self.exact.get(wanted, ())
        else:
            yield from (held for subject in self._keys.named(wanted) for held in self.exact[subject])
        yield from (held for subject, held in self.patterns if meet(wanted, subject))

    def add(self, subject: str, held: HeldToken) -> None:
        """Add a token under a subject. A subject that the caller chooses freely is ignored."""
        if is_exact(subject):
            self.exact[subject].append(held)
        elif names(subject):
            self.patterns.append((subject, held))


class _ByClaims:
    """Tokens of one issuer, by the values of their claims."""

    def __init__(self) -> None:
        self._all: list[HeldToken] = []
        self._exact: defaultdict[tuple[str, str], list[HeldToken]] = defaultdict(list)
        self._patterns: defaultdict[str, list[HeldToken]] = defaultdict(list)
        self._said: Counter[str] = Counter()

    def add(self, held: HeldToken) -> None:
        """Add a token."""
        self._all.append(held)
        for name, value in held.says.items():
            self._said[name] += 1
            if is_exact(value):
                self._exact[name, value].append(held)
            else:
                self._patterns[name].append(held)

    def meant(self, claims: Sequence[Claim]) -> Sequence[HeldToken]:
        """Return the tokens that may match, by the most selective claim; none if no claim is selective."""
        if not any(map(names, (value for claim in claims for value in claim.values))):
            return ()
        found: Sequence[HeldToken] = self._all
        for claim in claims:
            is_said = self._said[claim.name] == len(self._all)
            if is_said and claim.values and all(map(is_exact, claim.values)):
                exact = (held for value in claim.values for held in self._exact.get((claim.name, value), ()))
                found = min(found, [*exact, *self._patterns.get(claim.name, ())], key=len)
        return found


class TokenHolders:
    """Identities that can present tokens of an issuer, by subject.

    ``beside``: by issuer of a cluster, the other issuers of its accounts' tokens.
    """

    def __init__(self, identities: Iterable[Identity], beside: Mapping[str, Iterable[str]]) -> None:
        self._sent: defaultdict[str, _BySubject] = defaultdict(_BySubject)
        self._unsent: defaultdict[str, _BySubject] = defaultdict(_BySubject)
        self._saying: defaultdict[str, _ByClaims] = defaultdict(_ByClaims)
        for identity in identities:
            for token in identity.token_subjects:
                says = dict(token.says)
                named = _signers(token.issuer, [says.pop(KEY_ID)] if KEY_ID in says else ())
                held = HeldToken(identity.key, token, says)
                for issuer in (*named, *(other for one in named for other in beside.get(one, ()))):
                    self._add(issuer, held)

    def _add(self, issuer: str, held: HeldToken) -> None:
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
        met = self._unsent.get(issuer_name(trust.issuer), _BySubject()).met(trust.subject or "")
        return next((held.token.subject for held in met if _fits(trust.claims, held.says) is not None), None)

    def _meant(self, trust: Trust, claims: Sequence[Claim]) -> Iterator[HeldToken]:
        """The tokens that a trust selects by subject, or without one, by claims."""
        if trust.kind != "federated" or trust.issuer is None:
            return
        keys = (key for claim in trust.claims if claim.name == KEY_ID for key in claim.values)
        for issuer in _signers(trust.issuer, keys):
            if names(trust.subject):
                by_subject = self._sent.get(issuer, _BySubject()).met(trust.subject or "")
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
