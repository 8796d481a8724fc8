"""Which identity can become which: what its own policies allow (ways), its token subjects, and the resulting edges.

A connector fills :attr:`Identity.reach` and the like. The edges are known once every scope has been read: see
:mod:`scanner.access.edges`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Struct

from scanner.model.attributes import GUARDED_BY, RUNS_IN, SIGNS_TOKENS_AS, TOKEN_SUBJECTS

WayKind: TypeAlias = Literal["assume", "become", "take_over", "make_admin"]


class Way(Struct, frozen=True, kw_only=True, gc=False):
    """What an identity's own policies let it do to others: become them, or change what they may do.

    ``kind``: ``assume`` an identity of another scope, if that trusts it; ``become`` an identity, without its consent;
    ``take_over`` a workload or agent, and with it the identity it runs as; ``make_admin``: the holder of these policies
    can give the target the rights of an admin (a *method*; it is an attack path for whoever controls holder and target,
    see :mod:`scanner.access.control`).
    ``on``: patterns of the keys of the targets (``*`` any characters, ``?`` one character). ``but``: patterns of those
    it is denied on, or on which it has no effect. ``service``: only targets whose trust policy names this service.
    ``by``: what allows it, as text. ``conditional``: a condition decides. ``elsewhere``: a takeover applies in all
    scopes of the provider, not only in its own.
    """

    kind: WayKind
    on: tuple[str, ...]
    but: tuple[str, ...] = ()
    by: str = ""
    service: str = ""
    conditional: bool = False
    elsewhere: bool = False


class Said(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A claim of a token: a value, or a pattern of it."""

    name: str
    value: str


KEY_ID: Final = "kid"
"""The name of the key that a token is signed with, beside its claims.

It distinguishes clusters whose issuers have the same name: a token has one key, a trust lists those that it accepts.
"""


class TokenSubject(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Issuer and subject of the tokens that an identity can present.

    ``*`` in a subject is a part that the caller chooses. An AWS role has ``TokenSubject("aws:123456789012",
    "arn:aws:sts::123456789012:assumed-role/name/*")``, because the caller names the session.

    ``claims``: other claims of the token, each name once. A missing name is unknown; without any, the source reports no
    claims. ``unsent``: other forms of the subject that trusts may name, and that are not sent.
    """

    issuer: str
    subject: str
    claims: tuple[Said, ...] = ()
    unsent: tuple[str, ...] = ()

    @property
    def says(self) -> Mapping[str, str]:
        """The claims by name."""
        return {one.name: one.value for one in self.claims}


class Guard(Struct, frozen=True, kw_only=True, gc=False):
    """An environment with rules that anyone who changes a workflow has to pass, to become anything by its tokens.

    ``by``: types of rules: ``approval``, ``branches``, ``other``, or ``unknown`` if they were not read.
    """

    UNKNOWN: ClassVar[str] = "unknown"

    environment: str
    by: tuple[str, ...]
    text: str

    @property
    def shown(self) -> str:
        """The environment and its rules."""
        return f"environment {self.environment}: {self.text}"


def guards_in(attributes: Mapping[str, Any]) -> tuple[Guard, ...]:
    """Return the rules for anyone who changes a workflow; empty if the attribute has another shape."""
    try:
        return msgspec.convert(attributes.get(GUARDED_BY, ()), tuple[Guard, ...])
    except msgspec.ValidationError:
        return ()


class Edge(NamedTuple):
    """The identity ``source`` can become ``target`` (keys). ``conditional``: only if a condition holds."""

    source: str
    target: str
    evidence: str
    conditional: bool = False


_ASSUME, _ASSUME_IF = "may_become", "may_become_if"
_DETAILED: Mapping[WayKind, str] = {
    "become": "may_act_as",
    "take_over": "may_take_over",
    "make_admin": "may_make_admin",
}
"""The kinds of ways that are published as objects, by their names."""
PUBLISHED_NAMES = frozenset({_ASSUME, _ASSUME_IF, *_DETAILED.values(), TOKEN_SUBJECTS, RUNS_IN, SIGNS_TOKENS_AS})
"""The names of the typed fields in the published attributes of records. Only the functions below read them."""


class _Published(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A way as reports show it. ``by`` and ``on`` are required."""

    by: str
    on: tuple[str, ...]
    but: tuple[str, ...] = ()
    service: str = ""
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
            shown = _Published(
                by=way.by,
                on=way.on,
                but=way.but,
                service=way.service,
                conditional=way.conditional,
                elsewhere=way.elsewhere,
            )
            found.setdefault(_DETAILED[way.kind], []).append(
                {
                    name: list(value) if isinstance(value, tuple) else value
                    for name, value in msgspec.to_builtins(shown).items()
                }
            )
    return found


def names_published(
    subjects: Iterable[TokenSubject] = (), runs_in: tuple[str, ...] = (), signs: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    """Return token subjects, clusters and issuers as attributes: a list of pairs; a text, or a list of several."""
    found: dict[str, Any] = {}
    if subjects:
        found[TOKEN_SUBJECTS] = [_shown(one) for one in subjects]
    for name, texts in ((RUNS_IN, runs_in), (SIGNS_TOKENS_AS, signs)):
        if texts:
            found[name] = texts[0] if len(texts) == 1 else list(texts)
    return found


def _shown(subject: TokenSubject) -> list[Any]:
    """Return issuer and subject, and claims if there are any."""
    claims = [{"name": one.name, "value": one.value} for one in subject.claims]
    rest = [claims, list(subject.unsent)] if subject.unsent else [claims] if claims else []
    return [subject.issuer, subject.subject, *rest]


def _reach(attributes: Mapping[str, Any]) -> tuple[Way, ...]:
    """Return the ways in attributes with published names. Raises ValueError if one has another shape."""
    assumed = ((_ASSUME, False), (_ASSUME_IF, True))
    patterns = ((_as(tuple[str, ...], name, attributes), conditional) for name, conditional in assumed)
    return (
        *(Way(kind="assume", on=on, conditional=conditional) for on, conditional in patterns if on),
        *(
            Way(kind=kind, **msgspec.structs.asdict(way))
            for kind, name in _DETAILED.items()
            for way in _as(tuple[_Published, ...], name, attributes)
        ),
    )


def _as(kind: Any, name: str, attributes: Mapping[str, Any]) -> Any:
    try:
        return msgspec.convert(attributes.get(name, ()), kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"the attribute {name} does not fit: {error}") from error


def _token_subjects(attributes: Mapping[str, Any]) -> tuple[TokenSubject, ...]:
    """Return the token subjects in attributes. Raises ValueError if they are not a list of pairs of texts."""
    subjects: tuple[TokenSubject, ...] | None = _as(tuple[TokenSubject, ...] | None, TOKEN_SUBJECTS, attributes)
    return subjects or ()


def _texts(name: str, attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the texts in an attribute: one, or a list. Raises ValueError if it has another shape."""
    texts: str | tuple[str, ...] | None = _as(str | tuple[str, ...] | None, name, attributes)
    return tuple(filter(None, (texts,) if isinstance(texts, str) else texts or ()))


FieldReaders: TypeAlias = Mapping[str, tuple[frozenset[str], Callable[[Mapping[str, Any]], tuple[Any, ...]]]]
_RUNS_IN: FieldReaders = {"runs_in": (frozenset({RUNS_IN}), partial(_texts, RUNS_IN))}
OF_IDENTITY: FieldReaders = {
    "reach": (frozenset({_ASSUME, _ASSUME_IF, *_DETAILED.values()}), _reach),
    "token_subjects": (frozenset({TOKEN_SUBJECTS}), _token_subjects),
    **_RUNS_IN,
}
OF_WORKLOAD: FieldReaders = {
    "signs_tokens_as": (frozenset({SIGNS_TOKENS_AS}), partial(_texts, SIGNS_TOKENS_AS)),
    **_RUNS_IN,
}
"""By typed field of a record: its published names, and the function that parses its attributes or raises ValueError."""
