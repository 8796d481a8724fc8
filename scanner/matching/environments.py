"""What people mean by the environments they write: ``Production (EU)`` and ``prod-eu`` are one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from scanner.matching.keys import fold, tag_name
from scanner.model import Identity

_ENVIRONMENT_TAGS = frozenset({"env", "environment", "stage"})
_BEFORE_PROD = frozenset({"dev", "test", "qa", "uat", "staging", "preprod", "sandbox"})
_WORDS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("prod", "production", "prd", "live"), frozenset({"prod"})),
    **dict.fromkeys(("preprod", "preproduction", "preprd"), frozenset({"preprod"})),
    **dict.fromkeys(("nonprod", "nonproduction", "nonprd"), _BEFORE_PROD),
    **dict.fromkeys(("staging", "stage", "stg"), frozenset({"staging"})),
    **dict.fromkeys(("uat", "acceptance"), frozenset({"uat"})),
    **dict.fromkeys(("qa",), frozenset({"qa"})),
    **dict.fromkeys(("test", "testing", "tst"), frozenset({"test"})),
    **dict.fromkeys(("dev", "development"), frozenset({"dev"})),
    **dict.fromkeys(("sandbox", "sbx"), frozenset({"sandbox"})),
}
# In a name, "test", "live", "stage" and "acceptance" may as well be what the thing does.
_PLAIN_IN_NAMES = frozenset(
    {"prod", "production", "prd", "preprod", "nonprod", "staging", "stg", "uat", "dev", "development"}
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_QUALIFIED = re.compile(r"(?<![^\W_])(pre|non)[\W_]+(?=(?:prod|prd|production)(?![^\W_]))")
_LETTERS = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=4096)
def environments(text: str | None) -> frozenset[str]:
    """The environments that are named; none where no word is a known one: a word nobody knows may mean anything."""
    return frozenset[str]().union(*(_WORDS.get(word, ()) for word in _words(text or "")))


def environment_in_name(name: str) -> frozenset[str]:
    """The environment that a whole word of an identity's name tells; none where two words tell different ones."""
    told = {_WORDS[word] for word in _words(name) if word in _PLAIN_IN_NAMES}
    return told.pop() if len(told) == 1 else frozenset()


def environment_of(identity: Identity) -> tuple[frozenset[str], str]:
    """What the provider says, else its tags, else, where it is known to have no such tag, its name; and which did."""
    if found := environments(identity.environment):
        return found, identity.environment or ""
    tags = {key: value for key, value in sorted(identity.tags.items()) if tag_name(key) in _ENVIRONMENT_TAGS}
    if tags:
        evidence = ", ".join(f"tag {key}={value}" for key, value in tags.items())
        return frozenset[str]().union(*map(environments, tags.values())), evidence
    if identity.environment or "tags" in identity.unread:
        return frozenset(), ""
    return environment_in_name(identity.name), f"by its name, {identity.name}"


def _words(text: str) -> list[str]:
    """Its words, with ``non-prod`` and ``pre-prod`` as one."""
    return _LETTERS.findall(_QUALIFIED.sub(r"\1", fold(_HUMP.sub("-", text))))
