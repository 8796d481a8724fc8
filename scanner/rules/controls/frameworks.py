"""Standards and their controls, read from the TOML files in this folder, and which of them findings cite."""

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
from scanner.text import either


class Control(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``title``: paraphrased. ``rules``: ids of the rules that provide evidence for the control; may be empty."""

    number: str
    title: str
    rules: tuple[str, ...] = ()


class Framework(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of a standard, with its controls about identities and permissions.

    ``source``: the publisher's page. ``checked_against``: a public copy with these numbers, if it is another page.
    ``provider``, ``agents_only``: limit the framework to one provider or to AI agents. ``cited``: cited by default.
    ``relation``: ``may apply`` for a law that depends on what the identity is used for.
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

    def applies_to_identity(self, provider: str | None, *, is_agent: bool) -> bool:
        """Return whether the framework applies to such an identity. ``provider``: None for subjects without one."""
        return self.provider in (None, provider) and (is_agent or not self.agents_only)


@cache
def frameworks() -> Mapping[str, Framework]:
    """Return the frameworks by id: general ones first, then those for agents, then those for one provider."""
    data = (one for one in files(__package__).iterdir() if one.name.endswith(".toml"))
    read = [msgspec.toml.decode(one.read_bytes(), type=Framework) for one in data]
    ordered = sorted(read, key=lambda one: (one.provider is not None, one.agents_only, one.id))
    return MappingProxyType({one.id: one for one in ordered})


@cache
def usually_cited() -> frozenset[str]:
    """Return the ids of the frameworks that findings cite by default."""
    return frozenset(framework.id for framework in frameworks().values() if framework.cited)


def controls_of(rule: str, chosen: Collection[str] | None = None) -> tuple[str, ...]:
    """Return ``framework:number`` of each control that a rule provides evidence for, for all providers.

    ``chosen``: ids of frameworks; None for all.
    """
    return tuple(
        _numbers(rule, (framework for framework in frameworks().values() if chosen is None or framework.id in chosen))
    )


@lru_cache(10_000)
def cited(rule: str, provider: str | None, *, is_agent: bool, chosen: frozenset[str] | None) -> tuple[str, ...]:
    """Return ``framework:number`` of the controls that a finding cites: of chosen frameworks that apply to its subject.

    ``chosen``: ids of frameworks; None for the default ones.
    """
    names = usually_cited() if chosen is None else chosen
    applicable = (
        framework
        for framework in frameworks().values()
        if framework.id in names and framework.applies_to_identity(provider, is_agent=is_agent)
    )
    return tuple(_numbers(rule, applicable))


def _numbers(rule: str, among: Iterator[Framework]) -> Iterator[str]:
    return (f"{one.id}:{control.number}" for one in among for control in one.controls if rule in control.rules)


# --- ``[controls]`` of the config: which frameworks findings cite ---


class ControlSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``frameworks``: ids as `muster rules --controls` lists them; None for the default ones; empty for none."""

    frameworks: frozenset[str] | None = None

    def __post_init__(self) -> None:
        for name in sorted(self.frameworks or ()):
            if name not in frameworks():
                hint = did_you_mean(name, list(frameworks())) or "`muster rules --controls` lists them"
                raise ValueError(f"there is no framework {name!r}; {hint}")


# --- Control coverage: each control with its rules, and each rule with its controls ---

NO_RULE = "no rule"
CAVEAT = (
    "The absence of findings does not prove that a control is met: controls require more than rules can check. Only "
    "controls about identities and permissions are listed, with paraphrased titles."
)
_WIDTH = 79


def applies_to(framework: Framework) -> str:
    """Return the scope of the framework, and the number of its controls with a rule, as text."""
    facts = (
        f"identities of {framework.provider}" if framework.provider else "",
        "AI agents" if framework.agents_only else "",
    )
    about = " and ".join(filter(None, facts)) or "every identity"
    return f"{framework.relation}: {about}; {counted(framework)}"


def counted(framework: Framework) -> str:
    """Return how many of the controls have a rule, as text."""
    with_rules = sum(bool(control.rules) for control in framework.controls)
    return f"{with_rules} of {len(framework.controls)} controls {either(with_rules, 'has', 'have')} a rule"


def coverage(chosen: Iterable[Framework], rules: Iterable[str]) -> Iterator[str]:
    """Yield lines of at most 79 columns: the frameworks with their controls, then the rules with theirs."""
    chosen = tuple(chosen)
    yield fill(CAVEAT, width=_WIDTH)
    for framework in chosen:
        yield ""
        yield from _framework(framework)
    yield ""
    yield "By rule"
    names = {framework.id for framework in chosen}
    with_controls = {rule: controls_of(rule, names) for rule in rules}
    for rule, controls in with_controls.items():
        if controls:
            yield f"  {rule}"
            yield _indented(", ".join(controls))
    if silent := [rule for rule, controls in with_controls.items() if not controls]:
        yield "  without a control"
        yield _indented(", ".join(silent))


def _framework(framework: Framework) -> Iterator[str]:
    yield fill(f"{framework.id}  {framework.title}, {framework.version}", width=_WIDTH, subsequent_indent="  ")
    yield f"  {framework.source}"
    yield f"  {applies_to(framework)}"
    if not framework.cited:
        yield "  cited only if [controls] in the configuration selects it"
    for control in framework.controls:
        yield from _control(control)


def _control(control: Control) -> Iterator[str]:
    yield fill(f"{control.number}  {control.title}", width=_WIDTH, initial_indent="  ", subsequent_indent="    ")
    yield _indented(", ".join(control.rules) or NO_RULE)


def _indented(text: str) -> str:
    return fill(text, width=_WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
