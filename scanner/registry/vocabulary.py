"""Words with a fixed meaning in cells: statuses, kinds and environments, in the languages of ``scanner.languages``.

A list's own ``values`` go before them. Words are compared without case, accents, and blanks, ``-``, ``_`` and ``/``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from scanner.errors import did_you_mean
from scanner.languages import Language, languages, meanings, worded, words_by
from scanner.model import EntryStatus, PersonStatus
from scanner.registry.tables.headings import normal

STATUSES: Mapping[str, EntryStatus] = {
    **{status: status for status in get_args(EntryStatus)},
    **meanings(words_by(lambda language: language.entries)),
}
PERSON_STATUSES: Mapping[str, PersonStatus] = {
    **{status: status for status in get_args(PersonStatus)},
    **meanings(words_by(lambda language: language.persons)),
}
_KINDS_BY = words_by(lambda language: language.kinds)
KINDS: Mapping[str, str] = {**{worded(kind): kind for kind in _KINDS_BY}, **meanings(_KINDS_BY)}
ENVIRONMENTS: Mapping[str, str] = meanings(words_by(lambda language: language.environments))


def _flags(language: Language) -> Iterator[tuple[str, tuple[EntryStatus, EntryStatus]]]:
    for written, statuses in language.flags.items():
        for heading in language.spellings((written,)):
            yield normal(heading), statuses


FLAGS: Mapping[str, tuple[EntryStatus, EntryStatus]] = {
    heading: statuses for language in languages().values() for heading, statuses in _flags(language)
}
"""Headings whose cells say yes or no: what an entry is where it says yes, and where it says no."""


# --- A list's own words: ``values`` in the config, by column ---

OF_ENTRIES: Mapping[str, tuple[str, ...] | None] = {
    "status": get_args(EntryStatus),
    "kind": tuple(_KINDS_BY),
    "environment": ("prod", "staging", "uat", "qa", "test", "dev", "preprod", "nonprod", "sandbox"),
    "provider": None,
}
"""The columns of a registry whose words can be mapped, and what they can mean; None: any text."""
OF_PEOPLE: Mapping[str, tuple[str, ...] | None] = {"status": get_args(PersonStatus)}
"""As OF_ENTRIES, of a roster."""


def wrong_values(
    values: Mapping[str, Mapping[str, str]], vocabulary: Mapping[str, tuple[str, ...] | None]
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield each mistake in a list's ``values``: its keys, what is wrong, and the fix."""
    for column, words in values.items():
        if column not in vocabulary:
            fix = did_you_mean(column, tuple(vocabulary)) or f"use one of {', '.join(vocabulary)}"
            yield (column,), f"there are no words of {column} to map", fix
            continue
        known = vocabulary[column]
        for word, meaning in words.items():
            if known is None:
                if not meaning.strip():
                    yield (column, word), "has no meaning", "write what the word means"
            elif meaning not in known:
                fix = did_you_mean(meaning, known) or f"use one of {', '.join(known)}"
                yield (column, word), f"{meaning!r} is no {column}", fix


def own_words(values: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return a list's ``values`` by column, in the form in which words are compared."""
    return {column: {worded(word): meaning for word, meaning in words.items()} for column, words in values.items()}


def say_what_it_means(column: str, known: Sequence[str]) -> str:
    """Return the fix for a word of no known meaning."""
    return f"use one of {', '.join(known)}, or say under values.{column} in the config what it means"
