"""Matches leaked keys with the credentials and identities that they open. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from scanner.model import Exposure, Identity
from scanner.text import counted, few

SHA1 = "sha1:"
"""The prefix of a hash that a report has instead of a key id."""
_NAMED = 5
"""Maximum number of leaked keys that a notice names."""


def matched(exposures: Sequence[Exposure], identities: Iterable[Identity]) -> tuple[Exposure, ...]:
    """Return the exposures with the identity and the credential that each opens, None where there is none.

    By the key's id, or the hash of it, among the credentials of all identities; else by its holder's key, unique id or
    alias. Of several identities with one id, the first of the key's provider counts, else the first by key.
    """
    if not exposures:
        return ()
    keys = {one.key_id for one in exposures if one.key_id is not None}
    hashed = any(key.startswith(SHA1) for key in keys)
    holders = {one.holder for one in exposures if one.holder is not None}
    by_key: dict[str, list[tuple[Identity, str]]] = defaultdict(list)
    by_holder: dict[str, list[tuple[Identity, None]]] = defaultdict(list)
    for identity in sorted(identities, key=lambda one: one.key):
        for credential in identity.credentials:
            for name in (credential.id, _sha1(credential.id)) if hashed else (credential.id,):
                if name in keys:
                    by_key[name].append((identity, credential.key))
        if holders:
            for holder in holders.intersection((identity.key, identity.unique_id, *identity.aliases)):
                by_holder[holder].append((identity, None))
    return tuple(_matched(one, by_key.get(one.key_id or "") or by_holder.get(one.holder or "")) for one in exposures)


def _sha1(key_id: str) -> str:
    return SHA1 + hashlib.sha1(key_id.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _matched(exposure: Exposure, found: Sequence[tuple[Identity, str | None]] | None) -> Exposure:
    if not found:
        return replace(exposure, identity=None, credential=None)
    identity, credential = next((one for one in found if one[0].provider == exposure.provider), found[0])
    return replace(exposure, identity=identity.key, credential=credential)


def by_subject(exposures: Iterable[Exposure]) -> dict[str, tuple[Exposure, ...]]:
    """Return matched exposures by the key of the credential, or of the identity if the credential is unknown."""
    found: dict[str, list[Exposure]] = defaultdict(list)
    for one in exposures:
        if (subject := one.credential or one.identity) is not None:
            found[subject].append(one)
    return {subject: tuple(its) for subject, its in found.items()}


def committers(exposures: Iterable[Exposure]) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Return who committed leaked keys of each identity, by its key: name or e-mail, with evidence."""
    found: dict[str, dict[tuple[str, str], None]] = defaultdict(dict)
    for one in exposures:
        if one.identity is not None and one.committer is not None:
            found[one.identity][one.committer, f"committed a leaked key of it to {one.place}"] = None
    return {key: tuple(people) for key, people in found.items()}


def unmatched_notices(exposures: Iterable[Exposure]) -> Iterator[str]:
    """Yield a notice for each source with leaked keys that open no identity that Muster knows."""
    unmatched = [one for one in exposures if one.identity is None]
    for source in sorted({one.source for one in unmatched}):
        its = [one for one in unmatched if one.source == source]
        known = sorted({one.key_id or one.holder or "" for one in its} - {""})
        if known:
            places = {one.key_id or one.holder: one.place for one in reversed(its)}
            named = few([f"{key} in {places[key]}" for key in known], _NAMED, "; ")
            keys = counted(len(known), "leaked key opens", "leaked keys open")
            yield f"source {source}: {keys} no identity that was read: {named}"
        nameless = Counter(one.provider for one in its if not (one.key_id or one.holder))
        if nameless:
            kinds = ", ".join(f"{number:,} of {provider}" for provider, number in sorted(nameless.items()))
            total = counted(sum(nameless.values()), "leaked key", "leaked keys")
            yield f"source {source}: {total} cannot be matched, because the report has no public id of them: {kinds}"
