"""How far the rules go, both ways: each control with the rules that speak to it, and each rule with its controls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import fill

from scanner.rules.controls.frameworks import Control, Framework, controls_of

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
