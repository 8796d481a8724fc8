"""Who answers for an identity, and whom to ask where nobody does.

directory: who a text means ─► verdict: who answers ─► hints, words, conventions, neighbours ─► candidates
"""

from scanner.judging.ownership.directory import tag_scores
from scanner.judging.ownership.verdict import judge_owners
from scanner.registry.roster.machines import is_machine

__all__ = ["is_machine", "judge_owners", "tag_scores"]
