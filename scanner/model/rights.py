"""What identities may do: grants, privileges, trusts, takeovers and assignments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from scanner.model.terms import POWERFUL, ConsequenceKind, PrivilegeLevel


class Grant(Struct, frozen=True, kw_only=True, gc=False):
    """A permission that an identity holds. ``via``: ``direct`` or ``group:…``. ``resource``: what it is granted on.

    ``admin``: decided by what the permission allows, never by its name.
    """

    name: str
    via: str
    resource: str | None = None
    admin: bool = False


POTENTIAL: Final = "potential: "
"""How the evidence of a method on everything of a kind begins, as long as no usable target of it was read."""


class Privilege(Struct, frozen=True, kw_only=True, gc=False):
    """The highest level that an identity's effective permissions allow, with the reasons.

    A connector reports what the policies of the identity alone amount to. There, ``escalation`` means that it can give
    itself the rights of an admin, which the first reason describes. What it can do through others follows from links,
    ways and assignments: see :mod:`scanner.access.control`. A method on everything of a kind is ``high``, with a reason
    that begins with :data:`POTENTIAL`; the reason is dropped where the method leads to an admin.

    As judged, ``goal`` is the key of the admin that it can become, or of the identity by which it can make itself one,
    for certain or under a condition; ``makes_admin`` names identities that it can make admins without becoming them.
    """

    level: PrivilegeLevel
    evidence: tuple[str, ...] = ()
    goal: str | None = None
    makes_admin: tuple[str, ...] = ()

    @property
    def leads_to_admin(self) -> bool:
        """Whether it is an admin, or has a path to one, be it under a condition."""
        return self.level in POWERFUL or self.goal is not None


UNKNOWN_PRIVILEGE = Privilege(level="unknown", evidence=("permissions are not read by this source",))


class Consequence(Struct, frozen=True, kw_only=True, gc=False):
    """A high-consequence action that permissions allow.

    ``actions``: a few of the provider's actions, by name. ``by``: the permission that allows it, as text. ``scope``:
    where it is allowed; empty for the identity's own scope. ``narrow``: only on some resources there.
    ``conditional``: a condition decides. ``on``: patterns (``*`` any characters, ``?`` one character) of the keys of
    the stored secrets that ``read_secrets`` is about.
    """

    kind: ConsequenceKind
    actions: tuple[str, ...] = ()
    by: str = ""
    scope: str = ""
    on: tuple[str, ...] = ()
    narrow: bool = False
    conditional: bool = False


def with_administration(privilege: Privilege, allowed: tuple[Consequence, ...]) -> tuple[Consequence, ...]:
    """Return what permissions of this privilege allow: an admin, or an identity that can escalate, can do everything.

    The single actions of an admin say nothing more.
    """
    if privilege.level not in POWERFUL:
        return allowed
    everything = Consequence(kind="administer", by=privilege.evidence[0] if privilege.evidence else "")
    return (everything,) if privilege.level == "admin" else (everything, *allowed)


class Claim(Struct, frozen=True, kw_only=True, gc=False):
    """A claim that a token must have. ``values``: patterns, and one must match; none: it cannot be said by them."""

    name: str
    values: tuple[str, ...] = ()


Presented: TypeAlias = Literal["presented", "not_presented", "other_form", "gone"]
"""Whether a known identity can present a token that a trust accepts.

``not_presented``: none can, though all identities that could were read. ``other_form``: as ``not_presented``, but such
tokens are sent with the subject in another form. ``gone``: what the subject names does not exist.
"""


TrustKind: TypeAlias = Literal["anyone", "account", "principal", "service", "federated", "deleted"]


class Trust(Struct, frozen=True, kw_only=True, gc=False):
    """A principal that may become the identity (an AWS trust policy's principal, a role binding to a token issuer).

    ``external``: outside the scope's own organisation or account, which no service of the provider is; None: unknown.
    ``restriction``: how far conditions restrict it: ``none``, ``loose`` (a wildcard) or ``exact``. ``crosses``: the
    principal's environment, if known and different from the identity's. ``only``: patterns (``*`` any characters, ``?``
    one character); the caller's key must fit one of them, if there are any. ``issuer``: for a federated trust, whose
    tokens it accepts: a URL, or ``aws:`` and an account. ``subject``: the subject the token
    must have, which may be a pattern; None if the trust names no single subject. ``claims``: what the token must say
    besides. ``implied``: the subject only follows from the claims, and counts where the token's claims are unknown.
    ``by_name``: it names the subject by names alone, which can be given to others. ``presented``: None: unknown.
    ``sent_as``: the subject in the form that is sent, if that is another.
    """

    principal: str
    kind: TrustKind
    external: bool | None = None
    restriction: Literal["none", "loose", "exact"] = "none"
    evidence: str
    crosses: str | None = None
    only: tuple[str, ...] = ()
    issuer: str | None = None
    subject: str | None = None
    claims: tuple[Claim, ...] = ()
    implied: bool = False
    by_name: bool = False
    presented: Presented | None = None
    sent_as: str | None = None


class Takeover(Struct, frozen=True, kw_only=True, gc=False):
    """Control over workloads or agents, and with it the identities they run as.

    ``by``: the permission that allows it, as text. ``on``: patterns of their keys (``*`` any characters, ``?`` one
    character). ``but``: patterns of those it is denied on. ``conditional``: a condition decides. ``elsewhere``: it
    applies in all scopes of the provider, not only in the holder's own. ``unless``: an attribute; what has it set
    to True cannot be taken over so.
    """

    by: str
    on: tuple[str, ...]
    but: tuple[str, ...] = ()
    conditional: bool = False
    elsewhere: bool = False
    unless: str = ""


class Assignment(Struct, frozen=True, kw_only=True, gc=False):
    """A grant as listed at the resource that gives it: a role assignment, a policy binding. Joined to its holder later.

    ``key``: unique over all assignments. ``scope``: where it was read. ``holder``: the key, unique id or an alias of
    the holder; ``holder_kind`` and ``holder_name`` as listed there. ``gone``: the provider says that the holder was
    deleted; None: unknown. ``acts_as``: other holders whose assignments the holder has, too, such as a group of a
    cluster. ``privilege``: the level of this grant alone. ``becomes``: patterns of the keys of identities that the
    holder can become, of the provider ``becomes_at`` (empty: of ``provider``). ``conditional``: a condition decides.
    ``consequences``: what the grant alone allows; an empty ``scope`` is that of the assignment.
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
    acts_as: tuple[str, ...] = ()
    becomes: tuple[str, ...] = ()
    becomes_at: str = ""
    takes_over: tuple[Takeover, ...] = ()
    consequences: tuple[Consequence, ...] = ()
    conditional: bool = False
    created_at: datetime | None = None
    created_by: str | None = None
    attributes: Mapping[str, Any] = {}
