"""The least-privilege policy, generated from the table of requests: a block for each mount, no path to a secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from typing import TypeAlias

from msgspec.structs import replace

from connectors.core.contract import Meter
from connectors.vault.client import requests as r
from connectors.vault.client.api import SourceToken, VaultApi
from connectors.vault.client.payloads import AuthMount, SecretMount
from connectors.vault.client.requests import SAMPLE, Endpoint, lines
from connectors.vault.spec import Planned, planned
from scanner.errors import NotOffered, SourceError

Request: TypeAlias = tuple[str | None, Endpoint]

_HEAD = """\
# Read-only policy for Muster: it lists and looks up, and reaches no secret's value.
# "update" on the lookups only reads. Give the token no default policy (no_default_policy=true).
"""
_MISSING = """\
# Missing: a block for each mount, because mounts differ from server to server. A wildcard instead would take in mounts
# whose paths hold secrets. Print the whole policy with: muster connectors vault --policy SOURCE
"""
_OWN = lines((r.OWN_TOKEN, r.OWN_CAPABILITIES))
"""Requests about the token itself, in its own namespace."""
_FOR_OPENBAO = "  # for OpenBao"
_FOR_VAULT = "  # for HashiCorp's Vault; not needed on OpenBao"


def base_policy() -> str:
    """The lines that are the same for every server, with a note on what is missing."""
    return "\n".join([_HEAD, *_OWN, *_lines(planned({}, {})), "", _MISSING])


def exact_policy(held: SourceToken, namespaces: Iterable[str]) -> str:
    """The policy for a token of the start namespace: for that namespace and, by their paths, those below it.

    Raises SourceError if the mounts of one cannot be read.
    """
    text = [_HEAD, *_OWN]
    for namespace in namespaces:
        prefix = relative(namespace, held.settings.start)
        if prefix:
            text += [f"# namespace {prefix}", ""]
        plan = sorted(plan_of(held, namespace), key=lambda one: one.mount or "")
        for _, block in groupby(plan, key=lambda one: one.mount):
            text += [*_lines(block, prefix), ""]
    return "\n".join(text)


def plan_of(held: SourceToken, namespace: str) -> list[Planned]:
    """The requests of a scan to a namespace of this server. Raises SourceError if its mounts cannot be read."""
    with closing(VaultApi(held, namespace, Meter())) as api:
        logins = api.read(r.AUTH_MOUNTS, dict[str, AuthMount])
        engines = api.read(r.SECRET_MOUNTS, dict[str, SecretMount])
        plan = list(planned(logins, engines))
        unneeded = set(_unneeded(api, plan))
    needed = ([endpoint for mount, endpoint in _requests([one]) if (mount, endpoint) not in unneeded] for one in plan)
    return [replace(one, endpoints=tuple(some)) for one, some in zip(plan, needed, strict=True) if some]


def _unneeded(api: VaultApi, plan: Iterable[Planned]) -> Iterator[Request]:
    """The listings that this server does not offer, and the requests that the offered ones replace.

    A denied listing may be offered or not, so it is kept, and so are the requests that it would replace.
    """
    for mount, endpoint in _requests(plan):
        if not endpoint.replaces:
            continue
        try:
            api.list(endpoint, **({"mount": mount, "folder": SAMPLE} if mount else {}))
        except NotOffered:
            yield mount, endpoint
        except SourceError:
            continue
        else:
            yield from ((mount, other) for other in endpoint.replaces)


def _requests(plan: Iterable[Planned]) -> list[Request]:
    """Each mount with each of its requests, once."""
    return list(dict.fromkeys((one.mount, endpoint) for one in plan for endpoint in one.endpoints))


def relative(namespace: str, start: str) -> str:
    """A namespace's path relative to the start namespace, as in a policy there."""
    return namespace.removeprefix(start).strip("/")


def _lines(plan: Iterable[Planned], prefix: str = "") -> Iterator[str]:
    """The lines of one mount, or of requests without a mount."""
    needed = _requests(plan)
    replaced = {other for _, endpoint in needed for other in endpoint.replaces}
    both = {endpoint for _, endpoint in needed if endpoint in replaced}
    for mount, endpoint in needed:
        use = _FOR_VAULT if endpoint in both else _FOR_OPENBAO if both.intersection(endpoint.replaces) else ""
        yield endpoint.line(mount or "", prefix) + use
