"""Signatures: a program that has the secret can tell that a message is ours, and that it is not an old one."""

from __future__ import annotations

import hashlib
import hmac

HEADER = "Muster-Signature"


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The header's value, ``t=SECONDS,v1=HEX``: HMAC-SHA256 over the timestamp, a dot and the body."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"
