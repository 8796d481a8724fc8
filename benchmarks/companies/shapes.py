"""The cells by which a careful colleague knows an identity, in every form that such lists have."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import NamedTuple, TypeAlias

from benchmarks.companies.estate import BARE, PLATFORMS, SHARED, Principal
from benchmarks.companies.words import Words


class Cells(NamedTuple):
    """What a row says of identities."""

    identity: str
    provider: str = ""
    scope: str = ""


Write: TypeAlias = Callable[[Sequence[Principal], Words, Random], Cells]


class Shape(NamedTuple):
    """``platforms``: where such cells are written. ``fewest``, ``most``: so many identities in a cell, of one place."""

    platforms: tuple[str, ...]
    write: Write
    fewest: int = 1
    most: int = 1


def placed(text: str, one: Principal) -> Cells:
    """A text that needs its place, with provider and scope beside it."""
    return Cells(text, PLATFORMS[one.platform].plain, one.scope)


def _each(write: Callable[[Principal, Words, Random], Cells]) -> Write:
    return lambda found, words, rng: write(found[0], words, rng)


def _scope(form: str) -> Write:
    """The name of an AWS identity, its account in another form than twelve digits."""

    def write(one: Principal, _: Words, rng: Random) -> Cells:
        said = one.scope
        hyphened = f"{said[:4]}-{said[4:8]}-{said[8:]}"
        return Cells(
            one.name, "AWS", form.format(said=said, hyphened=hyphened, alias=rng.choice(("prod", "core", "IT")))
        )

    return _each(write)


def _by_account_name(one: Principal, _: Words, _rng: Random) -> Cells:
    return Cells(one.name, PLATFORMS[one.platform].plain, one.scope if SHARED in one.scope_name else one.scope_name)


def _name(write: Callable[[str, Words, Random], str]) -> Write:
    return _each(lambda one, words, rng: placed(write(one.name, words, rng), one))


def _guid(write: Callable[[str, Words, Random], str]) -> Write:
    return _each(lambda one, words, rng: Cells(write(rng.choice((one.unique_id, one.aliases[0])), words, rng), "Azure"))


def _dn(write: Callable[[str, Random], str]) -> Write:
    return _each(lambda one, _, rng: Cells(write(one.key, rng)))


def _hexed(text: str) -> str:
    """The letters that are not ASCII, or else the first of the name, as RFC 4514 writes them."""
    letters = [char for char in text if not char.isascii()] or [text[3]]
    return text.replace(letters[0], "".join(f"\\{byte:02x}" for byte in letters[0].encode()), 1)


def _google(*forms: str) -> Write:
    return _each(lambda one, _, rng: Cells(rng.choice(forms).format(mail=one.aliases[0], project=one.scope)))


def _quoted(name: str, words: Words, rng: Random) -> str:
    before, after = rng.choice((words.quotes, ('"', '"'), ("'", "'"), ("`", "`")))
    return f"{before}{name}{after}"


def full_id(one: Principal) -> str:
    """The id that says all: the key, a mail or a path that only it has."""
    return one.aliases[0] if one.platform in ("google", "kubernetes", "vault") else one.key


def _several(between: Callable[[Words], str], write: Callable[[Sequence[Principal], Random], list[str]]) -> Write:
    def cells(found: Sequence[Principal], words: Words, rng: Random) -> Cells:
        return placed(between(words).join(write(found, rng)), found[0])

    return cells


def _as_a_list(words: Words, texts: Sequence[str]) -> str:
    return f"{words.comma.join(texts[:-1])}{words.joined}{texts[-1]}"


def _names(found: Sequence[Principal], _: Random) -> list[str]:
    return [one.name for one in found]


def _ids(found: Sequence[Principal], _: Random) -> list[str]:
    return [full_id(one) for one in found]


def _mixed(found: Sequence[Principal], rng: Random) -> list[str]:
    return [one.name if number % 2 else full_id(one) for number, one in enumerate(rng.sample(found, len(found)))]


_SEPARATORS: Mapping[str, Callable[[Words], str]] = {
    "commas": lambda words: words.comma,
    "semicolons": lambda _: "; ",
    "spaced slashes": lambda _: " / ",
    "bars": lambda _: " | ",
    "ampersand": lambda _: " & ",
    "lines": lambda _: "\n",
    "and": lambda words: words.joined,
}
_CLOUD = ("aws role", "aws user", "google", "kubernetes", "azure app")
_GUIDS = ("azure app", "azure managed")

SHAPES: Mapping[str, Shape] = {
    "key": Shape(tuple(PLATFORMS), _each(lambda one, _w, _r: Cells(one.key))),
    "unique id": Shape(
        ("aws role", "aws user", "google", *_GUIDS), _each(lambda one, _w, _r: placed(one.unique_id, one))
    ),
    "name, provider and scope": Shape(BARE, _name(lambda name, _w, _r: name)),
    "account 1234-5678-9012": Shape(("aws role", "aws user"), _scope("{hyphened}")),
    "account 'digits": Shape(("aws role", "aws user"), _scope("'{said}")),
    "account prod (digits)": Shape(("aws role", "aws user"), _scope("{alias} ({said})")),
    "account digits (prod)": Shape(("aws role", "aws user"), _scope("{said} ({alias})")),
    "account prod (1234-5678-9012)": Shape(("aws role", "aws user"), _scope("{alias} ({hyphened})")),
    "account by its name": Shape(("aws role", "google"), _each(_by_account_name)),
    "provider in other words": Shape(
        (*BARE, "directory"),
        _each(lambda one, _, rng: Cells(one.name, rng.choice(PLATFORMS[one.platform].wordy), one.scope)),
    ),
    "GUID in braces": Shape(_GUIDS, _guid(lambda text, _w, _r: f"{{{text}}}")),
    "GUID without hyphens": Shape(_GUIDS, _guid(lambda text, _w, _r: text.replace("-", ""))),
    "GUID in capitals": Shape(_GUIDS, _guid(lambda text, _w, _r: text.upper())),
    "GUID with a note": Shape(_GUIDS, _guid(lambda text, words, rng: rng.choice(words.id_notes).format(text))),
    "DN in other case": Shape(("directory",), _dn(lambda text, rng: rng.choice((text.lower(), text.upper())))),
    "DN with blanks": Shape(
        ("directory",),
        _dn(lambda text, rng: text.replace(",", ", ") if rng.random() < 0.5 else text.replace("=", " = ")),
    ),
    "DN, attribute names in lower case": Shape(
        ("directory",), _dn(lambda text, _: re.sub(r"\b(CN|OU|DC)=", lambda found: found[0].lower(), text))
    ),
    "DN, letters as hex": Shape(("directory",), _dn(lambda text, _: _hexed(text))),
    "DOMAIN\\user": Shape(("directory",), _each(lambda one, _w, _r: Cells(one.aliases[0]))),
    "domain\\USER": Shape(
        ("directory",), _each(lambda one, _, rng: Cells(rng.choice((one.aliases[0].lower(), one.aliases[0].upper()))))
    ),
    "USER@DOMAIN": Shape(("directory",), _each(lambda one, _w, _r: Cells(one.aliases[1].upper()))),
    "quoted": Shape(BARE, _name(_quoted)),
    "with a note": Shape(BARE, _name(lambda name, words, rng: words.noted(name, rng.choice(words.keep)))),
    "Google account, as Terraform writes it": Shape(
        ("google",),
        _google(
            "serviceAccount:{mail}",
            "projects/{project}/serviceAccounts/{mail}",
            "//iam.googleapis.com/projects/{project}/serviceAccounts/{mail}",
            "projects/-/serviceAccounts/{mail}",
        ),
    ),
    **{
        f"several ids: {name}": Shape(
            _CLOUD if name in ("commas", "and") else (*_CLOUD, "directory"), _several(between, _ids), 2, 3
        )
        for name, between in _SEPARATORS.items()
    },
    **{f"several names: {name}": Shape(BARE, _several(between, _names), 2, 3) for name, between in _SEPARATORS.items()},
    "several names: slashes": Shape(BARE, _several(lambda _: "/", _names), 2, 3),
    "several names: a, b and c": Shape(
        BARE, lambda found, words, rng: placed(_as_a_list(words, _names(found, rng)), found[0]), 3, 4
    ),
    "several, ids and names: commas": Shape(_CLOUD[:3], _several(lambda words: words.comma, _mixed), 2, 3),
    "several, ids and names: lines": Shape(_CLOUD[:3], _several(lambda _: "\n", _mixed), 2, 3),
    "several logins: commas": Shape(
        ("directory",),
        _several(lambda words: words.comma, lambda found, _: [one.aliases[0].lower() for one in found]),
        2,
        3,
    ),
}
"""Each of these is read by a colleague without asking."""


def _assumed(one: Principal, _: Words, rng: Random) -> Cells:
    return Cells(f"arn:aws:sts::{one.scope}:assumed-role/{one.name}/{rng.choice(('session', 'i-0ab12', 'CI'))}")


BEYOND: Mapping[str, Shape] = {
    "bullets": Shape(
        BARE, _several(lambda _: "\n\u2022 ", lambda found, _: [f"\u2022 {found[0].name}", *_names(found, _)[1:]]), 2, 3
    ),
    "numbered": Shape(
        BARE,
        _several(lambda _: "\n", lambda found, _: [f"{at}) {one.name}" for at, one in enumerate(found, start=1)]),
        2,
        3,
    ),
    "a trailing comma": Shape(BARE, _name(lambda name, _w, _r: f"{name},")),
    "a label before it": Shape(BARE, _name(lambda name, words, _: f"{words.registry.headings['identity']}: {name}")),
    "an assumed role": Shape(("aws role",), _each(_assumed)),
    "namespace/name": Shape(
        ("kubernetes",), _each(lambda one, _w, _r: placed("/".join(one.aliases[0].split(":")[2:]), one))
    ),
    "a path before it": Shape(("aws role",), _name(lambda name, _w, _r: f"role/{name}")),
}
"""What colleagues read, too, and Muster does not promise to."""
