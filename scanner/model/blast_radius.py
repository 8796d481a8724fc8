"""The blast radius: what an identity could do at worst with its present rights."""

from __future__ import annotations

from msgspec import Struct

from scanner.model.terms import CONSEQUENCES, ConsequenceKind


class Count(Struct, frozen=True, kw_only=True, gc=False):
    """A number of things. ``at_least``: there may be more, because not all could be counted."""

    number: int = 0
    at_least: bool = False

    def __str__(self) -> str:
        return f"at least {self.number:,}" if self.at_least else f"{self.number:,}"


class ReachedAction(Struct, frozen=True, kw_only=True, gc=False):
    """A high-consequence action within reach.

    ``holder``: the key of the identity whose permission allows it, ``scope`` where. The rest is as on ``Consequence``.
    """

    kind: ConsequenceKind
    holder: str
    scope: str
    actions: tuple[str, ...] = ()
    by: str = ""
    narrow: bool = False
    conditional: bool = False

    @property
    def title(self) -> str:
        """What it does, as text."""
        return CONSEQUENCES[self.kind]


class BlastRadius(Struct, frozen=True, kw_only=True, gc=False):
    """What is within reach of an identity. Paths under a condition are not followed.

    ``administers``: a few of the scopes in which it can do everything, itself or as another identity, and with
    ``administered`` how many they are; all in them is within reach.
    ``identities``: others that it can become or control. ``secrets``: stored secrets. ``scopes``: its own, and those of
    the identities. ``kinds``: what the permissions of all of them allow, in the order of ``CONSEQUENCES``.
    ``human_in_the_loop``: as declared; None: not declared. ``unknown``: unread facts that could enlarge it.

    ``admin_path``: keys from the identity to the nearest that administers a scope; empty without one. ``paths``: a few
    of the nearest identities that it can become, each with the keys in between. ``actions``: the evidence for
    ``kinds``, the nearest holder of each. All three are empty if only the numbers were requested.
    """

    administers: tuple[str, ...] = ()
    administered: int = 0
    identities: Count = Count()
    secrets: Count = Count()
    scopes: Count = Count()
    kinds: tuple[ConsequenceKind, ...] = ()
    human_in_the_loop: bool | None = None
    unknown: tuple[str, ...] = ()
    admin_path: tuple[str, ...] = ()
    paths: tuple[tuple[str, ...], ...] = ()
    actions: tuple[ReachedAction, ...] = ()
