"""The cases an organisation is made of: each adds identities and rows, and says what is true of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeAlias

from benchmarks.organisation import owners
from benchmarks.organisation.changes import CHANGED
from benchmarks.organisation.draft import TAG_KEY, Draft
from benchmarks.organisation.imitations import rogue
from benchmarks.organisation.owners import HINTS, Answer
from benchmarks.organisation.rows import EXACT_RUNGS, texts
from benchmarks.organisation.truth import CHANGES
from benchmarks.organisation.workloads import NOW, PLATFORM_OF, PLATFORMS, STYLES, Workload
from scanner.model import Credential, Rung, credential_key

RULE_PREFIX = "dl-"
"""What the configured convention is about."""
FALLBACK = ("vault", "edge")
"""The provider and scope that has someone to ask by default."""
_RUNGS: tuple[Rung, ...] = (*EXACT_RUNGS, "name", "name", "key", "tag")
_LAST_YEAR = date(2025, 12, 31)

Scenario: TypeAlias = Callable[[Draft], None]


def declared(draft: Draft) -> None:
    """By any one of the things it may be written as; by tag, the row's text names nothing."""
    rung = draft.rng.choice(_RUNGS)
    if rung != "tag":
        draft.declare(rung)
        return
    workload = draft.workload()
    answer = draft.answer(owners.by_person, workload)
    entry = draft.row(workload, f"the {workload.job} of {workload.service}", has_own_id=True, **answer.row)
    draft.add(draft.make(workload, tags={TAG_KEY: entry.id}), answer, entry, rung="tag")


def family(draft: Draft) -> None:
    """A row with a pattern for several; one of them may have a row of its own, and an outsider imitates them."""
    workload, platform = draft.workload(), draft.rng.choice(PLATFORMS)
    scope = draft.rng.choice(platform.scopes)
    stem = "-".join(workload.words[:3])
    answer = draft.answer(owners.by_person, workload)
    members = [
        draft.make(workload, platform, name=f"{stem}-{number:02}", scope=scope)
        for number in range(draft.rng.randint(3, 6))
    ]
    first = members[0]
    written = first.key if platform.provider in ("aws", "vault", "kubernetes") else first.name
    pattern = draft.rng.choice((written, first.name)).replace(f"{stem}-00", f"{stem}-*")
    shared = draft.row(workload, pattern, **draft.sheet.place(first), **answer.row)
    for member in members[1:]:
        draft.add(member, answer, shared, rung="glob")
    if draft.rng.random() < 0.5:
        own = draft.row(workload, draft.sheet.hand_written(first, "name"), **draft.sheet.place(first), **answer.row)
        draft.add(first, answer, own, rung="name")
    else:
        draft.add(first, answer, shared, rung="glob")
    rogue = draft.make(workload, platform, name=f"rogue-{stem}-07", scope=scope)
    draft.add(rogue, draft.answer(owners.nobody_knows, workload), trick="something before a pattern")


def changed(draft: Draft) -> None:
    """Renamed since, or written with a typing error: unregistered, with a row that meant it."""
    change = draft.rng.choice(CHANGES)
    workload, platform = draft.workload(), draft.rng.choice([one for one in PLATFORMS if one.provider != "azure"])
    answer = draft.answer(draft.rng.choice((owners.by_person, owners.by_group)), workload)
    once = draft.make(workload, platform, name=STYLES["svc-kebab"](workload.words))
    now = draft.make(workload, platform, name=CHANGED[change](workload.words, draft.rng), scope=once.scope)
    rung = draft.rng.choice(("name", "name", "key"))
    text = draft.sheet.hand_written(once, "key" if rung == "key" else "name")
    entry = draft.row(workload, text, state="not_found", **draft.sheet.place(once), **answer.row)
    undeclared = Answer(state="orphaned", reason="unregistered", owner=answer.owner, signals=("entry",))
    draft.add(now, undeclared, partner=entry.id, change=change)


def stale(draft: Draft) -> None:
    """A row for something long gone, or only planned."""
    workload = draft.workload()
    gone = draft.make(workload)
    text = draft.sheet.hand_written(gone, draft.rng.choice(list(texts(gone))))
    facts: dict[str, Any] = draft.rng.choice(
        (
            {"state": "not_found"},
            {"state": "retired", "status": "retired"},
            {"state": "retired", "expires": _LAST_YEAR},
            {"state": "proposed", "status": "proposed"},
        )
    )
    draft.row(workload, text, **draft.sheet.place(gone), **draft.answer(owners.departed, workload).row, **facts)


def ended(draft: Draft) -> None:
    """Alive, though its row says that it should not be."""
    workload = draft.workload()
    answer = draft.answer(owners.by_person, workload)
    identity = draft.make(workload)
    rung = draft.rng.choice(list(texts(identity)))
    facts: dict[str, Any] = draft.rng.choice(({"status": "retired"}, {"expires": _LAST_YEAR}))
    text = draft.sheet.hand_written(identity, rung)
    entry = draft.row(workload, text, state="retired_but_alive", **draft.sheet.place(identity), **answer.row, **facts)
    draft.add(identity, answer, entry, rung=rung)


def twins(draft: Draft) -> None:
    """The same bare name in two scopes: a row for each, for one of them, or one that means both."""
    workload = draft.workload()
    platform = draft.rng.choice([one for one in PLATFORMS if len(one.scopes) > 1])
    name = STYLES["kebab"](workload.words)
    pair = [draft.make(workload, platform, name=name, scope=scope) for scope in platform.scopes[:2]]
    rows = draft.rng.choice(("each", "one", "both"))
    answer = draft.answer(owners.by_person, workload)
    shared = draft.row(workload, name, **answer.row) if rows == "both" else None
    for number, identity in enumerate(pair):
        if rows == "one" and number == 1:
            draft.add(identity, draft.answer(owners.nobody_knows, workload), trick="its name, elsewhere")
            continue
        place = draft.sheet.place(identity, scope_needed=True)
        draft.add(identity, answer, shared or draft.row(workload, name, **place, **answer.row), rung="name")


def other_environment(draft: Draft) -> None:
    """One environment is declared, its twin in the other is not."""
    workload, platform = draft.workload(), draft.rng.choice(PLATFORMS)
    answer = draft.answer(owners.by_person, workload)
    dev, prod = (
        draft.make(workload, platform, name=STYLES["svc-kebab"]((*workload.words[:3], environment)))
        for environment in ("dev", "prod")
    )
    entry = draft.row(workload, draft.sheet.hand_written(dev, "name"), **draft.sheet.place(dev), **answer.row)
    draft.add(dev, answer, entry, rung="name")
    draft.add(prod, draft.answer(owners.nobody_knows, workload), trick="its other environment")


def twice_declared(draft: Draft) -> None:
    """Two rows for one, which name the same owner or not."""
    workload = draft.workload()
    identity = draft.make(workload)
    rung = draft.rng.choice(list(texts(identity)))
    answer = draft.answer(owners.by_person, workload)
    other = answer if draft.rng.random() < 0.5 else draft.answer(owners.by_group, workload)
    rows = [draft.row(workload, draft.sheet.hand_written(identity, rung), **one.row) for one in (answer, other)]
    if other is not answer:
        answer = Answer(state="orphaned", reason="ambiguous")
    draft.add(identity, answer, *rows, rung=rung)


def undeclared(draft: Draft) -> None:
    """In no row; a signal names who to ask."""
    workload = draft.workload()
    answer = draft.answer(draft.rng.choice(HINTS), workload)
    draft.add(draft.make(workload, **answer.identity), answer)


def by_team(draft: Draft) -> None:
    """In no row, and the only one of its kind; its name says whose it is."""
    workload = draft.workload()
    workload = Workload(workload.team, f"trial{len(draft.identities)}", "pilot", workload.environment)
    owner = draft.roster.groups[workload.team].email
    answer = Answer(state="orphaned", reason="unregistered", owner=owner, signals=("team in the name",))
    draft.add(draft.make(workload), answer)


def by_convention(draft: Draft) -> None:
    """In no row; its name begins as the configured rule says."""
    workload = draft.workload()
    name = f"{RULE_PREFIX}{workload.service}-{workload.job}-{len(draft.identities)}"
    owner = draft.roster.groups["analytics"].email
    answer = Answer(state="orphaned", reason="unregistered", owner=owner, signals=("convention",))
    draft.add(draft.make(workload, name=name), answer)


def by_platform(draft: Draft) -> None:
    """In no row; only the place where it lives has someone to ask."""
    workload = draft.workload()
    provider, scope = FALLBACK
    name = f"uplink{len(draft.identities)}"
    owner = draft.roster.groups["platform"].email
    answer = Answer(state="orphaned", reason="unregistered", owner=owner, signals=("platform",))
    draft.add(draft.make(workload, PLATFORM_OF[provider, "approle"], name=name, scope=scope), answer)


def neighbours(draft: Draft) -> None:
    """Several with one prefix and one owner, and one more that no one declared."""
    workload, platform = draft.workload(), draft.rng.choice(PLATFORMS)
    scope, stem = draft.rng.choice(platform.scopes), "-".join(workload.words[:3])
    answer = draft.answer(owners.by_person, workload)
    for number in range(4):
        identity = draft.make(workload, platform, name=f"{stem}-{number}", scope=scope)
        entry = draft.row(workload, draft.sheet.hand_written(identity, "name"), **answer.row)
        draft.add(identity, answer, entry, rung="name")
    orphan = Answer(state="orphaned", reason="unregistered", owner=answer.owner, signals=("neighbours",))
    draft.add(draft.make(workload, platform, name=f"{stem}-4", scope=scope), orphan)


def person(draft: Draft) -> None:
    """Someone's own console account."""
    workload = draft.workload()
    name = draft.roster.someone(workload).email.partition("@")[0]
    identity = draft.make(workload, PLATFORM_OF["aws", "user"], name=name, credentials=())
    password = Credential(
        key=credential_key(identity.key, "password", name), kind="password", id=name, enabled=True, created_at=NOW
    )
    identity = draft.make(
        workload, PLATFORM_OF["aws", "user"], name=name, scope=identity.scope, credentials=(password,)
    )
    if identity.key not in draft.truth:
        draft.add(identity, Answer(state="not_applicable"), exempt=True)


SCENARIOS: Mapping[Scenario, int] = {
    declared: 40, family: 4, changed: 12, stale: 10, ended: 4, twins: 3, other_environment: 3, twice_declared: 3,
    undeclared: 11, by_team: 3, by_convention: 2, by_platform: 2, neighbours: 2, person: 1, rogue: 12,
}  # fmt: skip
