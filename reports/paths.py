"""Attack paths for a terminal and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, BinaryIO, TypeAlias

from msgspec import Struct

from reports.base import Screen
from reports.json import encoded, scan_record
from reports.page import Page
from reports.phrases import place
from scanner.access.attack_paths import AttackPath, Choke
from scanner.model import Identity, ScanInfo, Trust
from scanner.text import counted

SCHEMA = "muster.paths/1"


class Found(Struct, frozen=True, kw_only=True):
    """What was asked for: paths, shortest first, or choke points.

    ``names``: of identities, by key, with the place where several have one. ``entrances``: by key of identities that
    external principals can become, the trusts. ``more``: whether there are further paths than those listed.
    """

    scan: ScanInfo
    names: Mapping[str, str]
    paths: Sequence[AttackPath] = ()
    chokes: Sequence[Choke] | None = None
    entrances: Mapping[str, Sequence[Trust]] = {}
    more: bool = False


def _write_page(found: Found, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    page = Page(screen)
    if found.chokes is not None:
        _chokes(page, found, found.chokes)
    for position, path in enumerate(found.paths):
        if position:
            page.line()
        first, last = path.keys[0], path.keys[-1]
        length = counted(len(path.steps), "step", "steps")
        uncertain = ", under a condition" if any(step.conditional for step in path.steps) else ""
        page.line(f"{_called(found, first)} → {_called(found, last)}: {length}{uncertain}", "bold")
        for trust in found.entrances.get(first, ()):
            page.item("outside", [f"{trust.kind} {trust.principal}: {trust.evidence}"], first="")
        for number, step in enumerate(path.steps, start=1):
            condition = " under a condition" if step.conditional else ""
            page.item(
                f"step {number}", [f"becomes {_called(found, step.target)}{condition}: {step.evidence}"], first=""
            )
    if found.more:
        page.line()
        page.line("There are more paths: --max N lists them.")
    out.write(page.text.encode())
    return ()


def _chokes(page: Page, found: Found, chokes: Sequence[Choke]) -> None:
    if not chokes:
        page.line("No identity has a path to an admin.")
        return
    page.line("Without it, so many others lose every path to an admin:", "bold")
    for choke in chokes:
        page.line(f"  {choke.loses:>7,}  {_called(found, choke.identity)}")


def _called(found: Found, key: str) -> str:
    return found.names.get(key, key)


def _write_json(found: Found, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
    del screen
    head: dict[str, Any] = {"schema": SCHEMA, "scan": scan_record(found.scan)}
    out.write(b"{\n" + b"".join(encoded(key) + b": " + encoded(value) + b",\n" for key, value in head.items()))
    paths = b",".join(b"\n" + encoded(_path(found, path)) for path in found.paths)
    chokes = b",".join(b"\n" + encoded({"identity": one.identity, "loses": one.loses}) for one in found.chokes or ())
    out.write(b'"paths": [' + paths + b'],\n"chokes": [' + chokes + b"]\n}\n")
    return ()


def _path(found: Found, path: AttackPath) -> Mapping[str, Any]:
    steps = [
        {
            "from": step.source,
            "to": step.target,
            "relation": step.relation,
            "evidence": step.evidence,
            "conditional": step.conditional,
        }
        for step in path.steps
    ]
    trusts = found.entrances.get(path.keys[0], ())
    outside = [{"principal": trust.principal, "kind": trust.kind, "evidence": trust.evidence} for trust in trusts]
    return {"steps": steps, **({"outside": outside} if outside else {})}


Writer: TypeAlias = Callable[[Found, BinaryIO, Screen], tuple[str, ...]]
"""Writes paths; returns notices about content that was cut."""


def unique_names(identities: Iterable[Identity]) -> Mapping[str, str]:
    """Return names by key; names that several identities have come with their place, or are keys where that is one."""
    every = list(identities)
    names = Counter(one.name for one in every)
    placed = {one.key: one.name if names[one.name] == 1 else f"{one.name} ({place(one)})" for one in every}
    again = Counter(placed.values())
    return {key: name if again[name] == 1 else key for key, name in placed.items()}


WRITERS: Mapping[str, Writer] = {"table": _write_page, "json": _write_json}
"""By format."""
