"""Small matters of text: making what comes from outside safe to show, comparing, and counting in words.

Names and tags are written by attackers, too.
"""

from __future__ import annotations

import re
import unicodedata

# Cc: control characters, terminal escapes among them. Cf: invisible formatting, right-to-left overrides among them.
# Cs: lone surrogates, which no encoder takes. Co: private use, which each font draws in its own way, or not at all.
# Zl, Zp: line breaks that only some programs see.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
_ODD = re.compile(r"[^ -~]")


def printable(text: str) -> str:
    r"""The text on one line, with everything that could act on a terminal or a log made visible as ``\\xNN``."""
    if text.isprintable():  # nothing of these categories is; but neither are unassigned characters and wide spaces
        return text
    return _ODD.sub(_shown, text)


def _shown(odd: re.Match[str]) -> str:
    char = odd[0]
    if unicodedata.category(char) not in _UNPRINTABLE:
        return char
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def without_surrogates(text: str) -> str:
    """The text as UTF-8 can hold it: a lone surrogate becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def counted(number: int, one: str, many: str) -> str:
    """``1 gap``, ``1,200 gaps``."""
    return f"{number:,} {either(number, one, many)}"


def either(number: int, one: str, many: str) -> str:
    """The word that goes with that number."""
    return one if number == 1 else many


def issuer_name(url: str) -> str:
    """An issuer of tokens as they are compared: without scheme, the host in lower case, no slash at the end."""
    host, slash, path = url.removeprefix("https://").rstrip("/").partition("/")
    return f"{host.lower()}{slash}{path}"


_OF_ANY_CLUSTER = re.compile(r"kubernetes(?:\.default(?:\.svc(?:\..+)?)?)?(?::[0-9]+)?(?:/.*)?")


def is_shared_issuer(url: str) -> bool:
    """Whether clusters that were set up by themselves all call their issuer so. Only their keys tell them apart."""
    return _OF_ANY_CLUSTER.fullmatch(issuer_name(url)) is not None


def is_known_everywhere(url: str) -> bool:
    """Whether a server's address means the same one from everywhere: a name with a domain, and no number."""
    host = issuer_name(url).partition("/")[0].partition(":")[0]
    return "." in host and not host.rpartition(".")[2].isdigit() and not is_shared_issuer(url)


def account_name(issuer: str, namespace: str, name: str) -> str:
    """What a service account of a cluster is called by those who know the cluster's issuer."""
    return f"kubernetes:{issuer_name(issuer)}/{namespace}/{name}"


def outsider_name(issuer: str, kind: str, name: str) -> str:
    """What a ``user`` or ``group`` of a cluster is called by those who know the cluster's issuer."""
    return f"kubernetes:{issuer_name(issuer)}#{kind}:{name}"
