"""What identities may do: permissions, whom they let become them, and rights as the place that gives them tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from scanner.model.terms import PrivilegeLevel


class Grant(Struct, frozen=True, kw_only=True, gc=False):
    """A permission an identity holds: its name, through what (``direct``, ``group:…``), and on what.

    ``admin`` is decided from what the permission does, never from its name.
    """

    name: str
    via: str
    resource: str | None = None
    admin: bool = False


class Privilege(Struct, frozen=True, kw_only=True, gc=False):
    """What an identity could do, decided from its effective permissions."""

    level: PrivilegeLevel
    evidence: tuple[str, ...] = ()


UNKNOWN_PRIVILEGE = Privilege(level="unknown", evidence=("permissions are not read by this source",))


class Trust(Struct, frozen=True, kw_only=True, gc=False):
    """Somebody whom an identity lets become it (an AWS trust policy's principal, a role binding to a token issuer).

    ``external``: outside the scope's own organisation or account, or a service that acts for such; None: unknown.
    ``restriction``: how far conditions narrow it: ``none``, ``loose`` (a wildcard) or ``exact``.
    ``crosses``: the environment of the principal, where it is known and another than the identity's own.
    ``only``: patterns (``*`` for any characters, ``?`` for one) of which a caller's key must fit one; empty: any does.
    ``issuer``, ``subject``: of a federated one, whose tokens it takes (a URL, or ``aws:`` and an account) and whom they
    must be for, which may be such a pattern; None: no one subject is named.
    """

    principal: str
    kind: Literal["anyone", "account", "principal", "service", "federated", "deleted"]
    external: bool | None = None
    restriction: Literal["none", "loose", "exact"] = "none"
    evidence: str
    crosses: str | None = None
    only: tuple[str, ...] = ()
    issuer: str | None = None
    subject: str | None = None


class Takeover(Struct, frozen=True, kw_only=True, gc=False):
    """What somebody may make do what they like, and so act as whatever it runs as.

    ``by``: in words, what allows it. ``on``: patterns of keys of workloads and agents (``*`` for any characters, ``?``
    for one); ``but``: those it is denied on. ``conditional``: a condition decides. ``elsewhere``: in whichever scope of
    the provider they are, not in its holder's own alone.
    """

    by: str
    on: tuple[str, ...]
    but: tuple[str, ...] = ()
    conditional: bool = False
    elsewhere: bool = False


class Assignment(Struct, frozen=True, kw_only=True, gc=False):
    """A right as the place that gives it tells it: a role assignment, a policy binding. Joined to its holder later.

    ``key``: unique over all assignments. ``scope``: where it was read. ``holder``: the key, unique id or an alias of
    whoever has it; ``holder_kind`` and ``holder_name`` as the place has them. ``gone``: the provider says that the
    holder was deleted; None: it cannot be told. ``privilege``: what this right alone amounts to. ``becomes``: patterns
    of keys of identities that it lets its holder become. ``conditional``: a condition decides.
    """

    key: str
    provider: str
    source: str
    scope: str
    holder: str
    holder_kind: str | None = None
    holder_name: str | None = None
    gone: bool | None = None
    grant: Grant
    privilege: Privilege = Privilege(level="normal")
    becomes: tuple[str, ...] = ()
    takes_over: tuple[Takeover, ...] = ()
    conditional: bool = False
    created_at: datetime | None = None
    created_by: str | None = None
    attributes: Mapping[str, Any] = {}
