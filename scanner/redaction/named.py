"""Finds the values that stand beside the name of a secret: ``DB_PASSWORD=…``, ``<token>…</token>``, ``--api-key …``.

Texts come from outside and may be megabytes long, so each pattern is tried only where the word of a name is, and looks
at a bounded part of the text.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from itertools import product
from typing import NamedTuple

CORES = (
    "contras", "cred", "key", "pass", "pw", "secret", "string", "token",
    "haslo", "hasło", "heslo", "jelsz", "kennw", "lösen", "salas", "senha", "wacht", "şifre", "парол",
    "パスワード", "密码", "密碼", "비밀번호",
)  # fmt: skip
"""Each begins the names below. ``pass``, ``pw`` and ``key`` are common, so what is around them decides."""
_STRONG = (
    r"passw(?:or)?ds?|passphrase|passcode|passwort|contrase[ñn]a|pwd"
    r"|has[lł]o|heslo|jelszó|kennwort|lösenord|salasana|senha|wachtwoord|şifre|пароль|パスワード|密码|密碼|비밀번호"
)
_STRONG_BEFORE = {
    "key": ("secret", "shared", *(f"{word}{sep}access" for word in ("secret", "shared") for sep in ("", " ", "_", "-")),
            "account", "api", "encryption", "master", "private", "signing", "storage", "subscription"),
    "secret": ("client", "app", "shared", "webhook", "totp"),
    "token": ("vault", "access", "refresh", "session", "auth", "bearer", "api", "bot", "deploy", "private", "security"),
    "string": ("connection",),
    "passe": ("mot de", "mot_de", "mot-de", "motde"),
}  # fmt: skip
"""By the last word of a name, the words before it that make the name clear."""
# Suffixes that make the name that of a fact about a secret: ``password_last_changed``, ``token_url``, ``secret_arn``.
FACT = (
    r"(?:accessor|age|arn|at|changed?|count|created|date|days?|enabled|expir[a-z]*|files?|ids?|issuers?|kind|last|length"
    r"|manager|max|min|names?|num|owner|path|period|polic[a-z]*|ref|required|reset|rotat[a-z]*|scopes?|set|status|store"
    r"|subjects?|ttl|type|updated|ur[il]|used?|vault|version)(?![a-z])"
)
# A name and what joins it to its value. ``sign``: an assignment. ``tag``: the end of an XML tag, or the next element of
# a property list. ``pair``: name and value are members of their own. The others are as they say.
_AFTER = re.compile(
    rf"(?i)(?:(?P<strong>{_STRONG})|(?P<weak>secret|token|pw|pass)|(?P<part>key|string|passe|cred(?:ential)?s?))"
    rf"(?:\d{{1,4}}|(?:[_.-](?!{FACT})[a-z0-9]{{1,20}}){{1,3}})?"
    r"(?:"
    r"(?:\s?:?\s?(?:string|str|&str|securestring|char ?\*)(?=\s{0,4}=))?"
    r"""[\\"'`)\]]{0,8}\s{0,20}(?P<sign>=>|:{1,3}=|\?{1,2}=|\+=|\.=|=(?!>)|:(?![:=])|[\uff1a\uff1d\ufe55\ufe66])\s{0,20}"""
    r"""(?:[|>][+-]?\s{0,4}(?:\n|\\n)\s{0,40})?(?:b(?=["']))?"""
    r"|(?P<tag>(?:\s[^<>]{0,200})?(?:>|&gt;)|</[\w:]{1,20}>(?:\s|\\n){0,40}<[\w:]{1,20}>)\s{0,40}"
    r"""|(?P<pair>[\\"']{0,8}\s{0,8}[,;&]?\s{0,8}[\\"']{0,8}(?:value|plaintext|default)[\\"']{0,8}\s{0,4}[:=]\s{0,4})"""
    r"|(?P<prose>\s{1,4}(?:is|was|reads|equals|ist|est)\s{1,4}(?:(?:now|set to|still)\s{1,4})?)"
    r"""|(?P<call>\s{0,4}\(\s{0,4})(?=\\{0,8}["'])"""
    r"""|(?P<flag>[\\"']{0,4}(?:\s{1,8}|\s{0,4},\s{1,4}|,(?=[\\"']))(?!-))"""
    r"|(?P<cell>,)"
    r")"
)
_OF_FLAG = re.compile(r"(?:^|[\s\"'\[(,=])--?[A-Za-z0-9-]{0,40}$")
_OF_TAG = re.compile(r"(?:<|&lt;)[\w:.-]{0,40}$")
_LONGEST = 512
"""Characters of a value that are looked at to judge it. All of it is masked."""
# A quoted value (JSON, a repr, JSON within JSON) ends at the closing quote.
_ENDS = {
    "double": r'(?:\\.|[^"\\])', "single": r"(?:\\.|[^'\\])", "tick": r"[^`]", "inner": r"[^\"'\\]", "bare": r"\S",
    "inside": r"[^<&]",
}  # fmt: skip
_VALUE = re.compile(
    rf"""(?s)"(?P<double>[^"\\]{{0,{_LONGEST}}}(?:\\.[^"\\]{{0,{_LONGEST}}}){{0,{_LONGEST}}})"""
    rf"""|'(?P<single>[^'\\]{{0,{_LONGEST}}}(?:\\.[^'\\]{{0,{_LONGEST}}}){{0,{_LONGEST}}})"""
    rf"""|`(?P<tick>[^`]{{0,{_LONGEST}}})|\\{{1,8}}["'](?P<inner>[^"'\\]{{0,{_LONGEST}}})|(?P<bare>\S{{1,{_LONGEST}}})"""
)
_VALUES = {
    "tag": re.compile(rf"(?P<inside>[^<&]{{1,{_LONGEST}}})"),
    "cell": re.compile(r"(?P<bare>[A-Za-z0-9+/=_.~-]{16,200})(?=[,;\s\"']|$)"),
}
"""By joint, where it is not :data:`_VALUE`."""
_CLOSING = re.compile("(?:<|&lt;)/")
_REST = {kind: re.compile(f"(?s){char}*") for kind, char in _ENDS.items()}

_LONGEST_NAME = 60
_OF_NAMES = f"{string.ascii_letters}{string.digits}_./:-"
_LETTER = re.compile(r"[A-Za-z]$")
# After a weak name and a colon, a plain word belongs to a message. A secret is longer and has a digit.
_ENCODED = re.compile(r"(?=\S{0,200}\d)\S{6,}")
# Not a word of a sentence: it has a digit or a sign, or two hyphens.
_CHOSEN = re.compile(r"(?=\S{0,100}[\d!#$%^&*+=@?~](?![.,;)]?$))\S{5,}|\S{1,100}-\S{1,100}-\S+")
_RANDOM = re.compile(r"(?=[^a-z]{0,100}[a-z])(?=[^A-Z]{0,100}[A-Z])(?=\D{0,100}\d)[A-Za-z0-9+=_.~-]{20,200}")
_PUBLIC_KEY = re.compile(r"(?i)(?:pub(?:lic)?|primary|foreign|kms|object|cache|host|partition|sort)[ _-]?$")
_TABULAR = re.compile(r"(?=(?:[^\W\d_]{0,40}\d){3})(?=(?:\d{0,40}[^\W\d_]){3})[A-Za-z0-9]{17,200}")
_NEXT_VARIABLE = re.compile(r"[A-Za-z_][\w.]*=")
_PLACEHOLDER = re.compile(
    r"(?s)[A-Z][A-Z_]*[\]),.]*|[$<{\[(%•].*"
    r"|(?:and|argument|as|because|but|by|flag|for|if|instead|is|of|on|option|or|that|the|to|use|when|which|with|without)"
)
_NEW_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def spellings(core: str) -> Iterator[str]:
    """Yield it with each of its letters small or capital."""
    return map("".join, product(*({char, char.upper()} for char in core)))


@cache
def _begins() -> re.Pattern[str]:
    return re.compile(f"(?i)(?={'|'.join(CORES)})")


def may_assign(ids: str) -> bool:
    """Return whether an id may contain a name with a value. Nearly all do not; the answer takes nanoseconds."""
    return "=" in ids or ": " in ids or "--" in ids or "<" in ids or ("\uff1a" in ids or "\uff1d" in ids)


def named_in(text: str, *, in_id: bool = False, begins: Iterable[int] | None = None) -> Iterator[tuple[int, int]]:
    """Yield start and end of each value beside the name of a secret, in order.

    ``in_id``: the text is an id or a name. These contain colons and words about secrets, so a value in one has an
    assignment, a tag or an option before it, or a colon and a space, and does not look like a word. ``begins``: where
    the names begin, if that is known already.
    """
    if in_id and not may_assign(text):
        return
    done = 0
    for start in begins if begins is not None else (found.start() for found in _begins().finditer(text)):
        if start < done or (found := _AFTER.match(text, start)) is None:
            continue
        value = _VALUES.get(found.lastgroup or "", _VALUE).match(text, found.end())
        if value is None or not _is_secret(text, found, value, in_id) or is_public(value[value.lastgroup or 0]):
            continue
        kind = value.lastgroup or "bare"
        done = value.end(kind)
        if done - value.start(kind) >= _LONGEST and (rest := _REST[kind].match(text, done)):
            done = rest.end()
        yield value.start(kind), done


class _Match(NamedTuple):
    """A name with a value. ``before``: what precedes its last word. ``is_strong``: the name is clearly a secret's."""

    text: str
    found: re.Match[str]
    value: re.Match[str]
    before: str
    is_strong: bool
    in_id: bool

    @property
    def given(self) -> str:
        """The value, as far as it is looked at."""
        return self.value[self.value.lastgroup or 0]


def _is_secret(text: str, found: re.Match[str], value: re.Match[str], in_id: bool) -> bool:
    """Return whether a match is the value of a secret, judged by the name and what is between them."""
    before = text[max(0, found.start() - _LONGEST_NAME) : found.start()]
    joint, given = found.lastgroup, value[value.lastgroup or 0]
    is_strong = found["strong"] is not None
    if not is_strong:
        word = (found["weak"] or found["part"]).lower()
        if word == "token" and _PUBLIC_KEY.search(before):
            return False
        # The words before the last one of a name make it that of a secret.
        is_strong = before[-20:].lower().rstrip(" _-").endswith(_STRONG_BEFORE.get(word, "\0"))
        if not is_strong and (found["part"] or (word[0] == "p" and _LETTER.search(before))):
            # Any ``key`` or ``credential`` is one whose value looks like nothing else.
            is_key = (
                word not in ("string", "passe")
                and word[0] != "p"
                and joint in ("sign", "tag", "pair")
                and not _PUBLIC_KEY.search(before)
            )
            return is_key and not in_id and _RANDOM.fullmatch(given) is not None
    return _JUDGED[joint or "flag"](_Match(text, found, value, before, is_strong, in_id))


def _is_assigned(match: _Match) -> bool:
    sign, before = match.found["sign"], match.before
    if "\n" in match.found[0] and _NEXT_VARIABLE.fullmatch(match.given):
        return False
    if sign not in (":", "\uff1a", "\ufe55"):
        return True
    # Not after a path or an id: in ``/etc/passwd: No such file`` the colon belongs to a message.
    name = before[len(before.rstrip(_OF_NAMES)) :]
    if "/" in name or ":" in name:
        return False
    is_encoded = _ENCODED.match(match.given) is not None
    if match.in_id:
        return is_encoded and (sign != ":" or match.text[match.found.end("sign")].isspace())
    return match.is_strong or match.value.lastgroup != "bare" or (is_encoded and not is_public_id(match.given))


def _is_tagged(match: _Match) -> bool:
    if not match.found["tag"].startswith("</") and not _OF_TAG.search(match.before):
        return False
    return len(match.given) >= _LONGEST or _CLOSING.match(match.text, match.value.end()) is not None


def _is_paired(match: _Match) -> bool:
    between = match.found["pair"]
    return any(map(between.__contains__, "\"',;&")) and not (match.in_id and ":" in between)


def _is_told(match: _Match) -> bool:
    is_chosen = _CHOSEN.match(match.given) is not None
    return match.is_strong and not match.in_id and is_chosen and not is_public_id(match.given)


def _is_given(match: _Match) -> bool:
    """An option's argument, or as in SQL: ``PASSWORD 'x'``."""
    if _OF_FLAG.search(match.before):
        is_value = match.is_strong or _ENCODED.match(match.given) is not None
        return is_value and _PLACEHOLDER.fullmatch(match.given) is None
    return match.is_strong and not match.in_id and match.value.lastgroup == "single"


_JUDGED: dict[str, Callable[[_Match], bool]] = {
    "sign": _is_assigned,
    "tag": _is_tagged,
    "pair": _is_paired,
    "prose": _is_told,
    "call": lambda match: match.is_strong and not match.in_id,
    "cell": lambda match: (
        not match.in_id and (_RANDOM.fullmatch(match.given) or _TABULAR.fullmatch(match.given)) is not None
    ),
    "flag": _is_given,
}
"""Whether a value is a secret, by what joins it to its name."""


@lru_cache(maxsize=10_000)
def is_secret_name(name: str) -> bool:
    """Return whether the value of a tag, attribute or variable with this name would be a secret."""
    words = _NEW_WORD.sub("_", visible(name))
    return words.lower().endswith(("webhook", "webhook_url", "webhook url")) or any(named_in(f"{words}=9"))


# --- What is no secret, whatever its name: words, dates, references, and ids that the findings are about ---

# Values of such names that are no secrets: words, dates, public ids, URLs, references.
_PUBLIC = re.compile(
    r"(?is)(?:|[01]|(?:none|null|true|false|yes|no|n/a|enabled|disabled|required|expired|missing|invalid|unknown|unset|rotated"
    # What happened to one, in the words of audit logs: ``api_key:created``.
    r"|added|created|deleted|failed|issued|listed|removed|revoked|succeeded|updated)[.,;)]?"
    r"|[{\[(]+|\$[{(].*|\{\{.*|\{ ?(?:env|file)\b.*|<[^>]*>|\$[A-Z_]+[\"'`),;]{0,3}"
    # The first word of a sentence, and the path of a file or a folder.
    r"|(?:see|ask|via|in|from|at|by|on|the|use|contact|check|refer|kept|stored|held|managed|provided|generated|shared|not"
    r"|set|has|must|should|will|can|was|is)[.,;]?"
    r"|(?:~|/(?:app|builds|data|etc|home|mnt|opt|root|run|srv|tmp|usr|users|var|workspace))(?:/[\w./-]*)?[,;)]?"
    r"|\d{4}-\d\d-\d\d(?:[T ].*)?|(?:AKIA|ASIA)[A-Z0-9]{16}|arn:aws.*|projects/.*"
    r"|(?:af|ap|ca|cn|eu|il|me|mx|sa|us)(?:-[a-z]{3,9}){1,2}-\d(?:[:/].*)?|https?://[^?@]*|•.*)"
)
# Invisible characters, such as a zero-width space: within a secret or its name, they would hide it.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\U000e0000-\U000e0fff]"
)
# Ids that are known by their form: of accounts, directories, principals and people.
_PUBLIC_ID = re.compile(
    r"(?i)[\"'(]?(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{12}|A(?:ID|RO|GP|IP|NP|NV|PK|SC|BI|CC)A[A-Z0-9]{16,20}"
    r"|[\w.+-]{1,64}@[\w.-]{1,190}\.[a-z]{2,20}|(?:CN|OU|DC|O|UID)=[^=]{1,100}(?:,.*)?)[\"').,;]{0,3}"
)


def visible(text: str) -> str:
    """Return the text without invisible characters."""
    return text if text.isascii() else _INVISIBLE.sub("", text)


def is_public(value: str) -> bool:
    """Return whether a value is no secret, whatever its name: empty, yes or no, a date, a public id, a reference."""
    return _PUBLIC.fullmatch(value.strip()) is not None


def is_public_id(value: str) -> bool:
    """Return whether a value has the form of an id, which only a clear name makes a secret."""
    return _PUBLIC_ID.fullmatch(value.strip()) is not None
