"""Checks before a scan: the server, the token, and the permissions of each section, in few requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

from connectors.core.contract import Check, Gone, Malformed, Meter
from connectors.vault.client import requests as r
from connectors.vault.client.api import InvalidToken, SourceToken, VaultApi
from connectors.vault.client.payloads import OwnToken
from connectors.vault.client.requests import SAMPLE
from connectors.vault.least_privilege import plan_of, relative
from connectors.vault.spec import Planned
from scanner.errors import Denied, NotOffered, SourceError, Unreachable
from scanner.text import counted

ENOUGH_SECONDS = 3600
"""A token that expires sooner may not last for a scan."""
_TOO_MUCH = "give the token only the policy that `muster connectors vault --policy SOURCE` prints"

Capabilities = Mapping[str, list[str]]


def can_start(api: VaultApi) -> None:
    """Raises SourceError if there is no server, or it is sealed. A server that does not report its state passes."""
    try:
        status = api.seal_status()
    except (Denied, NotOffered, Gone, Malformed):
        return
    if status.sealed or not status.initialized:
        raise Unreachable("the server is sealed" if status.initialized else "the server is not initialised")


def check_token(api: VaultApi) -> None:
    """Raises SourceError without a token, InvalidToken if the server rejects it.

    A token that may not look itself up passes.
    """
    api.sign_in()
    try:
        api.read(r.OWN_TOKEN, OwnToken)
    except InvalidToken:
        raise
    except SourceError:
        return


def preflight(held: SourceToken, namespaces: Sequence[str]) -> Iterator[Check]:
    """Checks the server, the token, the permissions of each section, and excess permissions of the token."""
    try:
        with closing(VaultApi(held, held.settings.start, Meter())) as api:
            can_start(api)
            yield Check(name="server", ok=True, detail=f"{held.settings.place} answers and is unsealed")
            api.sign_in()
            yield _token(api)
            yield from _permissions(api, held, namespaces)
    except InvalidToken as error:
        yield Check(name="token", ok=False, detail=str(error), fix=error.hint)
    except SourceError as error:
        yield Check(name="server", ok=False, detail=str(error), fix=error.hint)


def _permissions(api: VaultApi, held: SourceToken, namespaces: Sequence[str]) -> Iterator[Check]:
    try:
        plans = {
            relative(name, held.settings.start): plan_of(held, name) for name in namespaces or [held.settings.start]
        }
        allowed = _allowed(api, plans)
    except SourceError as error:
        yield Check(name="permissions", ok=False, detail=str(error), fix=error.permission)
        return
    for prefix, plan in plans.items():
        for planned in plan:
            yield _section(planned, prefix, allowed)
    yield from _excess(plans, allowed)


def _token(api: VaultApi) -> Check:
    try:
        own = api.read(r.OWN_TOKEN, OwnToken)
    except InvalidToken:
        raise
    except SourceError as error:
        return Check(name="token", ok=False, detail=f"the token cannot look itself up: {error}", fix=error.permission)
    if own.ttl and own.ttl < ENOUGH_SECONDS:
        return Check(
            name="token",
            ok=False,
            detail=f"it expires in {counted(own.ttl, 'second', 'seconds')}",
            fix="renew or replace it",
        )
    return Check(name="token", ok=True, detail="it is valid" if own.ttl else "it is valid and never expires")


def _allowed(api: VaultApi, plans: Mapping[str, list[Planned]]) -> Capabilities:
    """The token's capabilities on a sample of every path, in one request."""
    paths = {
        _under(prefix, endpoint.sample(one.mount or ""))
        for prefix, plan in plans.items()
        for one in plan
        for endpoint in one.endpoints
    }
    paths |= {path for prefix, plan in plans.items() for path, _ in _forbidden(prefix, plan)}
    return api.lookup(r.OWN_CAPABILITIES, dict[str, list[str]], {"paths": sorted(paths)})


def _section(planned: Planned, prefix: str, allowed: Capabilities) -> Check:
    mount = planned.mount or ""
    missing = [
        endpoint
        for endpoint in planned.endpoints
        if not _has(allowed, _under(prefix, endpoint.sample(mount)), endpoint.capabilities)
    ]
    lines = "\n".join(endpoint.line(mount, prefix) for endpoint in missing)
    name = ":".join(filter(None, (planned.section, planned.mount))) + (f" in {prefix}" if prefix else "")
    if not missing:
        return Check(name=name, ok=True, detail="permitted")
    if all(endpoint.replaces for endpoint in missing):
        return Check(name=name, ok=True, detail="permitted, except for optional requests", fix=lines)
    return Check(name=name, ok=False, detail="not permitted", fix=lines)


def _excess(plans: Mapping[str, list[Planned]], allowed: Capabilities) -> Iterator[Check]:
    """A warning for permissions that the scanner's token should not have."""
    for what, capabilities in (("read the values of secrets", ("read",)), ("write policies", ("update",))):
        excess = sorted(
            path
            for prefix, plan in plans.items()
            for path, needs in _forbidden(prefix, plan)
            if needs == capabilities and _has(allowed, path, capabilities)
        )
        if excess:
            detail = f"this token could {what}: {', '.join(excess)}"
            yield Check(name="token's rights", ok=False, detail=detail, fix=_TOO_MUCH)


def _forbidden(prefix: str, plan: list[Planned]) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield _under(prefix, f"sys/policies/acl/{SAMPLE}"), ("update",)
    for one in plan:
        if one.section == "kv.metadata":
            folder = one.mount if r.KV1_NAMES in one.endpoints else f"{one.mount}/data"
            yield _under(prefix, f"{folder}/{SAMPLE}"), ("read",)


def _under(prefix: str, path: str) -> str:
    return f"{prefix}/{path}" if prefix else path


def _has(allowed: Capabilities, path: str, capabilities: Sequence[str]) -> bool:
    granted = set(allowed.get(path, ()))
    return "root" in granted or granted.issuperset(capabilities)
