"""A blast radius in words: one sentence, and the rows of a table. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scanner.model import CONSEQUENCES, BlastRadius, Count, ReachedAction
from scanner.text import counted

NAMED = 3
"""Maximum number of items in a list; the rest are counted."""


def sentence(radius: BlastRadius) -> str:
    """Return the blast radius as one sentence."""
    worst = "At worst, as far as is known, it" if radius.unknown else "At worst it"
    return f"{worst} {'; '.join((_can(radius), _within(radius), *_oversight(radius)))}."


def _oversight(radius: BlastRadius) -> tuple[str, ...]:
    """Whether a person is in the loop, where it is declared."""
    if radius.human_in_the_loop is None:
        return ()
    return ("a person is in the loop" if radius.human_in_the_loop else "no person is in the loop",)


def _can(radius: BlastRadius) -> str:
    if radius.administers:
        through = ""
        if len(radius.admin_path) > 1:
            through = f", as {radius.admin_path[-1]}"
        scopes = listed(radius.administers[:NAMED], radius.administered)
        return f"can do everything in {scopes}{through}"
    titles = [CONSEQUENCES[kind] for kind in radius.kinds]
    return f"can {listed(titles)}" if titles else "can do nothing of high consequence"


def _within(radius: BlastRadius) -> str:
    numbers = (
        _counted(radius.identities, "other identity", "other identities"),
        _counted(radius.secrets, "stored secret", "stored secrets"),
        _counted(radius.scopes, "scope", "scopes"),
    )
    return f"within its reach are {listed(numbers)}"


def _counted(count: Count, one: str, several: str) -> str:
    if count.at_least and not count.number:
        return f"an unknown number of {several}"
    number = counted(count.number, one, several)
    return f"at least {number}" if count.at_least else number


def listed(texts: Sequence[str], of: int = 0) -> str:
    """Return texts as a list in a sentence. ``of``: the total number, if there are more than these texts."""
    shown = [*texts, *((f"{more:,} more",) if (more := of - len(texts)) > 0 else ())]
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def rows(radius: BlastRadius) -> Iterator[tuple[str, str]]:
    """Yield what is within reach and the evidence, as the rows of a table."""
    for place in radius.administers:
        yield "everything in", place
    if (more := radius.administered - len(radius.administers)) > 0:
        yield "everything in", counted(more, "more scope", "more scopes")
    if radius.admin_path:
        yield "as an admin", path_text(radius.admin_path)
    for path in radius.paths:
        yield "can become", path_text(path)
    if (more := radius.identities.number - len(radius.paths)) > 0:
        yield "identities", f"{Count(number=more, at_least=radius.identities.at_least)} more"
    for action in radius.actions:
        yield action.title, action_text(action)
    for reason in radius.unknown:
        yield "unknown", reason


def path_text(path: Sequence[str]) -> str:
    """Return the keys of a path as text; a path of one key is the identity itself."""
    return " → ".join(path) if len(path) > 1 else "itself"


def action_text(action: ReachedAction) -> str:
    """Return the evidence for an action: what allows it, where, and which identity has it."""
    names = ", ".join(action.actions)
    what = " by ".join(filter(None, (names, action.by)))
    where = f"on some resources in {action.scope}" if action.narrow else f"in {action.scope}"
    condition = ", under a condition" if action.conditional else ""
    return f"{what} {where}{condition}, held by {action.holder}".strip()
