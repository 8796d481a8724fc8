"""Which statements of which policies allow something, in words for the evidence (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from connectors.aws.policy import Statement
from connectors.aws.reach import Document
from connectors.aws.vocabulary import Vocabulary

STATEMENTS_NAMED = 3


class Held(Struct, frozen=True, kw_only=True, gc=False):
    """One policy that speaks for a principal; ``document`` is None where it could not be read or understood.

    ``may_deny``: whether it may take rights away, if it could be read. ``published``: in words, which of AWS's
    published documents speaks for it, as the listing lacks its own; empty: none.
    """

    name: str
    via: str
    document: Document | None
    may_deny: bool = True
    published: str = ""


def sources_in(held: Sequence[Held], words: Vocabulary) -> Callable[[int], str]:
    """A function from actions (bits) to the statements that allow them, the plainest ones first."""

    def sources(actions: int) -> str:
        named: list[str] = []
        left = actions
        for policy, statement in sorted(_allowing(held), key=lambda pair: _plainness(pair[1])):
            bits = statement.action_bits(words) & left
            if bits:
                left &= ~bits
                named.append(f"policy {policy.name} ({policy.via}) statement {statement.label}")
        more = len(named) - STATEMENTS_NAMED
        shown = ", ".join(named[:STATEMENTS_NAMED]) + (f" and {more} more" if more > 0 else "")
        return f"; by {shown}" if shown else ""

    return sources


def _allowing(held: Iterable[Held]) -> Iterable[tuple[Held, Statement]]:
    for policy in held:
        if policy.document is not None:
            for statement in policy.document.statements:
                if statement.allow:
                    yield policy, statement


def _plainness(statement: Statement) -> tuple[bool, bool]:
    return statement.conditional, "*" not in statement.resources
