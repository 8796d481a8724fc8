"""How often Muster is right about what machines did: exact findings, grafted attacks, deployments, quiet months.

python -m benchmarks behaviour [--seeds N] [--size N] [--tune] [--write FILE]

Prints Markdown; ``--write`` puts it between the markers in that file instead. ``--tune`` takes other seeds: thresholds
are chosen by these, and the numbers that are published come from seeds that no threshold was chosen by.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from msgspec import Struct

from benchmarks.behaviour.attacks import ATTACKS
from benchmarks.behaviour.moves import moved
from benchmarks.behaviour.organisation import EXACT_RULES, JUDGED, NOW, Organisation, organisation
from scanner.judging.activity.judge import Circumstances, Known, judge_activity
from scanner.model import ActivityPolicy, Policy
from scanner.model.activity import Deviation, SharedChange
from scanner.registry.roster import Roster

SEEDS, SIZE = 4, 480
FIRST_SEED, FIRST_TUNING_SEED = 701, 1
BEGIN, END = "<!-- behaviour: begin -->\n", "<!-- behaviour: end -->"
NEW_TERMS_DAYS = 10
"""Elastic's rules for AWS look so far back for an action that a user or role has not used."""
_MONTH = 30
_CHANGED = "behaviour_changed"
AFTERMATH_DAYS = 3
"""For so many days after a deployment what it brings counts as its own."""

Said = Mapping[str, Sequence[Deviation]]


class Outcome(Struct, frozen=True, kw_only=True):
    """An organisation, and what was said of it: by identity, by a simple rule the days alone."""

    truth: Organisation
    said: Said
    shared: Sequence[SharedChange]
    simple: Mapping[str, Mapping[str, Collection[date]]]


def judged(truth: Organisation) -> Outcome:
    """What a scan says of it, and what two simple rules say."""
    known = Known(
        past=truth.past, retired_since=truth.retired_since, scans=[NOW - timedelta(days=day) for day in range(150)]
    )
    circumstances = Circumstances(
        policy=Policy(),
        activity=ActivityPolicy(),
        roster=Roster(truth.people, NOW.date()),
        entry_of=lambda one: truth.entries.get(one.registry.entry or ""),
        now=NOW,
    )
    found = judge_activity(truth.assessments, known, circumstances)
    return Outcome(
        truth=truth,
        said={one.identity.key: one.deviations for one in found.assessments},
        shared=found.shared,
        simple={name: rule(truth) for name, rule in SIMPLE.items()},
    )


# --- The rules that others use, on the same days ---


def _new_terms(truth: Organisation) -> Mapping[str, Collection[date]]:
    """An action, tried or done, that the identity had not used in the ten days before."""
    return {key: set(_first_in(days, NEW_TERMS_DAYS, lambda action: action)) for key, days in truth.acted.items()}


def _new_service(truth: Organisation) -> Mapping[str, Collection[date]]:
    """A service that the identity had never used."""
    return {key: set(_first_in(days, None, lambda one: one.partition(":")[0])) for key, days in truth.acted.items()}


def _first_in(days: Mapping[date, Mapping[str, int]], back: int | None, term: Callable[[str], str]) -> Iterator[date]:
    last: dict[str, date] = {}
    for day in sorted(days):
        terms = {term(one.partition("=")[2]) for one in days[day] if ":" in one and not one.startswith("tool=")}
        is_new = any(one not in last or (back is not None and (day - last[one]).days > back) for one in terms)
        if is_new and (NOW.date() - day).days <= JUDGED:
            yield day
        last |= dict.fromkeys(terms, day)


SIMPLE = {f"an action not used for {NEW_TERMS_DAYS} days": _new_terms, "a service never used": _new_service}

# --- Tables ---


def tables(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Everything there is to say about them, as Markdown."""
    machines = sum(len(one.truth.assessments) for one in outcomes)
    yield f"{len(outcomes)} organisations, {machines:,} machines, {_MONTH} days judged."
    yield "### Findings that need no baseline"
    yield _table(("rule", "so", "found", "recall", "falsely", "precision"), _exact(outcomes))
    yield "### Attacks, and what is said without one"
    yield _table(
        (
            "way",
            "attacks",
            "found",
            "recall",
            "findings a quiet identity-month",
            "others in a month with a deployment",
        ),
        _ways(outcomes),
    )
    yield "### A gateway and an SDK are replaced"
    yield _table(
        ("organisation", "quiet machines", "findings a quiet identity-month", "findings about what many changed"),
        _moves(outcomes),
    )
    yield "### Deployments"
    yield _table(("what is known of it", "deployments", "reported", "as explained", "unexplained"), _deploys(outcomes))
    yield "### Attacks, by technique"
    yield _table(("technique", "grafted", "found"), _techniques(outcomes))


def true_and_said(rule: str, outcome: Outcome) -> tuple[set[tuple[object, ...]], set[tuple[object, ...]]]:
    """What holds, and what is said: the identity, the last day, and on how many days."""
    days: defaultdict[str, list[date]] = defaultdict(list)
    for label in outcome.truth.labels:
        if label.rule == rule:
            days[label.identity].append(label.day)
    true: set[tuple[object, ...]] = {(key, max(its), len(its)) for key, its in days.items()}
    return true, {
        (key, one.day, one.facts.get("days", 1))
        for key, found in outcome.said.items()
        for one in found
        if one.rule == rule
    }


def _exact(outcomes: Sequence[Outcome]) -> Iterator[tuple[object, ...]]:
    for rule in sorted(EXACT_RULES):
        pairs = [true_and_said(rule, outcome) for outcome in outcomes]
        true, said = (sum(map(len, part)) for part in zip(*pairs, strict=True))
        right = sum(len(one & other) for one, other in pairs)
        yield f"`{rule}`", true, right, _share(right, true), said - right, _share(right, said)


class _Counts(Struct):
    attacks: int = 0
    found: int = 0
    quiet: int = 0
    quiet_machines: int = 0
    around: int = 0
    deployed_machines: int = 0


def counts(outcomes: Sequence[Outcome]) -> Mapping[str, _Counts]:
    """By way of finding: attacks found, and findings of machines to which nothing happened, or a deployment."""
    ways: defaultdict[str, _Counts] = defaultdict(_Counts)
    for outcome in outcomes:
        days = {"Muster": {key: {one.day for one in found if one.rule == _CHANGED and not one.explained}
                           for key, found in outcome.said.items()}} | dict(outcome.simple)  # fmt: skip
        attacked = {one.identity: one for one in outcome.truth.labels if one.technique}
        labelled = {one.identity for one in outcome.truth.labels}
        for way, said in days.items():
            count = ways[way]
            for one in outcome.truth.assessments:
                key = one.identity.key
                found = said.get(key, ())
                if key in attacked:
                    count.attacks += 1
                    count.found += attacked[key].day in found
                elif key in outcome.truth.deploys:
                    count.deployed_machines += 1
                    its_own = _brought_by_unknown(outcome.truth, key)
                    count.around += len([day for day in found if day not in its_own])
                elif key not in labelled:
                    count.quiet_machines += 1
                    count.quiet += len(found)
    return ways


def _brought_by_unknown(truth: Organisation, key: str) -> Collection[date]:
    """Days of a deployment that nothing names: what is reported there is right, and cannot be explained."""
    (label,) = [one for one in truth.labels if one.identity == key and one.rule == _CHANGED]
    return () if label.deploy else [label.day + timedelta(days=after) for after in range(AFTERMATH_DAYS + 1)]


def _ways(outcomes: Sequence[Outcome]) -> Iterator[tuple[object, ...]]:
    for way, count in counts(outcomes).items():
        yield (
            way, count.attacks, count.found, _share(count.found, count.attacks),
            f"{count.quiet / count.quiet_machines:.3f}", f"{count.around / count.deployed_machines:.3f}",
        )  # fmt: skip


def _moves(outcomes: Sequence[Outcome]) -> Iterator[tuple[object, ...]]:
    """As it was, and the same after nine of ten of its quiet machines changed both."""
    after = [judged(moved(outcome.truth)) for outcome in outcomes]
    for name, some in (("as it was", outcomes), ("after both changes", after)):
        count = counts(some)["Muster"]
        shared = sum(len(one.shared) for one in some) / len(some)
        yield name, count.quiet_machines, f"{(count.quiet) / count.quiet_machines:.3f}", f"{shared:.1f}"


def _deploys(outcomes: Sequence[Outcome]) -> Iterator[tuple[object, ...]]:
    for known in (True, False):
        rows: Counter[str] = Counter()
        for outcome in outcomes:
            for label in outcome.truth.labels:
                if label.rule == _CHANGED and label.technique is None and label.deploy == known:
                    rows["all"] += 1
                    for one in outcome.said.get(label.identity, ()):
                        if one.rule == _CHANGED and 0 <= (one.day - label.day).days <= AFTERMATH_DAYS:
                            rows["explained" if one.explained else "unexplained"] += 1
        name = "the log names the change" if known else "nothing"
        yield name, rows["all"], rows["explained"] + rows["unexplained"], rows["explained"], rows["unexplained"]


def by_technique(outcomes: Sequence[Outcome]) -> Mapping[str, tuple[int, int]]:
    """How often each technique was grafted, and how often it was found."""
    grafted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for outcome in outcomes:
        for label in outcome.truth.labels:
            if label.technique:
                grafted[label.technique] += 1
                said = outcome.said.get(label.identity, ())
                found[label.technique] += any(
                    one.rule == _CHANGED and one.day == label.day and not one.explained for one in said
                )
    return {attack.name: (grafted[attack.name], found[attack.name]) for attack in ATTACKS if grafted[attack.name]}


def _techniques(outcomes: Sequence[Outcome]) -> Iterator[tuple[object, ...]]:
    return ((name, *numbers) for name, numbers in by_technique(outcomes).items())


def _table(heads: tuple[object, ...], rows: Iterator[tuple[object, ...]]) -> str:
    lines = (heads, ("---", *("---:" for _ in heads[1:])), *rows)
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _share(part: int, whole: int) -> str:
    """Three decimals, rounded down: what is not quite 1 never looks like it."""
    return f"{part * 1000 // whole / 1000:.3f}" if whole else "-"


def report(seeds: int = SEEDS, size: int = SIZE, *, first: int = FIRST_SEED) -> str:
    """The tables of so many organisations, as Markdown."""
    outcomes = [judged(organisation(seed, size)) for seed in range(first, first + seeds)]
    return "\n\n".join(tables(outcomes)) + "\n"


def main() -> None:
    """Print the tables, or write them into a page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    text = report(given.seeds, given.size, first=FIRST_TUNING_SEED if given.tune else FIRST_SEED)
    if given.write is None:
        print(text)
        return
    page = given.write.read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    given.write.write_text(f"{before}{BEGIN}{text}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
