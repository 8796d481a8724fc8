"""A token that somebody else got, such as the Azure command line, used as it is."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import msgspec

from scanner.errors import SourceError
from scanner.redact import SecretRef, mask

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

KEPT = 600
"""Seconds after which it is read anew: whoever put it there may have renewed it."""
_TOKEN = re.compile(r"[!-~]+")


class _Printed(msgspec.Struct, rename="camel"):
    """What ``az account get-access-token`` prints. When it expires the service says itself."""

    access_token: str


class GivenToken:
    """A credential of azure-core: gives the same token out for whatever it is asked for."""

    def __init__(self, ref: SecretRef) -> None:
        self._ref = ref

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """The token. Raises SourceError where there is none."""
        from azure.core.credentials import AccessToken

        return AccessToken(self._read(), int(time.time()) + KEPT)

    def _read(self) -> str:
        text = self._ref.resolve()
        if text.startswith("{"):
            try:
                text = msgspec.json.decode(text, type=_Printed).access_token
            except msgspec.DecodeError:
                text = ""
        if not _TOKEN.fullmatch(text):
            raise SourceError(
                f"{self._ref} holds no access token", hint="give what `az account get-access-token` prints"
            )
        mask(text)
        return text
