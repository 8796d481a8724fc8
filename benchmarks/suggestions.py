"""Suggestions against RapidFuzz alone on planted renames (goal: 95 % in the top 5, at a fifth of its time or less)."""

from __future__ import annotations

import random
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct, structs
from rapidfuzz import fuzz, process, utils

from scanner.matching.suggestions.sides import KEPT
from scanner.matching.suggestions.suggest import suggest
from scanner.model import Entry, EntryAssessment, EntryState, Identity, Origin

IDENTITIES = 10_000
SAMPLE = 200
"""About so many identities are looked up by RapidFuzz, and its time for all is extrapolated."""

_AFFIXES = ("svc", "sa", "role", "app", "bot", "")
_ENVIRONMENTS = {"prod": "production", "dev": "development", "staging": "stage", "test": "testing"}


class _Table(Struct, frozen=True):
    words: tuple[str, ...]
    doing: tuple[str, ...]
    syllables: tuple[str, ...]
    short: Mapping[str, str]


_TABLE = msgspec.toml.decode(Path(__file__).with_suffix(".toml").read_bytes(), type=_Table)


class _Name(Struct, frozen=True):
    """A name before it is written down; an empty part is left out."""

    affix: str
    words: tuple[str, ...]
    environment: str
    number: str

    @property
    def parts(self) -> list[str]:
        return [part for part in (self.affix, *self.words, self.environment, self.number) if part]


def main() -> None:
    """Print how many partners are found, and in what time, for so many identities and twice as many entries."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else IDENTITIES
    identities, entries, partners = plant(count, random.Random(7))

    started = time.process_time()
    found = suggest(identities, [_assessed(entry, "proposed") for entry in entries]).for_identities
    ours = time.process_time() - started
    ranked = {key: [one.entry for one in candidates] for key, candidates in found.items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count:,} × {len(entries):,} entries: {ours:.1f} s CPU, {peak:.0f} MiB: {_recall(ranked, partners)}")

    sample = identities[:: max(1, count // SAMPLE)]
    started = time.process_time()
    ranked = _brute_force(sample, entries)
    theirs = (time.process_time() - started) * count / len(sample)
    asked = {key: partners[key] for key in ranked}
    print(f"RapidFuzz, each with each: {theirs:.0f} s CPU, {theirs / ours:.1f} × as long: {_recall(ranked, asked)}")

    for share in (100, 10):
        lost = [_assessed(entry, "proposed" if number % share else "not_found") for number, entry in enumerate(entries)]
        started = time.process_time()
        answered = len(suggest(identities, lost).for_entries)
        took = time.process_time() - started
        print(f"with every {share}th entry not found: {answered:,} of them answered, {took - ours:+.1f} s CPU")


def _assessed(entry: Entry, state: EntryState) -> EntryAssessment:
    """Proposed entries represent nothing, as all here do, and do not ask themselves."""
    return EntryAssessment(entry=entry, state=state)


def _recall(ranked: dict[str, list[str]], partners: dict[str, str]) -> str:
    """How many of the partners are among the few suggested, and how many are the first."""
    found = [(partner, ranked.get(key, [])) for key, partner in partners.items()]
    among = sum(partner in entries for partner, entries in found)
    first = sum(partner in entries[:1] for partner, entries in found)
    answered = sum(bool(entries) for _, entries in found)
    precision = f"{first / answered:.1%} of the first suggestions right"
    return f"{among / len(found):.1%} in the top {KEPT}, {first / len(found):.1%} first; {precision}"


def _brute_force(identities: Sequence[Identity], entries: Sequence[Entry]) -> dict[str, list[str]]:
    """Each name with each, by RapidFuzz's fastest way: words sorted, separators removed, a matrix at once."""
    import numpy as np

    scores = process.cdist(
        [_sorted_words(identity.name) for identity in identities],
        [_sorted_words(entry.identities[0]) for entry in entries],
        scorer=fuzz.ratio,
        dtype=np.float32,
    )
    best = np.argsort(-scores, axis=1, kind="stable")[:, :KEPT]
    return {identity.key: [entries[at].id for at in row] for identity, row in zip(identities, best, strict=True)}


def _sorted_words(name: str) -> str:
    spaced = "".join(f" {char}" if char.isupper() else char for char in name.replace("_", " "))
    return "".join(sorted(utils.default_process(spaced).split()))


def plant(count: int, rng: random.Random) -> tuple[list[Identity], list[Entry], dict[str, str]]:
    """So many identities, twice as many entries, and by identity the one entry that it is, under another name.

    The other half of the entries are decoys: each shares all but a word, the environment or the number with one.
    """
    words = (*_TABLE.words, *("".join(rng.choices(_TABLE.syllables, k=rng.randint(2, 3))) for _ in range(count // 10)))
    names: dict[str, _Name] = {}
    while len(names) < count:
        name = _invented(words, rng)
        names.setdefault("".join(name.parts), name)
    originals = list(names.values())
    for name in originals:
        decoy = _sibling(name, words, rng)
        while "".join(decoy.parts) in names:
            decoy = _sibling(name, words, rng)
        names["".join(decoy.parts)] = decoy
    entries = [_entry(number, _written(name.parts, rng)) for number, name in enumerate(names.values())]
    identities = [_identity(number, _renamed(name, rng)) for number, name in enumerate(originals)]
    partners = {identity.key: entry.id for identity, entry in zip(identities, entries, strict=False)}
    rng.shuffle(entries)
    return identities, entries, partners


def _invented(words: Sequence[str], rng: random.Random) -> _Name:
    domain = rng.sample(words, rng.choice((1, 1, 2)))
    return _Name(
        affix=rng.choice(_AFFIXES),
        words=(*domain, rng.choice(_TABLE.doing)),
        environment=rng.choice((*_ENVIRONMENTS, "prod", "")),
        number=rng.choice(("", "", "", "1", "2", "03")),
    )


def _sibling(name: _Name, words: Sequence[str], rng: random.Random) -> _Name:
    return rng.choice(
        (
            lambda: structs.replace(name, words=(*name.words[:-1], rng.choice(_TABLE.doing))),
            lambda: structs.replace(name, words=(rng.choice(words), *name.words[1:])),
            lambda: structs.replace(name, environment=rng.choice(tuple(_ENVIRONMENTS))),
            lambda: structs.replace(name, number=str(rng.randint(1, 99))),
        )
    )()


def _renamed(name: _Name, rng: random.Random) -> str:
    """As someone else would write it, with one or two things changed."""
    for change in rng.sample(_CHANGES, rng.choice((1, 1, 2))):
        name = change(name, rng)
    return _written(name.parts, rng)


def _written(parts: Sequence[str], rng: random.Random) -> str:
    style = rng.choice(("-", "-", "_", ".", "camel"))
    return "".join(map(str.capitalize, parts)) if style == "camel" else style.join(parts)


def _spell_out(name: _Name, _: random.Random) -> _Name:
    return structs.replace(name, environment=_ENVIRONMENTS.get(name.environment, ""))


def _add_version(name: _Name, rng: random.Random) -> _Name:
    return structs.replace(name, number=f"{name.number}-v{rng.randint(2, 4)}")


def _drop_word(name: _Name, rng: random.Random) -> _Name:
    """One of three; of two each is needed to know it again, so the environment goes."""
    if len(name.words) < 3:
        return structs.replace(name, environment="")
    dropped = rng.randrange(len(name.words))
    return structs.replace(name, words=(*name.words[:dropped], *name.words[dropped + 1 :]))


def _add_word(name: _Name, rng: random.Random) -> _Name:
    added = rng.choice(("internal", "core", "main", "new", "global", "eu", "shared", "nightly"))
    return structs.replace(name, words=(*name.words, added))


def _mistype(name: _Name, rng: random.Random) -> _Name:
    """A letter dropped, doubled or swapped with the next, in the longest word."""
    word = max(name.words, key=len)
    at = rng.randrange(1, len(word) - 1)
    wrong = rng.choice(
        (
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        )
    )
    return _with(name, word, wrong)


def _reorder(name: _Name, rng: random.Random) -> _Name:
    return structs.replace(name, words=tuple(rng.sample(name.words, len(name.words))))


def _shorten(name: _Name, rng: random.Random) -> _Name:
    """By a customary abbreviation, else to the beginning of the word."""
    word = max(name.words, key=lambda word: (word in _TABLE.short, len(word)))
    return _with(name, word, _TABLE.short.get(word, word[: rng.randint(3, 5)]))


def _change_affix(name: _Name, rng: random.Random) -> _Name:
    return structs.replace(name, affix=rng.choice(_AFFIXES))


def _with(name: _Name, word: str, other: str) -> _Name:
    return structs.replace(name, words=tuple(other if one == word else one for one in name.words))


_CHANGES: tuple[Callable[[_Name, random.Random], _Name], ...] = (
    _spell_out, _add_version, _drop_word, _add_word, _mistype, _reorder, _shorten, _change_affix,
)  # fmt: skip


def _identity(number: int, name: str) -> Identity:
    key = f"arn:aws:iam::123456789012:role/{number}/{name}"
    return Identity(key=key, provider="aws", source="prod", scope="123456789012", kind="role", name=name)


def _entry(number: int, name: str) -> Entry:
    return Entry(id=f"E{number}", origin=Origin(file="registry.csv", row=number + 2), identities=(name,))


if __name__ == "__main__":
    main()
