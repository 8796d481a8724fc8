"""Text helpers: printing untrusted text, comparing, and counting. Names and tags may come from attackers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# Cc: control characters, terminal escapes among them. Cf: invisible formatting, right-to-left overrides among them.
# Cs: lone surrogates, which cannot be encoded. Co: private use, which depends on the font.
# Zl, Zp: line breaks that only some programs see.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
_ODD = re.compile(r"[^ -~]")


def printable(text: str) -> str:
    r"""The text on one line, with everything that could act on a terminal or a log made visible as ``\\xNN``."""
    if text.isprintable():  # false for all of these categories, but also for unassigned characters and wide spaces
        return text
    return _ODD.sub(_shown, text)


def _shown(odd: re.Match[str]) -> str:
    char = odd[0]
    if unicodedata.category(char) not in _UNPRINTABLE:
        return char
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def cut(text: str, longest: int) -> str:
    """The text as :func:`printable` shows it, in at most that many characters."""
    line = printable(text)
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def without_surrogates(text: str) -> str:
    """The text with lone surrogates replaced by U+FFFD, as UTF-8 requires."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def counted(number: int, one: str, many: str) -> str:
    """``1 gap``, ``1,200 gaps``."""
    return f"{number:,} {either(number, one, many)}"


def either(number: int, one: str, many: str) -> str:
    """The singular or plural for a number."""
    return one if number == 1 else many


def few(texts: Sequence[str], most: int, separator: str = ", ") -> str:
    """The first texts, and the number of the others: ``a, b and 1,200 more``.

    Texts with commas of their own need the separator ``; ``, which also stands before the number.
    """
    more = len(texts) - most
    before = " " if separator == ", " else separator
    return separator.join(texts[:most]) + (f"{before}and {more:,} more" if more > 0 else "")


def issuer_name(url: str) -> str:
    """A token issuer in the form for comparison: without scheme, the host in lower case, no slash at the end."""
    host, slash, path = url.removeprefix("https://").rstrip("/").partition("/")
    return f"{host.lower()}{slash}{path}"


_OF_ANY_CLUSTER = re.compile(r"kubernetes(?:\.default(?:\.svc(?:\..+)?)?)?(?::[0-9]+)?(?:/.*)?")


def is_shared_issuer(url: str) -> bool:
    """Whether this is the default issuer of self-managed clusters, which only their keys distinguish."""
    return _OF_ANY_CLUSTER.fullmatch(issuer_name(url)) is not None


def is_known_everywhere(url: str) -> bool:
    """Whether a server's address is globally unique: a name with a domain, not an IP address."""
    host = issuer_name(url).partition("/")[0].partition(":")[0]
    return "." in host and not host.rpartition(".")[2].isdigit() and not is_shared_issuer(url)


def account_name(issuer: str, namespace: str, name: str) -> str:
    """The target name of a cluster's service account, made from the cluster's issuer."""
    return f"kubernetes:{issuer_name(issuer)}/{namespace}/{name}"


def outsider_name(issuer: str, kind: str, name: str) -> str:
    """The target name of a cluster's ``user`` or ``group``, made from the cluster's issuer."""
    return f"kubernetes:{issuer_name(issuer)}#{kind}:{name}"


# --- Untrusted text in Markdown: never markup, a mention or a link ---

# In CommonMark a backslash before punctuation makes it text. Only characters with a meaning in their place are escaped
# so that identities stay readable: an underscore is markup at the edge of a word, ``-`` and ``1.`` begin a list
# at the start of a line, and ``://`` and ``www.`` are what GitHub makes a link of.
_COULD_BE_MARKUP = re.compile(
    r"[#$&*<>\[\\\]`|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=//)|(?<=www)\.|^[-+=]", re.IGNORECASE
)
# GitHub finds these in the rendered text, without backslashes: mentions, addresses, numbers of issues.
_COULD_BE_REFERENCE = re.compile(r"(@|#|\bGH-)(?=\\?\w)", re.IGNORECASE)
_WORD_JOINER = "\u2060"
_NUMBER_OF_LIST = re.compile(r"^(\d+)([.)])")
# What stands between two single backticks, as commands do in sentences of rules.
_CODE = re.compile(r"(?<!`)(`[^`]*[^` ][^`]*`)(?!`)")


def markdown_text(text: str) -> str:
    """The text on one line, escaped for any place in Markdown, also for table cells. Blanks are collapsed."""
    return _escaped(_on_one_line(text))


def markdown_unlinked(text: str) -> str:
    """Escaped text in which ``@team`` mentions no team and ``#1`` does not link: an invisible character splits them."""
    return _unlinked(markdown_text(text))


def markdown_sentence(text: str) -> str:
    """Like :func:`markdown_unlinked`, for a sentence of ours: what it has between backticks, as commands, is code.

    A name in it can at most look like code, which it cannot leave.
    """
    parts = enumerate(_CODE.split(_on_one_line(text)))
    return "".join(markdown_code(part[1:-1]) if number % 2 else _unlinked(_escaped(part)) for number, part in parts)


def _on_one_line(text: str) -> str:
    return re.sub(" +", " ", printable(text)).strip()


def _escaped(line: str) -> str:
    return _NUMBER_OF_LIST.sub(r"\1\\\2", _COULD_BE_MARKUP.sub(r"\\\g<0>", line))


def _unlinked(escaped: str) -> str:
    return _COULD_BE_REFERENCE.sub(rf"\1{_WORD_JOINER}", escaped)


def markdown_code(text: str) -> str:
    """The text as code, to copy as it is, except ``|`` and backticks, which end cells and code."""
    line = printable(text).strip().replace("`", r"\x60").replace("|", r"\x7c")
    return f"`{line}`" if line else ""
