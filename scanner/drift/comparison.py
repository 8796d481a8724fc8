"""An identity against its entry: all aspects in one, and what is not credentials or permissions here.

Only what both sides say can differ. An empty cell, a word nobody knows and a fact that was not read are no drift.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from scanner.drift.credentials import overaged_credentials, undeclared_credentials
from scanner.drift.people import are_near
from scanner.drift.reach import undeclared_reach
from scanner.matching.environments import environment_of, environments
from scanner.matching.keys import tag_name
from scanner.model import Drift, Entry, Identity
from scanner.roster import Roster


def drift_of(
    identity: Identity, entry: Entry, roster: Roster | None, *, owner_tags: Collection[str], now: datetime
) -> tuple[Drift, ...]:
    """Every difference between an identity and the entry that it is registered by, in a stable order.

    ``owner_tags``: the tags that name who answers for it, as ``tag_name`` gives them. Without a roster nobody can say
    who is meant, and owners are not compared.
    """
    return (
        *(_owner(identity, entry, roster, owner_tags) if roster is not None and identity.tags else ()),
        *(_environment(identity, entry) if entry.environment else ()),
        *(undeclared_reach(identity, entry) if entry.systems or entry.permissions else ()),
        *(undeclared_credentials(identity, entry, now) if identity.credentials else ()),
        *(overaged_credentials(identity, entry, now) if identity.credentials else ()),
    )


def _owner(identity: Identity, entry: Entry, roster: Roster, owner_tags: Collection[str]) -> Iterator[Drift]:
    """Tags name somebody active who is none of those declared, nor near them.

    One tag that names somebody declared suffices, and so does one declared owner whom the roster doesn't know.
    """
    tags = {key: value for key, value in sorted(identity.tags.items()) if value and tag_name(key) in owner_tags}
    declared = (*entry.owner, *entry.technical_owner, *entry.backup_owner, *((entry.team,) if entry.team else ()))
    if not tags or not declared:
        return
    answering = [roster.resolve(text) for text in declared]
    known = [person for person in answering if person is not None]
    tagged = {key: person for key, value in tags.items() if (person := roster.resolve(value)) is not None}
    if len(known) < len(answering) or any(are_near(one, other, roster) for one in tagged.values() for other in known):
        return
    others = [f"tag {key}={tags[key]}" for key, person in tagged.items() if roster.is_active(person)]
    if others:
        yield Drift(aspect="owner", declared=", ".join(declared), found=", ".join(others))


def _environment(identity: Identity, entry: Entry) -> Iterator[Drift]:
    declared = environments(entry.environment)
    found, evidence = environment_of(identity)
    if declared and found and declared.isdisjoint(found):
        yield Drift(aspect="environment", declared=entry.environment or "", found=evidence)
