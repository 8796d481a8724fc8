"""Ids in the spellings that people and consoles give them: braces, quotes, capitals, distinguished names.

A function returns the one form in which two spellings of the same id are equal, or None for a text that is no such id.
Nothing is looked up here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from scanner.matching.keys import fold, is_email, issuer_of, known, place_in

_GUID = re.compile(
    r"(?:urn:uuid:)?([({]?)([0-9a-f]{8})(-?)([0-9a-f]{4})\3([0-9a-f]{4})\3([0-9a-f]{4})\3([0-9a-f]{12})([)}]?)"
)
_CLOSED = {"": "", "{": "}", "(": ")"}
_BLANK = re.compile(r"[\s|\u3001\uff0c\uff1b]")
_ACCOUNT = re.compile(r"[\w.-]+\\[^\\/@\s]+")

# RFC 4514, section 2: the types of attributes that name people and accounts, with the OIDs and long names of RFC 4519.
_TYPES = {
    **{name: name for name in ("cn", "ou", "dc", "o", "uid", "c", "l", "st", "street", "sn", "mail", "title")},
    **{name: name for name in ("serialnumber", "samaccountname", "userprincipalname", "givenname")},
    "commonname": "cn", "organizationalunitname": "ou", "domaincomponent": "dc", "organizationname": "o",
    "userid": "uid", "countryname": "c", "localityname": "l", "stateorprovincename": "st", "s": "st",
    "e": "mail", "emailaddress": "mail",
    "2.5.4.3": "cn", "2.5.4.11": "ou", "2.5.4.10": "o",
    "0.9.2342.19200300.100.1.25": "dc", "0.9.2342.19200300.100.1.1": "uid",
}  # fmt: skip
_LONGEST_DN = 2_000
_RDN = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*=((?:\\.|[^\\,+])*)([,+]|\Z)", re.DOTALL)
_ESCAPED = re.compile(rb"\\([0-9A-Fa-f]{2})|\\(.)", re.DOTALL)

_QUOTES = {
    '"': '"',
    "'": "'",
    "`": "`",
    "\u201c": "\u201d",
    "\u201e": "\u201c",
    "\u00ab": "\u00bb",
    "\u2018": "\u2019",
    "\u300c": "\u300d",
}
_ALSO_CLOSE = {"\u201e": "\u201d"}


def same_id(text: str) -> str | None:
    """Return the one form of a GUID or of a distinguished name; None for any other text."""
    return guid(text) or distinguished_name(text)


def guid(text: str) -> str | None:
    """Return a GUID with hyphens in lower case, written with braces, in capitals, or without hyphens."""
    if len(text) < len("0" * 32) or (found := _GUID.fullmatch(text.strip().lower())) is None:
        return None
    opened, *parts, closed = found.group(1, 2, 4, 5, 6, 7, 8)
    return "-".join(parts) if _CLOSED[opened] == closed else None


def distinguished_name(text: str) -> str | None:
    """Return a distinguished name as RFC 4514 compares it: without case, blanks around parts, and escapes.

    Of at least two parts, and of known types of attributes: other texts may have an equals sign.
    """
    if "=" not in text or len(text) > _LONGEST_DN:
        return None
    parts = list(_relative_names(text))
    return ",".join(parts) if len(parts) > 1 and all(parts) else None


def first_value(text: str) -> str | None:
    """Return the first value of a distinguished name as written, which names somebody; None for any other text."""
    if "=" not in text or (found := _RDN.match(text[:_LONGEST_DN])) is None or found[1].lower() not in _TYPES:
        return None
    return _unescaped(found[2]).strip() or None


def _relative_names(text: str) -> Iterator[str]:
    """Yield each relative name, with its attributes in order; an empty one if the text is no distinguished name."""
    at = 0
    attributes: list[str] = []
    while at < len(text) or attributes:
        found = _RDN.match(text, at)
        kind = None if found is None else _TYPES.get(found[1].lower())
        if found is None or kind is None or not found[2].strip():
            yield ""
            return
        attributes.append(f"{kind}={_value(found[2])}")
        if found[3] != "+":
            yield "+".join(sorted(attributes))
            attributes = []
        at = found.end()
        if found[3] and at >= len(text):
            yield ""  # it ends with a separator
            return


def _value(written: str) -> str:
    """Return an attribute's value without escapes, for comparison; the comma in a value stays escaped."""
    return " ".join(fold(_unescaped(written)).split()).replace(",", "\\,").replace("+", "\\+")


def _unescaped(written: str) -> str:
    if "\\" not in written:
        return written
    raw = _ESCAPED.sub(lambda code: bytes([int(code[1], 16)]) if code[1] else code[2], written.encode())
    return raw.decode(errors="replace")


def has_form(text: str) -> bool:
    """Return whether a text has the form of a provider's full id: an ARN, a Vault path, a distinguished name."""
    if distinguished_name(text) is not None:
        return True
    return _BLANK.search(text) is None and (issuer_of(text) is not None or place_in(text) is not None)


def ignores_case(text: str) -> bool:
    r"""Return whether a text is an id that no provider compares by case: an e-mail address, or ``DOMAIN\user``."""
    return is_email(text) or ("\\" in text and _ACCOUNT.fullmatch(text) is not None)


def account_in_domain(text: str) -> tuple[str, str] | None:
    r"""Return domain and user of ``DOMAIN\user``, without case; None for any other text."""
    if "\\" not in text or _ACCOUNT.fullmatch(text.replace("\\\\", "\\")) is None:
        return None
    domain, _, user = fold(text.replace("\\\\", "\\")).partition("\\")
    return domain, user


def unquoted(text: str) -> str:
    """Return the text without pairs of quotation marks around it, or a spreadsheet's leading apostrophe."""
    text = text.strip()
    while len(text) > 1 and (close := _QUOTES.get(text[0])) is not None:
        if text[-1] not in (close, _ALSO_CLOSE.get(text[0])) or text[0] in text[1:-1] or text[-1] in text[1:-1]:
            break
        text = text[1:-1].strip()
    return text[1:] if text[:1] == "'" and text[1:].isalnum() else text


def bare_id(text: str) -> str:
    """Return an id without what its provider's tools put around it: ``serviceAccount:MAIL`` is the mail."""
    found = (spelled.fullmatch(text) for spelled in known().spelled)
    return next((one["id"] for one in found if one is not None), text)


def account_number(text: str) -> str | None:
    """Return the account number of twelve digits in a cell: ``1234-5678-9012``, ``prod (123456789012)``."""
    numbers = {"".join(found) for found in _NUMBER.findall(text)}
    return numbers.pop() if len(numbers) == 1 else None


_NUMBER = re.compile(r"(?<![\w-])(\d{4})(?:-|)(\d{4})(?:-|)(\d{4})(?![\w-])")
