"""The address of a Dask scheduler: what is refused before anything is sent there."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from connectors.address import is_loopback


def check_scheduler(address: str, *, insecure_tcp: bool) -> None:
    """Raises ValueError for what is no scheduler's address, or one that would give everybody on the way control."""
    if re.fullmatch(r"local(:[1-9][0-9]{0,2})?", address, re.ASCII):
        return
    parts = urlsplit(address)
    if parts.scheme not in ("tcp", "tls") or not parts.hostname or parts.port is None or parts.username is not None:
        raise ValueError('dask is "local", "local:4", or a scheduler such as "tls://scheduler.internal:8786"')
    if parts.scheme == "tcp" and not insecure_tcp and not is_loopback(parts.hostname):
        raise ValueError(
            "whoever reaches a Dask scheduler over tcp:// runs code where the secrets are: use tls://, or say "
            "insecure_tcp = true where a network policy keeps others away"
        )
