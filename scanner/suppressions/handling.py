"""What people began about identities: access reviews and proposed owners. It is shown, and suppresses nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from scanner.model import Finding, Handled, ScanResult

OF_OWNERS = frozenset(
    {
        "orphaned",
        "unregistered",
        "ambiguous_registration",
        "owner_leaving",
        "backup_owner_only",
        "agent_without_sponsor",
    }
)
"""Rules that a new owner resolves: a proposal is about these findings of the identity."""


class Handling(Struct, frozen=True, kw_only=True):
    """Keys of identities. ``in_review``: undecided in an open review; ``proposed``: with a proposal not taken yet."""

    in_review: frozenset[str] = frozenset()
    proposed: frozenset[str] = frozenset()

    def of(self, rule: str, identity: str | None) -> Handled | None:
        """What was begun about a finding of this rule on this identity."""
        if identity in self.in_review:
            return "in_review"
        return "proposed" if identity in self.proposed and rule in OF_OWNERS else None

    def marked(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """The findings with what was begun about each."""
        for one in findings:
            handled = self.of(one.rule, one.identity)
            yield one if one.handled == handled else replace(one, handled=handled)


def with_handling(result: ScanResult, handling: Handling) -> ScanResult:
    """The scan with what was begun about its findings."""
    if not (handling.in_review or handling.proposed):
        return result
    return replace(result, findings=tuple(handling.marked(result.findings)))
