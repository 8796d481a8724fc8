"""Which identity can become which: what an identity's own policies allow (ways), and the resulting edges.

A connector fills :attr:`Identity.reach`. The edges are known once every scope has been read: see
:mod:`scanner.access.paths`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct


class Way(Struct, frozen=True, kw_only=True, gc=False):
    """A way in which an identity's own policies let it become others. The other side must allow it, too.

    ``kind``: ``assume`` an identity of another scope that trusts it, or ``take_over`` a workload or agent and with it
    the identity it runs as. ``on``: patterns of the keys of the targets (``*`` any characters, ``?`` one character).
    ``but``: patterns of those it is denied on. ``by``: what allows it, as text. ``conditional``: a condition decides.
    ``elsewhere``: a takeover applies in all scopes of the provider, not only in its own.
    """

    kind: Literal["assume", "take_over"]
    on: tuple[str, ...]
    but: tuple[str, ...] = ()
    by: str = ""
    conditional: bool = False
    elsewhere: bool = False


class Edge(NamedTuple):
    """The identity ``source`` can become ``target`` (keys). ``conditional``: only if a condition holds."""

    source: str
    target: str
    evidence: str
    conditional: bool = False


_ASSUME, _ASSUME_IF, _TAKE_OVER = "may_become", "may_become_if", "may_take_over"
REACH_NAMES = frozenset({_ASSUME, _ASSUME_IF, _TAKE_OVER})
"""The names of the ways in an identity's published attributes. Only the two functions below read them."""


class _Published(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A takeover as reports show it. ``by`` and ``on`` are required."""

    by: str
    on: tuple[str, ...]
    but: tuple[str, ...] = ()
    conditional: bool = False
    elsewhere: bool = False


_NOTHING: Mapping[str, Any] = MappingProxyType({})


def reach_published(reach: Iterable[Way]) -> Mapping[str, Any]:
    """Return the ways as attributes under their published names, as JSON values."""
    if not reach:
        return _NOTHING
    found: dict[str, list[Any]] = {}
    for way in reach:
        if way.kind == "assume":
            found.setdefault(_ASSUME_IF if way.conditional else _ASSUME, []).extend(way.on)
        else:
            shown = _Published(by=way.by, on=way.on, but=way.but, conditional=way.conditional, elsewhere=way.elsewhere)
            found.setdefault(_TAKE_OVER, []).append(
                {
                    name: list(value) if isinstance(value, tuple) else value
                    for name, value in msgspec.to_builtins(shown).items()
                }
            )
    return found


def reach_in(attributes: Mapping[str, Any]) -> tuple[Way, ...]:
    """Return the ways in attributes with published names. Raises ValueError if one has another shape."""
    assumed = ((_ASSUME, False), (_ASSUME_IF, True))
    patterns = ((_as(tuple[str, ...], name, attributes), conditional) for name, conditional in assumed)
    return (
        *(Way(kind="assume", on=on, conditional=conditional) for on, conditional in patterns if on),
        *(
            Way(kind="take_over", **msgspec.structs.asdict(takeover))
            for takeover in _as(tuple[_Published, ...], _TAKE_OVER, attributes)
        ),
    )


def _as(kind: Any, name: str, attributes: Mapping[str, Any]) -> Any:
    try:
        return msgspec.convert(attributes.get(name, ()), kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"the attribute {name} does not fit: {error}") from error
