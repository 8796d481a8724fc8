"""The standards and their controls, from the files beside this one; which of them a rule's findings cite."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from textwrap import fill
from types import MappingProxyType
from typing import Literal

import msgspec
from msgspec import Struct

from scanner.errors import did_you_mean


class Control(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``title``: in our own words. ``rules``: ids of those that give evidence for it; empty: none speaks to it."""

    number: str
    title: str
    rules: tuple[str, ...] = ()


class Framework(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of a standard: those of its controls that are about identities and their rights.

    ``source``: its publisher's page. ``checked_against``: the public copy that has these numbers, where it is another.
    ``provider``, ``agents_only``: what alone it speaks of. ``cited``: findings cite it unless the config says which.
    ``relation``: a law that depends on what the identity is for only ``may apply``.
    """

    id: str
    title: str
    version: str
    publisher: str
    source: str
    checked_against: str | None = None
    provider: str | None = None
    agents_only: bool = False
    relation: Literal["covers", "may apply"] = "covers"
    cited: bool = False
    controls: tuple[Control, ...]

    def speaks_of(self, provider: str | None, *, is_agent: bool) -> bool:
        """Whether it is written for such an identity; ``provider``: None for what lives in no provider."""
        return self.provider in (None, provider) and (is_agent or not self.agents_only)


@cache
def frameworks() -> Mapping[str, Framework]:
    """By id; what speaks of every identity first, of one provider's last, and then by id."""
    data = (one for one in files(__package__).iterdir() if one.name.endswith(".toml"))
    read = [msgspec.toml.decode(one.read_bytes(), type=Framework) for one in data]
    ordered = sorted(read, key=lambda one: (one.provider is not None, one.agents_only, one.id))
    return MappingProxyType({one.id: one for one in ordered})


@cache
def usually_cited() -> frozenset[str]:
    """Ids of the frameworks that findings cite where the config chooses none."""
    return frozenset(one.id for one in frameworks().values() if one.cited)


def controls_of(rule: str, chosen: Collection[str] | None = None) -> tuple[str, ...]:
    """``framework:number`` of each control that a rule gives evidence for, of any provider.

    ``chosen``: ids of frameworks; None: every one.
    """
    return tuple(_numbers(rule, (one for one in frameworks().values() if chosen is None or one.id in chosen)))


@lru_cache(10_000)
def cited(rule: str, provider: str | None, *, is_agent: bool, chosen: frozenset[str] | None) -> tuple[str, ...]:
    """``framework:number`` of the controls that a finding cites: those of the chosen that speak of such an identity.

    ``chosen``: ids of frameworks; None: the usual ones.
    """
    names = usually_cited() if chosen is None else chosen
    speaking = (one for one in frameworks().values() if one.id in names and one.speaks_of(provider, is_agent=is_agent))
    return tuple(_numbers(rule, speaking))


def _numbers(rule: str, among: Iterator[Framework]) -> Iterator[str]:
    return (f"{one.id}:{control.number}" for one in among for control in one.controls if rule in control.rules)


# --- ``[controls]`` of the config: which frameworks findings cite ---


class ControlSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``frameworks``: ids as `muster rules --controls` lists them; None: the usual ones; empty: none."""

    frameworks: frozenset[str] | None = None

    def __post_init__(self) -> None:
        for name in sorted(self.frameworks or ()):
            if name not in frameworks():
                hint = did_you_mean(name, list(frameworks())) or "`muster rules --controls` lists them"
                raise ValueError(f"there is no framework {name!r}; {hint}")


# ---
# How far the rules go, both ways: each control with the rules that speak to it, and each rule with its controls.

NO_RULE = "no rule speaks to it"
CAVEAT = (
    "A rule that is silent is no proof that a control is met, and a control asks for more than any rule can see. Only "
    "controls about identities and their rights are listed, their titles in our own words."
)
_WIDTH = 79


def applies_to(framework: Framework) -> str:
    """What it speaks of, and how far that goes."""
    facts = (
        f"identities of {framework.provider}" if framework.provider else "",
        "AI agents" if framework.agents_only else "",
    )
    about = " and ".join(filter(None, facts)) or "every identity"
    return f"{framework.relation}: {about}; {counted(framework)}"


def counted(framework: Framework) -> str:
    """Of how many of its controls a rule gives evidence."""
    with_rules = sum(bool(control.rules) for control in framework.controls)
    return f"{with_rules} of {len(framework.controls)} controls have a rule"


def coverage(chosen: Iterable[Framework], rules: Iterable[str]) -> Iterator[str]:
    """Lines of at most 79 columns: the frameworks with their controls, then the rules with theirs."""
    chosen = tuple(chosen)
    yield fill(CAVEAT, width=_WIDTH)
    for framework in chosen:
        yield ""
        yield from _framework(framework)
    yield ""
    yield "By rule"
    names = {framework.id for framework in chosen}
    speaking = {rule: controls_of(rule, names) for rule in rules}
    for rule, controls in speaking.items():
        if controls:
            yield f"  {rule}"
            yield _indented(", ".join(controls))
    if silent := [rule for rule, controls in speaking.items() if not controls]:
        yield "  on none of these controls"
        yield _indented(", ".join(silent))


def _framework(framework: Framework) -> Iterator[str]:
    yield fill(f"{framework.id}  {framework.title}, {framework.version}", width=_WIDTH, subsequent_indent="  ")
    yield f"  {framework.source}"
    yield f"  {applies_to(framework)}"
    if not framework.cited:
        yield "  findings cite it where [controls] in the config names it"
    for control in framework.controls:
        yield from _control(control)


def _control(control: Control) -> Iterator[str]:
    yield fill(f"{control.number}  {control.title}", width=_WIDTH, initial_indent="  ", subsequent_indent="    ")
    yield _indented(", ".join(control.rules) or NO_RULE)


def _indented(text: str) -> str:
    return fill(text, width=_WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
