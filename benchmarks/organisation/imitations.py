"""Those who imitate someone declared: by a name that is nearly theirs, or by someone's id, tag or name elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from benchmarks.organisation.draft import TAG_KEY, Draft
from benchmarks.organisation.owners import nobody_knows
from benchmarks.organisation.tricks import NAME_TRICKS
from benchmarks.organisation.workloads import PLATFORM_OF, PLATFORMS, Platform, Workload
from scanner.model import Identity

Imitation: TypeAlias = Callable[[Draft], tuple[Workload, Identity]]
_FREE_NAMES = PLATFORM_OF["azure", "service_principal"]
"""Where someone may be called anything."""
_PLAIN = re.compile(r"[A-Za-z0-9-]+")


def rogue_bot(draft: Draft) -> None:
    """A row that only says ``bot``, the bot that is meant, and one called ``rogue-bot-exfil``."""
    victim, _, workload = draft.declare("name", name="bot")
    imitation = draft.make(workload, _platform(victim), name="rogue-bot-exfil", scope=victim.scope)
    draft.add(imitation, draft.answer(nobody_knows, workload), trick="on both sides")


def rogue(draft: Draft) -> None:
    """Someone declared, and someone who imitates them; the tricks take turns."""
    trick = list(IMITATIONS)[draft.imitations % len(IMITATIONS)]
    draft.imitations += 1
    workload, imitation = IMITATIONS[trick](draft)
    draft.add(imitation, draft.answer(nobody_knows, workload), trick=trick)


def _by_name(change: Callable[[str], str]) -> Imitation:
    def imitation(draft: Draft) -> tuple[Workload, Identity]:
        victim, _, workload = draft.declare(draft.rng.choice(("name", "name", "key", "alias")))
        return workload, draft.make(workload, _platform(victim), name=change(victim.name), scope=victim.scope)

    return imitation


def _platform(identity: Identity) -> Platform:
    return PLATFORM_OF[identity.provider, identity.kind]


def _named_as_its_id(draft: Draft) -> tuple[Workload, Identity]:
    victim, entry, workload = draft.declare(draft.rng.choice(("key", "unique_id", "credential", "alias")))
    text = entry.identities[0].strip()
    if not _PLAIN.fullmatch(text):
        return workload, draft.make(workload, _FREE_NAMES, name=text)
    return workload, draft.make(workload, _platform(victim), name=text, scope=victim.scope)


def _case_of_its_id(draft: Draft) -> tuple[Workload, Identity]:
    platform = draft.rng.choice([one for one in PLATFORMS if one.exact])
    victim, _, workload = draft.declare("key", platform=platform)
    return workload, draft.make(workload, platform, name=victim.name.swapcase(), scope=victim.scope)


def _its_tag_elsewhere(draft: Draft) -> tuple[Workload, Identity]:
    platform = draft.rng.choice([one for one in PLATFORMS if len(one.scopes) > 1])
    victim, entry, workload = draft.declare("key", platform=platform)
    scope = next(one for one in platform.scopes if one != victim.scope)
    return workload, draft.make(workload, platform, name=f"copy-{victim.name}", scope=scope, tags={TAG_KEY: entry.id})


def _its_name_elsewhere(draft: Draft) -> tuple[Workload, Identity]:
    victim, _, workload = draft.declare("name", placed=True)
    elsewhere = draft.rng.choice([one for one in PLATFORMS if one.provider != victim.provider])
    return workload, draft.make(workload, elsewhere, name=victim.name)


IMITATIONS: Mapping[str, Imitation] = {
    **{trick: _by_name(change) for trick, change in NAME_TRICKS.items()},
    "named as its id": _named_as_its_id,
    "case of its id": _case_of_its_id,
    "its tag, elsewhere": _its_tag_elsewhere,
    "its name, elsewhere": _its_name_elsewhere,
}
