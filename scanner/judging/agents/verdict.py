"""Judges whether an identity is an AI agent, by its provider's facts and by words in its texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from typing import Literal, TypeAlias

import ahocorasick
import msgspec
from msgspec import Struct

from scanner.catalog import read_table
from scanner.model import AgentVerdict, Identity, Signal

_Place: TypeAlias = Literal["name", "tag", "path", "description"]

# ETLBot2 is ETL, Bot, 2: capitals up to the start of a word, a word, a number, or any other script.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_CHUNK = re.compile(r"[^\W_]+")


class _Words(Struct, frozen=True, forbid_unknown_fields=True):
    outright: frozenset[str]
    suggestive: frozenset[str]
    teams: frozenset[str]
    demoted: frozenset[str]
    products: frozenset[str]
    chores: frozenset[str]
    trades: frozenset[str]
    belongings: frozenset[str]
    bedrock: frozenset[str]
    other_work: frozenset[str]


_WORDS = read_table("scanner.judging.agents", "words.toml", _Words)
_ANY = _WORDS.outright | _WORDS.suggestive | _WORDS.teams
_OF_ITSELF: frozenset[_Place] = frozenset({"name", "description"})
"""Places whose words are about the identity itself, not about its owner."""
_SEPARATORS = re.compile(r"[\W_]+")
_ASCII_SEPARATORS = bytes(code for code in range(128) if _SEPARATORS.match(chr(code)))
_LOWER = bytes(range(256)).lower()
_NO_AI = frozenset(
    {
        *_WORDS.products,
        *(before + demoted for before in _WORDS.chores | _WORDS.trades for demoted in _WORDS.demoted),
        *(demoted + behind for behind in _WORDS.belongings for demoted in _WORDS.demoted),
    }
)


def _automaton() -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for word in _ANY:
        automaton.add_word(word, word)
    automaton.make_automaton()
    return automaton


_ANYWHERE = _automaton()
_NO_SIGN = AgentVerdict()


def judge_agent(identity: Identity) -> AgentVerdict:
    """Return the verdict: an agent has one strong signal, or two weak ones of different sorts.

    A single weak signal is kept as ``suggested``. A word repeated in another place adds nothing, and neither do the
    usual words in names of teams.
    """
    said = tuple(signal for signal in identity.signals if signal.says == "agent") if identity.signals else ()
    worded = tuple(_worded(identity)) if _has_ai_word(identity) else ()
    signals = (*said, *(_signal(place, found) for place, found in worded))
    if not signals:
        return _NO_SIGN
    strong = any(signal.strength == "strong" for signal in signals)
    is_agent = strong or len({*(signal.sort for signal in said), *_adding(worded, beside_facts=bool(said))}) > 1
    if not is_agent:
        signals = tuple(msgspec.structs.replace(signal, strength="suggested") for signal in signals)
    return AgentVerdict(is_agent=is_agent, signals=signals)


def words(text: str) -> frozenset[str]:
    """Return the words of an identifier in lower case; two neighbouring words also count as one."""
    parts = [part.lower() for part in _WORD.findall(text)]
    chunks = (chunk.lower() for chunk in _CHUNK.findall(text))
    return frozenset((*parts, *chunks, *(left + right for left, right in pairwise(parts))))


def _worded(identity: Identity) -> Iterator[tuple[_Place, frozenset[str]]]:
    """Yield the places with words about AI, and these words."""
    for place, texts in _places(identity):
        found = frozenset[str]().union(*(_about_ai(words(text)) for text in texts if text))
        if found:
            yield place, found


def _signal(place: _Place, found: frozenset[str]) -> Signal:
    outright = place == "name" and not found.isdisjoint(_WORDS.outright)
    return Signal(
        says="agent",
        sort=place,
        evidence=f"{place} says {', '.join(sorted(found))}",
        strength="strong" if outright else "weak",
    )


def _adding(worded: Iterable[tuple[_Place, frozenset[str]]], *, beside_facts: bool) -> Iterator[_Place]:
    """Yield the places with a new word, or, beside a provider's facts, with a word about the identity itself."""
    known = set(_WORDS.teams)
    for place, found in worded:
        new = {word.removesuffix("s") for word in found} - known
        known |= new
        if new or (beside_facts and place in _OF_ITSELF and not found.isdisjoint(_WORDS.teams)):
            yield place


def _places(identity: Identity) -> Iterator[tuple[_Place, Iterable[str | None]]]:
    shown = identity.display_name
    # A display name such as NAMESPACE/NAME only says where the identity is.
    yield "name", (identity.name, None if shown and shown.endswith(f"/{identity.name}") else shown)
    if identity.tags:
        yield "tag", (f"{key} {value}" for key, value in sorted(identity.tags.items()))
    if isinstance(path := identity.attributes.get("path"), str):
        yield "path", (path,)
    if identity.description:
        yield "description", (identity.description,)


def _has_ai_word(identity: Identity) -> bool:
    """Return whether any AI word occurs in any text.

    Few have one, and splitting all texts would take ten times as long.
    """
    path = identity.attributes.get("path")
    texts = (identity.name, identity.display_name, identity.description, path if isinstance(path, str) else None)
    text = " ".join([*filter(None, texts), *chain.from_iterable(identity.tags.items())])
    if text.isascii():
        run_together = text.encode().translate(_LOWER, _ASCII_SEPARATORS).decode()
    else:
        run_together = _SEPARATORS.sub("", text).lower()
    return next(_ANYWHERE.iter(run_together), None) is not None


def _about_ai(found: frozenset[str]) -> frozenset[str]:
    """Return the words about AI, without the "agent" of a Jenkins agent or a travel agent."""
    about_ai = found & _ANY
    explained = ((_WORDS.demoted, _NO_AI), (_WORDS.bedrock, _WORDS.other_work))
    if any(about_ai <= said and not found.isdisjoint(beside) for said, beside in explained):
        return frozenset()
    return about_ai
