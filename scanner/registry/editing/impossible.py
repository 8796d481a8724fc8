"""Finds impossible values in entries: ids that cannot exist, contradicting places, secrets; pure.

No message repeats what may be a secret.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from scanner.matching.keys import fold, habits, place_in, provider_key
from scanner.model import Entry
from scanner.redaction.redact import quotes_resolved
from scanner.redaction.shapes import MASK, without_secrets
from scanner.registry.columns import OWNERS
from scanner.registry.editing.overlaps import Remark
from scanner.registry.editing.quality import Standard
from scanner.registry.owner_cells import is_placeholder
from scanner.registry.tables.cells import shown

_ZEROS_LOST = 4
"""The most leading zeros that a spreadsheet may have removed from an account number."""
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "FULLWIDTH", "CHEROKEE")
_INVISIBLE = frozenset({"Cf", "Cc", "Zl", "Zp"})
_TEXTS = ("purpose", "blast_radius", "baseline", "team", "built_by", "approved_by", "environment")
_NAMES_OR_SAYS = ("purpose", "team", "built_by", "approved_by", "environment", "blast_radius", "baseline")
_LISTS = ("identities", "credentials", "systems", "permissions", *OWNERS)
# An AWS secret access key has no other recognisable shape.
_FORTY = re.compile(r"(?<![\w/+.:@-])[A-Za-z0-9/+]{40}(?![\w/+=.:@-])")
_TURN = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[a-z0-9])|(?<=[0-9])(?=[A-Za-z])")
_LEAST_TURNS = 14
"""The fewest changes of character class. A secret access key has over 20, a long CamelCase name about 10."""


def disguised(entry: Entry, _standard: Standard) -> Iterator[Remark]:
    """Ids with invisible characters, or with letters of another alphabet among Latin ones."""
    texts = [("identities", text) for text in entry.identities]
    if entry.name is not None and entry.name not in entry.identities:
        texts.append(("name", entry.name))
    for column, text in texts:
        if text.isascii():
            continue
        unseen = [char for char in text if unicodedata.category(char) in _INVISIBLE]
        names = [unicodedata.name(char, "") for char in text if char.isalpha()]
        scripts = {script for name in names for script in _SCRIPTS if name.startswith(script)}
        if unseen:
            code = f"U+{ord(unseen[0]):04X}"
            yield column, f"{shown(text)} holds an invisible character ({code})", "write it again without it"
        elif len(scripts) > 1:
            mixed = " and ".join(sorted(script.capitalize() for script in scripts))
            yield column, f"{shown(text)} mixes letters that look alike ({mixed})", "type it again, or copy the id"


def account_numbers(entry: Entry, _standard: Standard) -> Iterator[Remark]:
    """Account numbers that the provider cannot have assigned, which match nothing."""
    shown_in = [found for text in entry.identities if (found := _numbered(text)) is not None]
    for provider, number in sorted({(provider, number) for provider, number, _ in shown_in}):
        if number.isdecimal() and not _is_account(number, provider, shortened=False):
            yield "identities", _no_account(number, provider), "copy the id again"
    scope = entry.scope or ""
    provider = provider_key(entry.provider) or next((one for one, _, _ in shown_in), "")
    digits = habits(provider).scope_digits
    if digits and scope.isdecimal() and not _is_account(scope, provider, shortened=True):
        yield "scope", _no_account(shown(scope), provider), f"write all {digits}, as text"


def _numbered(text: str) -> tuple[str, str, str] | None:
    """Return provider, scope and id, if the provider's scopes are numbers."""
    found = place_in(text)
    if found is None or not habits(found[0]).scope_digits or found[1].groupdict().get("scope") is None:
        return None
    return found[0], found[1]["scope"], text


def _no_account(number: str, provider: str) -> str:
    known = habits(provider)
    return f"{number} is not a valid {known.title or provider} {known.scope_title}: it has {known.scope_digits} digits"


def _is_account(number: str, provider: str, *, shortened: bool) -> bool:
    digits = habits(provider).scope_digits
    least = digits - _ZEROS_LOST if shortened else digits
    return least <= len(number) <= digits and bool(number.strip("0"))


def contradicting_place(entry: Entry, _standard: Standard) -> Iterator[Remark]:
    """A scope or provider that differs from the entry's ids, so that it matches nothing."""
    scope = entry.scope or ""
    for provider, number, text in filter(None, map(_numbered, entry.identities)):
        known = habits(provider)
        fix = "correct one of them: this entry matches nothing"
        if entry.provider is not None and provider_key(entry.provider) != provider:
            its_id = known.id_title or f"an id of {known.title or provider}"
            yield "provider", f"is {shown(entry.provider)}, and {shown(text)} is {its_id}", fix
        elif scope.isdecimal() and number.isdecimal() and scope.zfill(known.scope_digits) != number:
            yield "scope", f"is {shown(scope)}, and {shown(text)} is of another account", fix


def self_approval(entry: Entry, standard: Standard) -> Iterator[Remark]:
    """The approver owns or built it, and no one else reviewed it."""
    if entry.approved_by is None:
        return
    for column in ("owner", "built_by"):
        value = getattr(entry, column)
        texts = (value,) if isinstance(value, str) else value or ()
        if any(_is_one(entry.approved_by, text, standard) for text in texts):
            message = f"{shown(entry.approved_by)} approved what they {'own' if column == 'owner' else 'built'}"
            yield "approved_by", message, "have another person approve it"
            return


def _is_one(text: str, other: str, standard: Standard) -> bool:
    """Return whether two texts mean the same person or group; a team and its member differ."""
    if standard.roster is None or (person := standard.roster.resolve(text)) is None:
        return fold(text.strip()) == fold(other.strip())
    return standard.roster.resolve(other) == person


def secrets(entry: Entry, _standard: Standard) -> Iterator[Remark]:
    """Cells that look like secrets."""
    columns = {column: (getattr(entry, column) or "",) for column in _TEXTS}
    columns |= {column: getattr(entry, column) for column in _LISTS}
    for column, texts in columns.items():
        if any(_holds_secret(text) for text in texts):
            yield column, "holds what may be a secret", "remove it from the list, and rotate it"
    for heading, text in entry.extra.items():
        if MASK in text or _holds_secret(text):
            yield heading, "holds what may be a secret", "remove it from the list, and rotate it"


def _holds_secret(text: str) -> bool:
    looks_random = any(len(_TURN.findall(found)) >= _LEAST_TURNS for found in _FORTY.findall(text))
    return looks_random or without_secrets(text) != text or quotes_resolved(text)


def yet_to_be_said(entry: Entry, _standard: Standard) -> Iterator[Remark]:
    """Placeholders such as ``TBD``."""
    for column in _NAMES_OR_SAYS:
        text = getattr(entry, column)
        if text is not None and is_placeholder(text):
            yield column, f"says {shown(text)}", "fill it in, or leave it empty"
