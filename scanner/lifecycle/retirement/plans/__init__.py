"""The commands of each provider, as data: ``lowered``, ``disabled``, ``deleted``, and their way back. Pure.

Every value that a scan read is quoted for a shell, so that a hostile name stays one word.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TypeAlias

import msgspec
from msgspec import Struct

from scanner.catalog import read_table
from scanner.lifecycle.retirement.plans.facts import Facts, facts_of
from scanner.matching.keys import provider_key
from scanner.model import Credential, Identity
from scanner.model.retirement import STAGES, Plan, Stage, StagePlan, Switch
from scanner.text import counted, printable

PROVIDERS = (
    "activedirectory", "anthropic", "aws", "azure", "gcp", "github", "kubernetes", "ldap", "mysql", "openai",
    "postgresql", "vault",
)  # fmt: skip
_OPTIONAL = re.compile(r"\[\?(.*?)\?\]")
_PLACE = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
_FINAL = "Deletion is final here: there is no way back."
_NO_SWITCH = "The provider has no switch for it: its rights are lowered instead."
_WAIT = "Wait {days}. Scans and `muster activity` hear who is refused: bring it back at once if somebody is."

_WAIT_DEAF = (
    "Wait {days}. No log that Muster reads names who is refused in this stage, so that its silence does not mean that "
    "nobody calls."
)


class Act(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Commands of a stage. ``do``, ``undo``: a template each, lines are commands.

    ``each``: a list of facts, one round for each; ``when``, ``unless``: a fact that has to be known, or not. ``says``:
    what to know about it.
    """

    do: str = ""
    undo: str = ""
    each: str = ""
    when: str = ""
    unless: str = ""
    says: str = ""


class Recipe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plan of one kind. ``switch``, ``heard_in``: see ``Plan``. ``terraform``: a template."""

    switch: Switch = "enabled"
    heard_in: tuple[Stage, ...] = ()
    terraform: str = ""
    lowered: tuple[Act, ...] = ()
    disabled: tuple[Act, ...] = ()
    deleted: tuple[Act, ...] = ()


Recipes: TypeAlias = Mapping[str, Recipe]
"""By kind of an identity, or of a credential."""

_ALIKE = {
    ("azure", "service_principal"): "application",
    ("azure", "agent_blueprint"): "application",
    ("azure", "agent_user"): "agent_identity",
}
"""Kinds that are retired as another one is."""


@cache
def recipes(provider: str) -> Recipes:
    """The recipes of a provider; none for an unknown one, such as that of a list."""
    if provider not in PROVIDERS:
        return {}
    return read_table(__name__, f"{provider}.toml", dict[str, Recipe])


def plan_of(identity: Identity, held: Credential | None, wait_days: int) -> Plan:
    """The plan for an identity, or for one credential of it. ``wait_days``: between ``disabled`` and ``deleted``."""
    provider = provider_key(identity.provider) or ""
    kind = identity.kind if held is None else held.kind
    recipe = _recipe(provider, kind, identity)
    facts = facts_of(identity, held)
    stages = tuple(_stage(stage, recipe, facts, kind, wait_days) for stage in STAGES)
    if recipe is None:
        return Plan(stages=stages)
    return Plan(
        stages=stages,
        switch=recipe.switch if held is None else "enabled",
        terraform=_terraform(recipe.terraform, facts),
        heard_in=recipe.heard_in,
    )


def _recipe(provider: str, kind: str, identity: Identity) -> Recipe | None:
    known = recipes(provider)
    found = known.get(_ALIKE.get((provider, kind), kind))
    if found is None and provider in ("activedirectory", "ldap", "postgresql", "mysql") and kind == identity.kind:
        return next(iter(known.values()))  # a directory's computers and managed accounts as its users
    return found


def _stage(stage: Stage, recipe: Recipe | None, facts: Facts, kind: str, wait_days: int) -> StagePlan:
    if stage == "waited":
        said = _WAIT if recipe is not None and "disabled" in recipe.heard_in else _WAIT_DEAF
        return StagePlan(stage=stage, says=(said.format(days=counted(wait_days, "day", "days")),))
    if recipe is None:
        what = kind.replace("_", " ")
        return StagePlan(
            stage=stage, says=(f"No commands are known here for its kind, {what}: ask who runs its system.",)
        )
    acts: Sequence[Act] = getattr(recipe, stage)
    commands: list[str] = []
    undo: list[str] = []
    says: list[str] = []
    for act in acts:
        for each in _rounds(act, facts):
            done, back = _filled(act.do, each), _filled(act.undo, each)
            if done is None or back is None:
                says.append(f"Not written, for a fact is not known: {_named(act)}.")
                continue
            commands += done
            undo += back
            if act.says and act.says not in says:
                says.append(act.says)
    if stage == "deleted" and commands and not any("can be" in one for one in says):
        says.append(_FINAL)
    if stage == "disabled" and not commands and not says:
        says.append(_NO_SWITCH)
    if stage == "lowered" and not commands and not says:
        says.append("There is nothing to lower: no right that a command could take away was read.")
    # The last thing that was done is undone first.
    return StagePlan(stage=stage, commands=tuple(commands), undo=tuple(reversed(undo)), says=tuple(dict.fromkeys(says)))


def _rounds(act: Act, facts: Facts) -> Iterator[Mapping[str, str]]:
    """The facts of each round; none if the act does not apply."""
    if (act.when and not facts.has(act.when)) or (act.unless and facts.has(act.unless)):
        return
    if not act.each:
        yield facts.texts
        return
    for item in facts.lists.get(act.each, ()):
        yield {**facts.texts, **item}


def _filled(template: str, facts: Mapping[str, str]) -> list[str] | None:
    """The commands of a template; None if a fact is missing that is not optional."""
    if not template:
        return []

    def optional(found: re.Match[str]) -> str:
        names = _PLACE.findall(found[1])
        return found[1] if all(facts.get(name) for name in names) else ""

    commands = []
    for line in _OPTIONAL.sub(optional, template).split("\n"):
        if any(name not in facts for name in _PLACE.findall(line)):
            return None
        # Braces are unescaped piece by piece, so that those in a name stay as they are.
        pieces = _PLACE.split(line)
        plain = [one.replace("{{", "{").replace("}}", "}") for one in pieces[::2]]
        words = [shlex.quote(facts[name]) for name in pieces[1::2]]
        commands.append("".join(part for pair in zip(plain, [*words, ""], strict=True) for part in pair))
    return commands


def _named(act: Act) -> str:
    return " ".join((act.do or act.undo).split()[:3])


def _terraform(template: str, facts: Facts) -> str | None:
    """The fragment, with names as strings of HCL."""
    if not template or any(name not in facts.texts for name in _PLACE.findall(template)):
        return None
    filled = _PLACE.sub(lambda found: _hcl(facts.texts[found[1]]), template)
    return filled.replace("{{", "{").replace("}}", "}").strip() + "\n"


def _hcl(text: str) -> str:
    quoted = msgspec.json.encode(printable(text)).decode()
    return quoted.replace("${", "$${").replace("%{", "%%{")
