"""Owners of identities, and owner candidates for orphaned ones.

``directory``: who a text refers to · ``verdict``: the owner · ``hints``, ``words``: traces of one · ``candidates``
"""

from scanner.judging.ownership.hints import tag_scores
from scanner.judging.ownership.verdict import Beside, judge_owners
from scanner.registry.roster.machines import is_machine

__all__ = ["Beside", "is_machine", "judge_owners", "tag_scores"]
