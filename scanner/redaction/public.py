"""What is no secret, whatever its name: words, dates, references, and ids that the findings are about."""

from __future__ import annotations

import re

# Values of such names that are no secrets: words, dates, public ids, URLs, references.
_PUBLIC = re.compile(
    r"(?is)(?:|(?:none|null|true|false|yes|no|n/a|enabled|disabled|required|expired|missing|invalid|unknown|unset|rotated"
    # What happened to one, in the words of audit logs: ``api_key:created``.
    r"|added|created|deleted|failed|issued|listed|removed|revoked|succeeded|updated)[.,;)]?"
    r"|[{\[(]+|\$\{.*|\{\{.*|\{ ?(?:env|file)\b.*|<[^>]*>|\$[A-Z_]+"
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
