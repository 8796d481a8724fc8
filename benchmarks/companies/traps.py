"""What looks like a declaration and is none: to register by it would be false."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.companies.estate import BARE, PLATFORMS, Estate, Principal, guid
from benchmarks.companies.shapes import Cells, full_id, placed
from benchmarks.companies.words import Words

Verdict: TypeAlias = Literal["registered", "candidate", "nothing"]
"""What a colleague makes of it: ``candidate`` is worth a question, ``nothing`` is worth none."""
CLOUDS = ("aws role", "aws user", "azure app", "google")
LOOKS_LIKE: Mapping[str, str] = {"a": "\u0430", "e": "\u0435", "o": "\u043e", "c": "\u0441", "p": "\u0440"}
"""Cyrillic letters that look like Latin ones."""


class Trap(Struct, frozen=True, kw_only=True):
    """A row, and what is so about the identities around it. ``status``: an entry's, else that of any active row.

    ``warns``: a colleague would ask about this cell, so a warning has to name its line.
    """

    cells: Cells | None
    found: tuple[tuple[Principal, Verdict], ...]
    status: Literal["active", "proposed"] = "active"
    warns: bool = False


Make: TypeAlias = Callable[[Estate, Words, Random], Trap]


def _bare(estate: Estate, rng: Random) -> Principal:
    return estate.new(rng.choice(BARE))


def _state(estate: Estate, words: Words, rng: Random) -> Trap:
    one = _bare(estate, rng)
    return Trap(
        cells=placed(words.noted(one.name, rng.choice(words.state)), one), found=((one, "candidate"),), warns=True
    )


def _sibling(estate: Estate, _words: Words, rng: Random) -> Trap:
    """The row names ``x-prod``; there are ``x`` and ``x-test``."""
    platform, pair = rng.choice(BARE), estate.pair()
    base = "-".join(pair)
    found = tuple(
        estate.new(platform, name=name, pair=pair) for name in (base, f"{base}-{rng.choice(('test', 'stage', 'dev'))}")
    )
    return Trap(cells=placed(f"{base}-prod", found[0]), found=tuple((one, "candidate") for one in found))


def _elsewhere(estate: Estate, _words: Words, rng: Random) -> Trap:
    """Its name in an account where nothing is called so."""
    one = estate.new(rng.choice(("aws role", "aws user")))
    other = next(account for account in estate.accounts if account != one.scope)
    hyphened = f"{other[:4]}-{other[4:8]}-{other[8:]}"
    return Trap(
        cells=Cells(one.name, "AWS", rng.choice((other, hyphened, f"core ({other})"))), found=((one, "candidate"),)
    )


def _other_provider(estate: Estate, _words: Words, rng: Random) -> Trap:
    one = _bare(estate, rng)
    others = [made for made in PLATFORMS.values() if made.provider != one.provider and made.wordy]
    return Trap(cells=Cells(one.name, rng.choice(rng.choice(others).wordy)), found=((one, "candidate"),))


def _other_system(estate: Estate, _words: Words, rng: Random) -> Trap:
    """A system that no connector knows has something of the same name."""
    one = _bare(estate, rng)
    return Trap(
        cells=Cells(one.name, rng.choice(("SAP", "Oracle EBS", "AS/400", "DATEV"))),
        found=((one, "candidate"),),
        warns=True,
    )


def _two_providers(estate: Estate, _words: Words, rng: Random) -> Trap:
    one = _bare(estate, rng)
    return Trap(
        cells=Cells(one.name, rng.choice(("AWS / Azure", "GCP, AWS", "Azure & AD"))),
        found=((one, "candidate"),),
        warns=True,
    )


def _recreated(estate: Estate, _words: Words, rng: Random) -> Trap:
    """The row holds the unique id of something deleted; its name lives again under another one."""
    one = estate.new(rng.choice(("aws role", "aws user", "azure app")))
    gone = estate.called(one.platform, one.name, one.words, one.scope).unique_id
    return Trap(cells=placed(gone, one), found=((one, "nothing"),))


def _replaced(estate: Estate, words: Words, rng: Random) -> Trap:
    one, old = _bare(estate, rng), "-".join(estate.pair())
    return Trap(
        cells=placed(rng.choice(words.replaced).format(old=old, new=one.name), one),
        found=((one, "candidate"),),
        warns=True,
    )


def _cyrillic(estate: Estate, _words: Words, rng: Random) -> Trap:
    one = _bare(estate, rng)
    at = next((at for at, char in enumerate(one.name) if char in LOOKS_LIKE), 0)
    name = f"{one.name[:at]}{LOOKS_LIKE.get(one.name[at], one.name[at] * 2)}{one.name[at + 1 :]}"
    double = estate.called(one.platform, name, one.words, one.scope)
    return Trap(cells=placed(one.name, one), found=((one, "registered"), (double, "candidate")))


def _zero(estate: Estate, _words: Words, rng: Random) -> Trap:
    platform, pair = rng.choice(BARE), estate.pair()
    name = f"{pair[0]}-o-{pair[1]}"
    one = estate.new(platform, name=name, pair=pair)
    double = estate.called(platform, name.replace("-o-", "-0-"), pair, one.scope)
    return Trap(cells=placed(name, one), found=((one, "registered"), (double, "candidate")))


def _one_name(estate: Estate, words: Words, _rng: Random) -> Trap:
    """``deploy and audit`` is what the account is called; ``deploy`` and ``audit`` are others."""
    pair = estate.pair()
    first, second = f"{pair[0]}-{pair[1]}", f"{pair[1]}-{pair[0]}"
    whole = estate.new("azure app", name=f"{first} {words.and_} {second}", pair=pair)
    parts = (estate.new("azure app", name=name, pair=pair) for name in (first, second))
    return Trap(cells=placed(whole.name, whole), found=((whole, "registered"), *((one, "candidate") for one in parts)))


def _half_known(estate: Estate, words: Words, rng: Random) -> Trap:
    one, unknown = _bare(estate, rng), "-".join(estate.pair())
    names = [one.name, unknown]
    rng.shuffle(names)
    between = rng.choice((words.joined, " / ", words.comma, " & "))
    return Trap(cells=placed(between.join(names), one), found=((one, "candidate"),), warns=True)


def _either(estate: Estate, words: Words, rng: Random) -> Trap:
    platform = rng.choice(BARE)
    one = estate.new(platform)
    other = estate.called(platform, "-".join(pair := estate.pair()), pair, one.scope)
    return Trap(
        cells=placed(f"{one.name} {words.or_} {other.name}", one),
        found=((one, "candidate"), (other, "candidate")),
        warns=True,
    )


def _except(estate: Estate, words: Words, rng: Random) -> Trap:
    """All of them but one: the cell is no pattern, and the one is not declared."""
    platform, pair = rng.choice(BARE), estate.pair()
    base = "-".join(pair)
    found = [estate.new(platform, name=f"{base}-{number:02}", pair=pair) for number in range(1, 4)]
    cell = f"{base}-* ({words.except_} {found[-1].name})"
    return Trap(
        cells=Cells(cell, PLATFORMS[platform].plain), found=tuple((one, "candidate") for one in found), warns=True
    )


def _part(estate: Estate, _words: Words, rng: Random) -> Trap:
    """The row has a word that is a part of many names."""
    one = _bare(estate, rng)
    return Trap(cells=Cells(one.words[1], PLATFORMS[one.platform].plain), found=((one, "candidate"),))


def _heading(estate: Estate, words: Words, rng: Random) -> Trap:
    """Called as the heading of the column, the sheet or its title."""
    texts = (
        words.registry.headings["identity"],
        *words.registry.title,
        *words.registry.cover,
        *words.registry.sections,
    )
    name = rng.choice(texts).strip(":; \uff1a")
    one = estate.called("directory", name, ("", ""))
    return Trap(cells=None, found=((one, "nothing"),))


def _planned(estate: Estate, _words: Words, rng: Random) -> Trap:
    one = _bare(estate, rng)
    return Trap(cells=placed(one.name, one), found=((one, "candidate"),), status="proposed")


def _other_domain(estate: Estate, _words: Words, rng: Random) -> Trap:
    one = estate.new("directory")
    domain = rng.choice(("PARTNER", "DMZ", "ALTDOM"))
    text = rng.choice((f"{domain}\\{one.name}", f"{one.name}@{domain.lower()}.example", f".\\{one.name}"))
    return Trap(cells=Cells(text), found=((one, "candidate"),))


def _two_accounts(estate: Estate, _words: Words, _rng: Random) -> Trap:
    """The account is given by a name that two accounts have."""
    pair = estate.pair()
    one = estate.called("aws user", "-".join(pair), pair, estate.accounts[1])
    return Trap(cells=Cells(one.name, "AWS", one.scope_name), found=((one, "candidate"),), warns=True)


def _deleted(estate: Estate, _words: Words, rng: Random) -> Trap:
    """What Google's policies keep of a deleted account, whose mail another one has now."""
    one = estate.new("google")
    text = f"deleted:serviceAccount:{one.aliases[0]}?uid={rng.randrange(10**20, 10**21)}"
    return Trap(cells=Cells(text, "Google Cloud"), found=((one, "candidate"),))


def _branch(estate: Estate, words: Words, _rng: Random) -> Trap:
    """Two accounts of one name in two forests; one is declared."""
    one = estate.new("directory")
    other = estate.called("directory", one.name, one.words)
    forest = words.directory.replace("DC=", "DC=dmz-", 1)
    twin = replace(other, scope="DMZ", key=f"CN={one.name},{forest}", aliases=(f"DMZ\\{one.name}",))
    return Trap(cells=Cells(one.key.lower()), found=((one, "registered"), (twin, "candidate")))


def _two_fit(estate: Estate, words: Words, rng: Random) -> Trap:
    """Without its note, the name is that of two."""
    one = estate.new("aws role")
    other = estate.called("aws role", one.name, one.words, next(each for each in estate.accounts if each != one.scope))
    return Trap(
        cells=Cells(words.noted(one.name, rng.choice(words.keep)), "AWS"),
        found=((one, "candidate"), (other, "candidate")),
        warns=True,
    )


def _digit(estate: Estate, _words: Words, rng: Random) -> Trap:
    """A GUID that differs in its last digit, in braces or without hyphens."""
    one = estate.new("azure app")
    last = "0" if one.aliases[0][-1] != "0" else "1"
    text = f"{one.aliases[0][:-1]}{last}"
    return Trap(cells=Cells(rng.choice((f"{{{text}}}", text.replace("-", "").upper()))), found=((one, "candidate"),))


def _other_guid(estate: Estate, _words: Words, rng: Random) -> Trap:
    """Something of the same name has the GUID that the row has; that is gone."""
    one = estate.new("azure app")
    return Trap(cells=Cells(f"{one.name} ({guid(rng)})", "Azure"), found=((one, "candidate"),))


def _half_known_ids(estate: Estate, words: Words, rng: Random) -> Trap:
    """A full id beside an unknown name: the id counts, and a warning cites the line."""
    one = estate.new(rng.choice(("aws role", "aws user", "google")))
    between = rng.choice((words.comma, "\n", "; "))
    return Trap(
        cells=placed(between.join((full_id(one), "-".join(estate.pair()))), one),
        found=((one, "registered"),),
        warns=True,
    )


TRAPS: Mapping[str, Make] = {
    "a word of state behind it": _state,
    "prod, where there is test": _sibling,
    "another account": _elsewhere,
    "another provider": _other_provider,
    "a system that is not scanned": _other_system,
    "two providers in the cell": _two_providers,
    "deleted and recreated": _recreated,
    "replaced by it": _replaced,
    "Cyrillic letters": _cyrillic,
    "zero for O": _zero,
    "a name with an and in it": _one_name,
    "one of two names is unknown": _half_known,
    "an id beside an unknown name": _half_known_ids,
    "one or the other": _either,
    "all but one": _except,
    "a word of its name": _part,
    "called as a heading": _heading,
    "only planned": _planned,
    "another domain": _other_domain,
    "the same name in another forest": _branch,
    "a note on a name of two": _two_fit,
    "an account name of two": _two_accounts,
    "deleted, in Google's words": _deleted,
    "a digit of its GUID": _digit,
    "its name with another GUID": _other_guid,
}


def undeclared(estate: Estate, rng: Random, size: int) -> Iterator[Principal]:
    """Identities that no row means; half of them are of the directory, where all names look alike."""
    for number in range(size):
        yield estate.new("directory" if number % 2 else rng.choice(tuple(PLATFORMS)))
