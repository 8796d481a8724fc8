"""Which identity can become which: the ways that an identity's own policies open, and the edges that these come to.

A connector fills :attr:`Identity.reach`. What it leads to is known when every place has been read: see
:mod:`scanner.access.paths`, which returns the edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct


class Way(Struct, frozen=True, kw_only=True, gc=False):
    """One way by which an identity's own policies let it become others. The other side has to agree.

    ``kind``: ``assume`` leads to identities of other scopes that trust it, ``take_over`` to whatever the workloads and
    agents run as. ``on``: patterns of their keys (``*`` for any characters, ``?`` for one); ``but``: those it is denied
    on. ``by``: in words, what allows it. ``conditional``: a condition decides. ``elsewhere``: a takeover in whichever
    scope of the provider they are, not in its holder's own alone.
    """

    kind: Literal["assume", "take_over"]
    on: tuple[str, ...]
    but: tuple[str, ...] = ()
    by: str = ""
    conditional: bool = False
    elsewhere: bool = False


class Edge(NamedTuple):
    """That ``source`` can become ``target`` (keys of identities), and by what. ``conditional``: a condition decides."""

    source: str
    target: str
    evidence: str
    conditional: bool = False


_ASSUME, _ASSUME_IF, _TAKE_OVER = "may_become", "may_become_if", "may_take_over"
REACH_NAMES = frozenset({_ASSUME, _ASSUME_IF, _TAKE_OVER})
"""What reports call them among an identity's attributes. Only :func:`reach_published` and its inverse read these."""


class _Published(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A takeover as reports show it; ``on`` is required, all else may be left out."""

    by: str
    on: tuple[str, ...]
    but: tuple[str, ...] = ()
    conditional: bool = False
    elsewhere: bool = False


_NOTHING: Mapping[str, Any] = MappingProxyType({})


def reach_published(reach: Iterable[Way]) -> Mapping[str, Any]:
    """The ways as attributes, by their published names, values JSON can hold; those without any are left out."""
    if not reach:
        return _NOTHING
    found: dict[str, list[Any]] = {}
    for way in reach:
        if way.kind == "assume":
            found.setdefault(_ASSUME_IF if way.conditional else _ASSUME, []).extend(way.on)
        else:
            shown = _Published(by=way.by, on=way.on, but=way.but, conditional=way.conditional, elsewhere=way.elsewhere)
            told = msgspec.to_builtins(shown)
            found.setdefault(_TAKE_OVER, []).append(
                {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}
            )
    return found


def reach_in(attributes: Mapping[str, Any]) -> tuple[Way, ...]:
    """The ways that attributes under the published names tell. Raises ValueError where one has another shape."""
    assumed = ((_ASSUME, False), (_ASSUME_IF, True))
    patterns = ((_as(tuple[str, ...], name, attributes), conditional) for name, conditional in assumed)
    return (
        *(Way(kind="assume", on=on, conditional=conditional) for on, conditional in patterns if on),
        *(
            Way(kind="take_over", **msgspec.structs.asdict(one))
            for one in _as(tuple[_Published, ...], _TAKE_OVER, attributes)
        ),
    )


def _as(kind: Any, name: str, attributes: Mapping[str, Any]) -> Any:
    try:
        return msgspec.convert(attributes.get(name, ()), kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"the attribute {name} does not fit: {error}") from error
