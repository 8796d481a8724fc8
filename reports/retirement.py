"""Who would notice, and the plan: for a terminal, and as Markdown, JSON, CSV and XLSX; and what is under way."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, TypeAlias

from msgspec import Struct
from msgspec.structs import asdict

from reports.base import Screen
from reports.json import encoded, scan_record
from reports.tables import Column, markdown_table, write_csv
from reports.terminal_page import TerminalPage
from reports.xlsx.workbook import WorkbookCounts, new_workbook
from scanner.model import ScanInfo
from scanner.model.retirement import (
    RETIRE_VERDICTS,
    Dependent,
    DependentKind,
    RetirementAnswer,
    RetirementFollowed,
    RetirementState,
    RetireVerdict,
    StagePlan,
)
from scanner.rules.wording import words
from scanner.text import counted, markdown_text, printable

SCHEMA = "muster.retirement/1"
_NO_DEPENDENTS: Mapping[RetireVerdict, str] = {
    "safe": "Nobody who would notice was found in what was read.",
    "unknown": "Nobody who would notice was found in what was read.",
    "in_use": "It is used, but who uses it was not found in what was read.",
}
_SAYS: Mapping[RetireVerdict, str] = {
    "safe": "Safe to switch off: every kind of use was recorded for the whole window, and there was none.",
    "in_use": "In use: somebody would notice.",
    "unknown": "Unknown: not all that could use it was seen.",
}
_LABELS: Mapping[DependentKind, str] = {
    "caller": "callers",
    "host": "hosts",
    "workload": "workloads",
    "agent": "agents",
    "workflow": "workflows",
    "federated": "federated",
    "stored_copy": "copies",
    "becomes": "become it",
    "only_it": "only it",
}


class Retirable(Struct, frozen=True, kw_only=True):
    """What is written. ``single``: the question was about one identity, so that its answer is the document."""

    answers: tuple[RetirementAnswer, ...]
    single: bool


Writer: TypeAlias = Callable[[Retirable, ScanInfo, BinaryIO, Screen], tuple[str, ...]]
"""Writes the answers; returns notices about content that was cut."""


def _named(one: RetirementAnswer) -> str:
    held = "" if one.credential is None else f", {one.credential.rpartition('#')[2].replace(':', ' ')}"
    return f"{one.name}{held}"


def _window(one: RetirementAnswer) -> str:
    days = counted(one.window_days, "day", "days")
    return f"Looked at {days}, {one.window_from} to {one.window_to}."


# --- A terminal ---


def _write_page(told: Retirable, scan: ScanInfo, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    page = TerminalPage(screen)
    if told.single:
        _one_page(page, told.answers[0])
    else:
        _many(page, told.answers)
    page.line()
    page.line(_as_of(scan))
    out.write(page.text.encode())
    return ()


def _as_of(scan: ScanInfo) -> str:
    return f"As of the scan of {scan.started_at:%Y-%m-%d %H:%M}. Muster changes nothing: the commands are yours to run."


def _one_page(page: TerminalPage, one: RetirementAnswer) -> None:
    page.line(one.identity, "bold")
    page.item("verdict", [_SAYS[one.verdict], *one.because])
    page.item("window", [_window(one), *map(_coverage_line, one.coverage)], first="")
    for kind, label in _LABELS.items():
        lines = [f"{each.what}: {each.evidence} ({each.source})" for each in one.dependents if each.kind == kind]
        if lines:
            page.item(label, lines, first="")
    if not one.dependents:
        page.item("users", [_NO_DEPENDENTS[one.verdict]], first="")
    if one.unread:
        page.item("not read", one.unread, first="")
    if one.to_know:
        page.item("to know", one.to_know, first="")
    for number, stage in enumerate(one.plan, 1):
        page.heading(f"{number}. {stage.stage}")
        _add_stage(page, stage)
    if one.terraform is not None:
        page.heading("Terraform")
        _add_script(page, one.terraform.rstrip().splitlines())
    page.line()
    page.hint("Begin, and let scans follow it", f"muster retire {shlex.quote(one.identity)} --start")


def _add_stage(page: TerminalPage, stage: StagePlan) -> None:
    for text in stage.says:
        page.line(text)
    _add_script(page, stage.commands)
    if stage.undo:
        page.line("The way back:")
        _add_script(page, stage.undo)


def _add_script(page: TerminalPage, commands: Iterable[str]) -> None:
    for command in commands:
        page.command(command)


def _coverage_line(one: Any) -> str:
    return f"{one.use} ({one.source}): {'complete' if one.whole else 'not complete'}, {one.detail}"


def _many(page: TerminalPage, answers: Sequence[RetirementAnswer]) -> None:
    numbers = {verdict: sum(one.verdict == verdict for one in answers) for verdict in RETIRE_VERDICTS}
    said = ", ".join(f"{number:,} {words(verdict)}" for verdict, number in numbers.items())
    page.line(f"{counted(len(answers), 'identity', 'identities')}: {said}.", "bold")
    for one in page.shown(answers):
        page.item(words(one.verdict), [_named(one), one.identity, *one.because[:2], _next(one)])
    page.more(len(answers), "muster retire --view abandoned -o csv:retire.csv")


def _next(one: RetirementAnswer) -> str:
    return one.to_know[0] if one.to_know else f"Begin: muster retire {shlex.quote(one.identity)} --start"


# --- Files ---


def _write_markdown(told: Retirable, scan: ScanInfo, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    del screen
    if told.single:
        out.write("".join(_markdown(told.answers[0], scan)).encode())
        return ()
    out.write(f"# Who would notice\n\n{markdown_text(_as_of(scan))}\n\n".encode())
    if told.answers:
        out.write(markdown_table(_COLUMNS, told.answers).encode())
    return ()


def _markdown(one: RetirementAnswer, scan: ScanInfo) -> Iterator[str]:
    yield f"# Retire {markdown_text(_named(one))}\n\n"
    yield f"**{markdown_text(_SAYS[one.verdict])}**\n\n"
    yield f"{markdown_text(one.identity)}. {markdown_text(_window(one))} {markdown_text(_as_of(scan))}\n\n"
    yield from _bullets("", one.because)
    yield from _bullets("What was recorded", map(_coverage_line, one.coverage))
    if one.dependents:
        yield "## Who would notice\n\n"
        yield markdown_table(_OF_DEPENDENTS, one.dependents) + "\n"
    yield from _bullets("What was not read", one.unread)
    yield from _bullets("The shortest way to know", one.to_know)
    yield "## The plan\n\n"
    for stage in one.plan:
        yield f"### {stage.stage}\n\n"
        yield from _bullets("", stage.says)
        yield from _fenced("sh", stage.commands)
        if stage.undo:
            yield "The way back:\n\n"
            yield from _fenced("sh", stage.undo)
    if one.terraform is not None:
        yield "### Terraform\n\n"
        yield from _fenced("hcl", (one.terraform.rstrip(),))


def _bullets(title: str, texts: Iterable[str]) -> Iterator[str]:
    lines = [f"- {markdown_text(text)}\n" for text in texts]
    if lines:
        yield f"## {title}\n\n" if title else ""
        yield "".join(lines) + "\n"


def _fenced(language: str, lines: Sequence[str]) -> Iterator[str]:
    """A block of code; its fence is longer than any in it."""
    if not lines:
        return
    text = "\n".join("\n".join(printable(part) for part in line.splitlines()) for line in lines)
    fence = "`" * max(3, 1 + max((len(run) for run in text.split("\n") if set(run) == {"`"}), default=0))
    yield f"{fence}{language}\n{text}\n{fence}\n\n"


def _told(one: Dependent) -> str:
    return f"{one.kind}: {one.what}"


_Col: TypeAlias = Column[RetirementAnswer]
_OF_DEPENDENTS: tuple[Column[Dependent], ...] = (
    Column("kind", lambda r: words(r.kind), ""),
    Column("what", lambda r: r.what, ""),
    Column("evidence", lambda r: r.evidence, ""),
    Column("source", lambda r: r.source, ""),
    Column("date", lambda r: None if r.at is None else f"{r.at:%Y-%m-%d %H:%M}", ""),
)
_COLUMNS: tuple[_Col, ...] = (
    Column("identity", lambda r: r.identity, "The key of the identity.", 50),
    Column("name", lambda r: r.name, "Its name.", 26),
    Column("kind", lambda r: r.kind, "Its kind.", 16),
    Column("owner", lambda r: r.owner, "The owner, or who to ask.", 26),
    Column("verdict", lambda r: r.verdict, "safe, unknown or in_use.", 10),
    Column("privilege", lambda r: r.privilege, "The risk that ends with it.", 12),
    Column("because", lambda r: "; ".join(r.because), "The reasons of the verdict.", 60),
    Column(
        "dependents", lambda r: "; ".join(f"{one.kind}: {one.what}" for one in r.dependents), "Who would notice.", 60
    ),
    Column("to_know", lambda r: "; ".join(r.to_know) or None, "The shortest way to know.", 50),
)


def _write_csv(told: Retirable, scan: ScanInfo, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    del scan, screen
    write_csv(_COLUMNS, told.answers, out)
    return ()


def _write_xlsx(told: Retirable, scan: ScanInfo, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    del screen
    lines = [("Who would notice", "title"), (_as_of(scan), "plain")]
    verdicts = [("verdict", words(one), sum(each.verdict == one for each in told.answers)) for one in RETIRE_VERDICTS]
    with new_workbook(out, title="Retire", created=scan.finished_at) as workbook:
        workbook.add_summary(lines, (WorkbookCounts("By verdict", ("", "verdict", "identities"), verdicts),))
        workbook.add_table("Retire", _COLUMNS, lambda: told.answers)
    return workbook.notices


def _write_json(told: Retirable, scan: ScanInfo, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    del screen
    head = {"schema": SCHEMA, "scan": scan_record(scan)}
    if told.single:
        out.write(encoded({**head, **_published(told.answers[0])}) + b"\n")
        return ()
    out.write(b"{\n" + b"".join(encoded(key) + b": " + encoded(value) + b",\n" for key, value in head.items()))
    out.write(b'"identities": [' + b",".join(b"\n" + encoded(_published(one)) for one in told.answers) + b"\n]\n}\n")
    return ()


def _published(one: RetirementAnswer) -> dict[str, Any]:
    return {**asdict(one), "plan": [_stage(stage) for stage in one.plan]}


def _stage(stage: StagePlan) -> dict[str, Any]:
    return {"stage": stage.stage, "commands": stage.commands, "undo": stage.undo, "says": stage.says}


WRITERS: Mapping[str, Writer] = {
    "table": _write_page,
    "markdown": _write_markdown,
    "json": _write_json,
    "csv": _write_csv,
    "xlsx": _write_xlsx,
}
"""By format."""


# --- What is under way ---


ListWriter: TypeAlias = Callable[[Sequence[RetirementFollowed], ScanInfo, BinaryIO, Screen], tuple[str, ...]]


def _list_page(states: Sequence[RetirementFollowed], scan: ScanInfo, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    page = TerminalPage(screen)
    page.line(f"{counted(len(states), 'retirement', 'retirements')} under way.", "bold")
    for one in states:
        page.item(one.stage or "begun", _state_lines(one))
        _add_script(page, one.next.commands)
        if one.screams and one.next.way_back:
            page.line("The way back:")
            _add_script(page, one.next.way_back)
    page.line()
    page.line(f"As of the scan of {scan.started_at:%Y-%m-%d %H:%M}.")
    out.write(page.text.encode())
    return ()


def _state_lines(one: RetirementFollowed) -> Iterator[str]:
    yield one.name
    yield one.credential or one.identity
    yield f"begun {one.started_at:%Y-%m-%d} by {one.by}, waits {counted(one.wait_days, 'day', 'days')}"
    if one.stage_since is not None:
        yield f"{one.stage} since {one.stage_since:%Y-%m-%d %H:%M}"
    yield heard(one)
    for scream in one.screams:
        yield f"refused {scream.at:%Y-%m-%d %H:%M}: {scream.caller or 'unknown'} from {scream.host or 'unknown'}"
    yield from one.next.says


def heard(one: RetirementState) -> str:
    """Whether somebody was refused, as far as logs tell."""
    if one.heard_at is not None:
        return f"refused last at {one.heard_at:%Y-%m-%d %H:%M}: somebody calls"
    if one.is_heard:
        return "no refused call was heard"
    return "whether somebody is refused is unknown: no log that would name it is read"


def _list_json(states: Sequence[RetirementFollowed], scan: ScanInfo, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    del screen
    head = {"schema": SCHEMA, "scan": scan_record(scan)}
    out.write(encoded({**head, "retirements": [asdict(one) for one in states]}) + b"\n")
    return ()


LIST_WRITERS: Mapping[str, ListWriter] = {"table": _list_page, "json": _list_json}
"""What is under way, by format."""
