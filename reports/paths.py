"""Attack paths for a terminal and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, BinaryIO, TypeAlias

from msgspec import Struct

from reports.base import Screen
from reports.json import encoded, scan_record
from reports.phrases import place
from reports.terminal_page import TerminalPage
from scanner.access.attack_paths import MAKES_ADMIN, AttackPath, Step, outsider
from scanner.access.chokes import Chokes, Cut
from scanner.access.questions import Answer
from scanner.model import Identity, ScanInfo, Trust
from scanner.text import counted

SCHEMA = "muster.paths/1"


class PathAnswer(Struct, frozen=True, kw_only=True):
    """The answer: paths, choke points, or the fewest steps to cut.

    ``names``: of identities by key, with the place if several share a name. ``entrances``: for paths from outside, the
    external trusts of identities by key. ``is_one``: whether the paths begin at a single identity.
    """

    scan: ScanInfo
    names: Mapping[str, str] = {}
    answer: Answer | None = None
    chokes: Chokes | None = None
    cut: Cut | None = None
    entrances: Mapping[str, Sequence[Trust]] = {}
    is_one: bool = True

    @property
    def keys(self) -> frozenset[str]:
        """The identities that it names."""
        paths = () if self.answer is None else self.answer.paths
        steps = () if self.cut is None else self.cut.steps
        named = () if self.chokes is None else self.chokes.chokes
        return frozenset(
            (
                *(key for path in paths for key in path.keys),
                *(key for step in steps for key in (step.source, step.target)),
                *(one.identity for one in named),
            )
        )


def _write_page(found: PathAnswer, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    page = TerminalPage(screen)
    if found.chokes is not None:
        _chokes(page, found, found.chokes)
    if found.cut is not None:
        _cut(page, found, found.cut)
    if found.answer is not None:
        _paths(page, found, found.answer)
    out.write(page.text.encode())
    return ()


def _paths(page: TerminalPage, found: PathAnswer, answer: Answer) -> None:
    for position, path in enumerate(answer.paths):
        if position:
            page.line()
        if not path.steps:
            page.line(f"{_called(found, path.start)} is an admin.", "bold")
            continue
        length = counted(len(path.steps), "step", "steps")
        uncertain = ", under a condition" if path.is_conditional else ""
        page.line(f"{_called(found, path.start)} → {_called(found, path.end)}: {length}{uncertain}", "bold")
        for number, step in enumerate(path.steps, start=1):
            _step_line(page, number, _becomes(found, step))
    notes = list(_notes(found, answer))
    if notes and answer.paths:
        page.line()
    for note in notes:
        page.line(note)


def _notes(found: PathAnswer, answer: Answer) -> Iterable[str]:
    if answer.before is not None:
        what = "identities can still be reached" if found.is_one else "identities still have a path"
        yield f"{answer.total:,} of {answer.before:,} {what}."
    if answer.admins:
        yield counted(answer.admins, "identity is an admin already.", "identities are admins already.")
    if answer.more:
        yield "There are more paths: --max N lists them."
    if answer.bounded:
        yield "The search ended at its limit, so paths may be missing: --max-length N narrows it."


def _chokes(page: TerminalPage, found: PathAnswer, chokes: Chokes) -> None:
    if not chokes.chokes:
        page.line("No identity has a path to an admin.")
        return
    page.line("Others that lose every path to an admin without it:", "bold")
    for choke in chokes.chokes:
        page.line(f"  {choke.loses:>7,}  {_called(found, choke.identity)}")
    if chokes.bounded:
        page.line("The graph is too large to count all: these are counts among the identities nearest to an admin.")


def _cut(page: TerminalPage, found: PathAnswer, cut: Cut) -> None:
    if cut.bounded:
        page.line("Too many steps lie between to find the fewest to cut.")
    elif cut.steps:
        page.line(f"Without {counted(len(cut.steps), 'step', 'steps')}, no path is left:", "bold")
        for number, step in enumerate(cut.steps, start=1):
            _step_line(page, number, f"{_called(found, step.source)} {_becomes(found, step)}")


def _step_line(page: TerminalPage, number: int, text: str) -> None:
    page.item(f"step {number}", [text], first="")


def _becomes(found: PathAnswer, step: Step) -> str:
    condition = " under a condition" if step.conditional else ""
    if step.relation == MAKES_ADMIN:
        holder = "" if step.via == step.target else f" with the rights of {_called(found, step.via)}"
        return f"{_called(found, step.target)} makes itself an admin{holder}{condition}: {step.evidence}"
    return f"becomes {_called(found, step.target)}{condition}: {step.evidence}"


def _called(found: PathAnswer, key: str) -> str:
    return found.names.get(key, key)


def _write_json(found: PathAnswer, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    del screen
    head = {"schema": SCHEMA, "scan": scan_record(found.scan)}
    parts = [encoded(key) + b": " + encoded(value) for key, value in head.items()]
    for key, value in record(found).items():
        rows = isinstance(value, list)
        text = b"[" + b",".join(b"\n" + encoded(one) for one in value) + b"\n]" if rows else encoded(value)
        parts.append(encoded(key) + b": " + text)
    out.write(b"{\n" + b",\n".join(parts) + b"\n}\n")
    return ()


def record(found: PathAnswer) -> dict[str, Any]:
    """The answer as JSON values, the same as in the API. ``cut`` is only present if requested."""
    answer = found.answer or Answer(paths=(), total=0)
    chokes = () if found.chokes is None else found.chokes.chokes
    parts = (one for one in (found.answer, found.chokes, found.cut) if one is not None)
    return {
        "paths": [_path(found, path) for path in answer.paths],
        "chokes": [{"identity": one.identity, "loses": one.loses} for one in chokes],
        **({} if found.cut is None else {"cut": [_step(step) for step in found.cut.steps]}),
        "total": answer.total,
        "total_before": answer.before,
        "admins": answer.admins,
        "more": answer.more,
        "bounded": any(part.bounded for part in parts),
    }


def _path(found: PathAnswer, path: AttackPath) -> Mapping[str, Any]:
    entrance = path.steps[0].target if path.steps and found.entrances else ""
    trusts = (trust for trust in found.entrances.get(entrance, ()) if outsider(trust) == path.start)
    outside = [{"principal": trust.principal, "kind": trust.kind, "evidence": trust.evidence} for trust in trusts]
    return {"steps": [_step(step) for step in path.steps], **({"outside": outside} if outside else {})}


def _step(step: Step) -> Mapping[str, Any]:
    return {
        "from": step.source,
        "to": step.target,
        "relation": step.relation,
        "evidence": step.evidence,
        "conditional": step.conditional,
        **({"via": step.via} if step.via else {}),
    }


Writer: TypeAlias = Callable[[PathAnswer, BinaryIO, Screen], tuple[str, ...]]
"""Writes paths; returns notices about content that was cut."""


def unique_names(identities: Iterable[Identity]) -> Mapping[str, str]:
    """Return names by key; a shared name includes the place, or is replaced by the key if that is shared as well."""
    every = list(identities)
    names = Counter(one.name for one in every)
    placed = {one.key: one.name if names[one.name] == 1 else f"{one.name} ({place(one)})" for one in every}
    again = Counter(placed.values())
    return {key: name if again[name] == 1 else key for key, name in placed.items()}


WRITERS: Mapping[str, Writer] = {"table": _write_page, "json": _write_json}
"""By format."""
