"""How often Muster is right about organisations whose truth is known: matching, suggestions, owners.

python -m benchmarks accuracy [--seeds N] [--size N] [--write FILE]
python -m benchmarks accuracy --companies [--rounds N] [--explained] [--examples N]

Prints Markdown; ``--write`` puts it between the markers in that file instead. ``--companies``: only the
companies. ``--explained``: the config maps all of their headings. ``--examples``: N examples of each kind of failure.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from benchmarks import companies
from benchmarks.cases import Case, Outcome, judged, owners_said
from benchmarks.companies.examples import examples
from benchmarks.naive import LIKE_ENOUGH
from benchmarks.organisation import CHANGES, OWNER_SIGNALS, organisation
from benchmarks.organisation.written import STYLES, Cell, written
from scanner.model import RUNGS, OwnershipVerdict
from scanner.text import printable

SEEDS, SIZE = 5, 1000
COMPANIES_SEED, ROUNDS = 1, 3
BEGIN, END = "<!-- accuracy: begin -->\n", "<!-- accuracy: end -->"
COMPANIES_BEGIN, COMPANIES_END = "<!-- companies: begin -->\n", "<!-- companies: end -->"
FALSE_NAMED = 20
CELLS_A_STYLE = 5
"""One cell of each style for so many identities."""
SHOWN = 5
"""So many candidates are shown to a reader."""
SURE = 0.85
"""Of suggestions with this score or more it is reported how often they are right."""


def tables(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Everything there is to say about them, as Markdown."""
    cases = [case for outcome in outcomes for case in outcome.cases]
    entries = sum(len(outcome.states) for outcome in outcomes)
    yield f"{len(outcomes)} organisations, {len(cases):,} identities, {entries:,} entries."
    yield "### Registered, by rung"
    yield _table(("rung", "written so", "found", "recall", "registered by it", "falsely", "precision"), _rungs(cases))
    yield _false_registrations(cases)
    yield "### Against matching by a part of the name, and by likeness"
    yield _table(("way", "registered", "falsely", "precision", "recall"), _ways(cases))
    yield "### Imitations that were registered"
    yield _table(("what the imitation does", "planted", *WAYS), _imitations(cases))
    yield "### States"
    yield _table(("state", "so", "said so", "rightly"), _states(outcomes, cases))
    yield "### Suggestions"
    heads = ("for", "planted", "with any", "precision at 1", f"precision at {SHOWN}", f"recall at {SHOWN}")
    yield _table(heads, _suggestions(outcomes, cases))
    yield "### Likely owners"
    yield _table(("signal", "planted", "with any", "precision at 1", f"recall at {SHOWN}"), _signals(cases))


def owner_tables(said: Sequence[tuple[Cell, OwnershipVerdict]]) -> Iterator[str]:
    """What cells that name owners came to, as Markdown."""
    yield "### Owners, as they are written"
    heads = (
        "style",
        "cells",
        "named for certain",
        "wrongly",
        "precision",
        "the right one, for certain or first",
        "recall",
    )
    yield _table(heads, _owners(said))


Cells: TypeAlias = tuple[object, ...]


def _table(heads: Cells, rows: Iterable[Cells]) -> str:
    lines = (heads, ("---", *("---:" for _ in heads[1:])), *rows)
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _share(part: int, whole: int) -> str:
    """Three decimals, rounded down: what is not quite 1 never looks like it."""
    return f"{math.floor(1000 * part / whole) / 1000:.3f}" if whole else "-"


def _rungs(cases: Sequence[Case]) -> Iterator[Cells]:
    planted = [case for case in cases if len(case.truth.entries) == 1]
    claimed = [case for case in cases if case.registered_to is not None]
    for rung in (*RUNGS, None):
        so = [case for case in planted if rung in (None, case.truth.rung)]
        found = sum(case.registered_to in case.truth.entries for case in so)
        by = [case for case in claimed if rung in (None, case.said.registry.rung)]
        false = sum(case.falsely_registered for case in by)
        name = f"`{rung}`" if rung else "all"
        yield name, len(so), found, _share(found, len(so)), len(by), false, _share(len(by) - false, len(by))


def _false_registrations(cases: Sequence[Case]) -> str:
    false = [case for case in cases if case.falsely_registered]
    named = [
        f"- `{printable(case.said.identity.key)}` ({case.truth.trick or 'no trick'}): {case.said.registry.evidence}"
        for case in false[:FALSE_NAMED]
    ]
    return "\n".join((f"False registrations: {len(false) or 'none'}.", *(named and ("", *named))))


WAYS: Mapping[str, Callable[[Case], str | None]] = {
    "Muster": lambda case: case.registered_to,
    "part of the name or key": lambda case: case.substring,
    f"WRatio ≥ {LIKE_ENOUGH:.0f}": lambda case: case.likeness,
}


def _ways(cases: Sequence[Case]) -> Iterator[Cells]:
    declared = [case for case in cases if len(case.truth.entries) == 1]
    for name, takes in WAYS.items():
        registered = [case for case in cases if takes(case) is not None]
        false = sum(takes(case) not in case.truth.entries for case in registered)
        right = sum(takes(case) in case.truth.entries for case in declared)
        precision = _share(len(registered) - false, len(registered))
        yield name, len(registered), false, precision, _share(right, len(declared))


def _imitations(cases: Sequence[Case]) -> Iterator[Cells]:
    by_trick: dict[str, list[Case]] = {}
    for case in cases:
        if case.truth.trick is not None:
            by_trick.setdefault(case.truth.trick, []).append(case)
    for trick, imitations in sorted(by_trick.items(), key=lambda of: of[0].lower()):
        taken = (sum(takes(case) is not None for case in imitations) for takes in WAYS.values())
        yield trick, len(imitations), *taken


def _states(outcomes: Sequence[Outcome], cases: Sequence[Case]) -> Iterator[Cells]:
    axes: Mapping[str, list[tuple[str, str]]] = {
        "registry": [(case.truth.registry, case.said.registry.state) for case in cases],
        "ownership": [(_ownership(case.truth.ownership, case.truth.reason), _said(case)) for case in cases],
        "who answers": [("the one", _answers(case)) for case in cases if case.truth.ownership == "owned"],
        "entry": [pair for outcome in outcomes for pair in outcome.states],
    }
    for axis, pairs in axes.items():
        both = Counter(pairs)
        so, said = (Counter(of) for of in zip(*pairs, strict=True))
        for state in sorted({*so, *said}):
            yield f"{axis}: {state}", so[state], said[state], both[state, state]


def _ownership(state: str, reason: str | None) -> str:
    return state if reason is None else f"{state}: {reason}"


def _said(case: Case) -> str:
    return _ownership(case.said.ownership.state, case.said.ownership.reason)


def _answers(case: Case) -> str:
    return "the one" if case.said.ownership.owner == case.truth.owner else "someone else"


def _suggestions(outcomes: Sequence[Outcome], cases: Sequence[Case]) -> Iterator[Cells]:
    for change in CHANGES:
        planted = [case for case in cases if case.truth.change == change]
        yield f"a {change} identity", *_ranked(_entries_for(case) for case in planted)
    pairs = [pair for outcome in outcomes for pair in outcome.not_found]
    yield (
        "an entry whose identity changed so",
        *_ranked((key, [one.identity for one in entry.candidates]) for key, entry in pairs),
    )
    unregistered = [case for case in cases if case.said.registry.state == "unregistered"]
    for least, those in ((0.0, ""), (SURE, f", only suggestions of {SURE} and more")):
        yield f"any unregistered identity{those}", *_ranked(_entries_for(case, least) for case in unregistered)


def _entries_for(case: Case, least: float = 0.0) -> tuple[str | None, list[str]]:
    return case.truth.partner, [one.entry for one in case.said.registry.candidates if one.score >= least]


def _ranked(asked: Iterable[tuple[str | None, list[str]]]) -> Cells:
    """From the right answers (None: there is none) and the candidates shown, the numbers of a row."""
    pairs = [(right, shown[:SHOWN]) for right, shown in asked]
    shown_any = sum(bool(shown) for _, shown in pairs)
    first = sum(shown[:1] == [right] for right, shown in pairs)
    among = sum(right in shown for right, shown in pairs)
    planted = sum(right is not None for right, _ in pairs)
    return planted, shown_any, _share(first, shown_any), _share(among, shown_any), _share(among, planted)


def _signals(cases: Sequence[Case]) -> Iterator[Cells]:
    asked = [case for case in cases if case.truth.ownership == "orphaned" and case.truth.owner is not None]
    for signal in (*OWNER_SIGNALS, None):
        planted = [case for case in asked if signal is None or signal in case.truth.signals]
        shown = ((case.truth.owner, [one.person for one in case.said.ownership.candidates]) for case in planted)
        count, shown_any, first, _, among = _ranked(shown)
        yield signal or "all", count, shown_any, first, among


def _owners(said: Sequence[tuple[Cell, OwnershipVerdict]]) -> Iterator[Cells]:
    """One style after another; last, names that two people have, which a person has to distinguish."""
    for style in (*STYLES, None):
        cells = [(cell, verdict) for cell, verdict in said if cell.owner and style in (None, cell.style)]
        certain = [(cell, verdict) for cell, verdict in cells if verdict.state == "owned"]
        wrong = sum(verdict.owner != cell.owner for cell, verdict in certain)
        right = len(certain) - wrong
        first = sum(
            verdict.state != "owned" and [one.person for one in verdict.candidates[:1]] == [cell.owner]
            for cell, verdict in cells
        )
        shares = _share(right, len(certain)), right + first, _share(right + first, len(cells))
        yield style or "all", len(cells), len(certain), wrong, *shares
    shared = [verdict for cell, verdict in said if cell.owner is None]
    taken = sum(verdict.reason != "ambiguous" for verdict in shared)
    yield "a name of two people", len(shared), sum(one.state == "owned" for one in shared), taken, "-", "-", "-"


def report(seeds: int = SEEDS, size: int = SIZE) -> str:
    """The tables for so many organisations of about so many identities each."""
    every = range(1, seeds + 1)
    said = [pair for seed in every for pair in owners_said(written(seed, size // CELLS_A_STYLE))]
    blocks = (*tables([judged(organisation(seed, size)) for seed in every]), *owner_tables(said))
    return "\n\n".join(blocks) + "\n"


def main() -> None:
    """Print the tables, or write them between the markers of a page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks accuracy")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--write", type=Path, metavar="FILE")
    parser.add_argument("--companies", action="store_true", help="only the companies")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--explained", action="store_true")
    parser.add_argument("--examples", type=int, metavar="N")
    options = parser.parse_args()
    if options.examples is not None:
        found = companies.outcomes(COMPANIES_SEED, options.rounds, explained=options.explained)
        print("\n".join(examples(found, options.examples)))
        return
    blocks = [] if options.companies else [(BEGIN, END, report(options.seeds, options.size))]
    told = companies.report_explained if options.explained else companies.report
    blocks.append((COMPANIES_BEGIN, COMPANIES_END, told(COMPANIES_SEED, options.rounds)))
    if options.write is None:
        print("\n".join(block for _, _, block in blocks))
        return
    page = options.write.read_text(encoding="utf-8")
    for block in blocks:
        page = _replaced(page, *block) or parser.error(
            f"{options.write} has no lines {block[0].strip()} and {block[1]}"
        )
    options.write.write_text(page, encoding="utf-8")


def _replaced(page: str, begin: str, end: str, block: str) -> str | None:
    """The page with that block between the markers; None if it has no such markers."""
    before, opening, rest = page.partition(begin)
    _, closing, after = rest.partition(end)
    return f"{before}{begin}{block}{end}{after}" if opening and closing else None


if __name__ == "__main__":
    main()
