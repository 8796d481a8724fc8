"""The panel of one subject: the tables of the report, over the part of a scan that it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import Any, TypeAlias

from msgspec.structs import replace

from reports.html.identities import Whole
from reports.html.packing import minutes, table
from reports.html.payload import table_blocks
from scanner.access.attack_paths import AttackGraph
from scanner.model import Assessment, Coverage, Link, ScanResult
from scanner.serve.answers import Refusal
from scanner.serve.api.details import NO_SUCH, find_finding, find_identity, retirements_of
from scanner.serve.api.needs import suggestion_of
from scanner.serve.api.operations import OperationCall
from scanner.serve.api.rows import with_facts
from scanner.serve.graphs import GRAPHS, loaded
from scanner.serve.index.lists import LISTS
from scanner.serve.index.questions import IndexQuestion, ListName
from scanner.serve.index.reading import ScanIndex
from scanner.serve.page.acting import actions_of, identity_of
from scanner.store.records import Records

_MOST_EACH_WAY = 100
"""Maximum number of identities in a panel that the subject can become, and that can become it."""
_MOST_AROUND = 300
"""Maximum number of identities around the subject."""
_MOST_ROWS = 1_000
_NOT_FOUND = 404

Tables: TypeAlias = dict[str, Any]
"""Packed tables by name."""
_Part: TypeAlias = tuple[ScanResult, Tables]
"""A part of a scan, and tables that replace its own."""


def panel(call: OperationCall, kind: str, key: str, index: ScanIndex) -> dict[str, Any]:
    """``{"tables", "now", "since", "extra"}``. Raises Refusal if there is nothing that the viewer may see."""
    read = _KINDS.get(kind)
    if read is None:
        raise Refusal(404, "there is no such kind")
    with call.serving.store.records(index.scan) as records:
        try:
            part, tables = read(_PanelReading(call, records, index), key)
        except Refusal as refusal:
            return _unseen(call, records, kind, key, refusal)
    part = with_facts(call.visible, part)
    packed = table_blocks(part, _known(call, index, part))
    return {
        "tables": {name: one for block in packed.values() for name, one in block.items()} | tables,
        "now": minutes(part.scan.started_at),
        "since": {"at": minutes(call.serving.store.started_before(index.scan))},
        "extra": _extra(call, kind, part, index),
    }


def _unseen(call: OperationCall, records: Records, kind: str, key: str, refusal: Refusal) -> dict[str, Any]:
    """What stands for a subject that the viewer does not see: a suggestion, or whom to ask. No more than that.

    It is the same whether there is such a subject or not. Raises the refusal for people who see everything.
    """
    if refusal.status != _NOT_FOUND or call.visible.is_everything:
        raise refusal
    found = records.identities([key]) if kind == "identity" else ()
    suggestion = suggestion_of(call, found[0]) if found else None
    if suggestion is None:
        raise Refusal(404, str(refusal), hint=f"ask {call.visible.keepers}")
    said = identity_of(call, found[0], with_history=False)
    return {"suggestion": suggestion, "extra": said | {"left": ()}}


def _known(call: OperationCall, index: ScanIndex, part: ScanResult) -> Whole:
    """Facts from the whole scan about the part, if it is the latest; none for an older scan."""
    graph = _graph(call, index)
    if graph is None:
        return Whole(radius_of=lambda _: None, conditional={})
    keys = [one.identity.key for one in part.identities]
    is_about_one = bool(keys) and not part.entries and call.visible.is_everything
    radius = call.serving.store.blast_radius(keys[0]) if is_about_one else None
    return Whole(
        radius_of=lambda of: radius if of == keys[0] else None,
        conditional=_conditional(graph, keys),
    )


def _graph(call: OperationCall, index: ScanIndex) -> AttackGraph | None:
    if index is not call.serving.catalog.latest():
        return None
    return loaded(GRAPHS.begin(call.serving.store, index.scan))


def _extra(call: OperationCall, kind: str, part: ScanResult, index: ScanIndex) -> dict[str, Any]:
    """The parts of the panel that the report does not have: what the viewer may do, and what people said."""
    subject = part.identities[0] if part.identities and kind in ("identity", "finding") else None
    extra: dict[str, Any] = {"actions": actions_of(call, part.findings)}
    if subject is not None:
        extra |= identity_of(call, subject, with_history=kind == "identity")
    if kind == "identity":
        is_latest = index is call.serving.catalog.latest()
        extra["retirements"] = retirements_of(call, part.identities[0].identity.key) if is_latest else None
    return extra | {"left": call.serving.lists.gone(_named(part, extra))}


def _named(part: ScanResult, extra: Mapping[str, Any]) -> Iterator[str]:
    """The people whom the panel names."""
    for one in part.identities:
        yield from filter(None, (one.ownership.owner, *(who.person for who in one.ownership.candidates)))
    for entry in part.entries:
        yield from (*entry.entry.owner, *entry.entry.technical_owner, *entry.entry.backup_owner)
    for finding in part.findings:
        given = (finding.acknowledged, finding.asked)
        yield from filter(None, (finding.owner, *(one.by for one in given if one is not None)))
    for said in (*extra.get("proposals", ()), *extra.get("denials", ())):
        yield from filter(None, (said.by, getattr(said, "owner", None)))


class _PanelReading:
    """Reads the part of a scan that a subject needs."""

    def __init__(self, call: OperationCall, records: Records, index: ScanIndex) -> None:
        self.call = call
        self.records = records
        self.index = index

    # --- subjects ---

    def identity(self, key: str) -> _Part:
        held = find_identity(self.call, self.records, key)
        return self._about(held.assessment), {}

    def finding(self, digits: str) -> _Part:
        found = self.records.findings([digits])
        (finding,) = self.call.visible.findings(found) or (find_finding(self.call, digits),)
        subject = self._seen(self.records.identities([finding.identity])) if finding.identity else ()
        part = self._about(subject[0]) if subject else self.records.frame
        others = tuple(one for one in part.findings if one.fingerprint != finding.fingerprint)
        return replace(part, findings=(finding, *others), coverage=self._gaps(subject)), {}

    def entry(self, entry: str) -> _Part:
        (judged,) = self.call.visible.entries(self.records.entries([entry])) or (None,)
        if judged is None:
            raise Refusal(404, NO_SUCH.format("entry"))
        named = [*judged.identities, *(one.identity for one in judged.candidates)][:_MOST_ROWS]
        about = [key for key, row in self._rows("findings", entry) if row["entry"] == entry]
        return (
            replace(
                self.records.frame,
                entries=(judged,),
                identities=self._seen(self.records.identities(named)),
                findings=self.records.findings(about),
                coverage=(),
            ),
            {},
        )

    def secret(self, key: str) -> _Part:
        self._require_all("secret")
        secrets = self.records.secrets([key])
        if not secrets:
            raise Refusal(404, NO_SUCH.format("secret"))
        return replace(self.records.frame, secrets=secrets, coverage=()), {}

    def reading(self, place: str) -> _Part:
        self._require_all("section")
        frame = self.records.frame
        found = tuple(one for one in frame.coverage if f"{one.source} {one.scope} {one.section}" == place)
        if not found:
            raise Refusal(404, NO_SUCH.format("section"))
        return replace(frame, coverage=found), {}

    def changed(self, key: str) -> _Part:
        rows = [row for of, row in self._rows("changes", key) if of == key]
        if not rows:
            raise Refusal(404, NO_SUCH.format("change"))
        subject = next((row["identity"] for row in rows if row["identity"]), key)
        found = self._seen(self.records.identities([subject]))
        changes = table({name: itemgetter(name) for name in LISTS["changes"].columns}, rows)
        return (self._about(found[0]) if found else self._bare()), {"changes": changes}

    # --- surroundings ---

    def _about(self, judged: Assessment) -> ScanResult:
        around = (judged, *self._around(judged))
        findings = self.records.findings(judged.findings)
        return replace(
            self.records.frame,
            identities=around,
            findings=findings,
            first_seen=self.records.first_seen([judged.identity.key]),
            coverage=self._gaps([judged]),
        )

    def _bare(self) -> ScanResult:
        return replace(self.records.frame, coverage=())

    def _gaps(self, judged: Iterable[Assessment]) -> tuple[Coverage, ...]:
        places = {(one.identity.source, one.identity.scope) for one in judged}
        return self.call.visible.gaps_around(self.records.frame, places)

    def _around(self, judged: Assessment) -> Sequence[Assessment]:
        """The identities that it is linked with, those that can become it, and those on its path to an admin."""
        keys = dict.fromkeys(chain(self._reachable(judged.identity.key), _linked(judged)))
        keys.pop(judged.identity.key, None)
        return self._seen(self.records.identities(list(keys)[:_MOST_AROUND]))

    def _reachable(self, key: str) -> Iterable[str]:
        graph = _graph(self.call, self.index)
        return () if graph is None else _keys_around(graph, key)

    def _seen(self, found: Sequence[Assessment]) -> tuple[Assessment, ...]:
        """The identities that the viewer may see; keys of others stay as text."""
        return self.call.visible.identities(found)

    def _rows(self, name: ListName, words: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        question = self.call.visible.question(self.index, IndexQuestion(list=name, text=words[:500]))
        page = self.index.page(question, limit=_MOST_ROWS)
        return zip(page.keys, page.rows, strict=True)

    def _require_all(self, what: str) -> None:
        if not self.call.visible.is_everything:
            raise Refusal(404, NO_SUCH.format(what))


def _linked(judged: Assessment) -> Iterator[str]:
    yield from (link.target for link in judged.identity.links)
    if judged.activity is not None:
        yield from judged.activity.assumed_by


_KINDS: Mapping[str, Callable[[_PanelReading, str], _Part]] = {
    "identity": _PanelReading.identity,
    "finding": _PanelReading.finding,
    "entry": _PanelReading.entry,
    "secret": _PanelReading.secret,
    "reading": _PanelReading.reading,
    "changed": _PanelReading.changed,
}


# --- the attack graph around an identity ---


def _keys_around(graph: AttackGraph, key: str) -> Iterator[str]:
    """Keys on the shortest path to an admin, and the nearest that it can become and that can become it."""
    to_admin = next(iter(graph.ways_to_admin(key, 1)[0]), None) if key in graph.numbers else None
    onward, back = graph.reached((key,)), graph.reached((key,), back=True)
    return chain(to_admin.keys if to_admin else (), islice(onward, _MOST_EACH_WAY), islice(back, _MOST_EACH_WAY))


def _conditional(graph: AttackGraph, keys: Sequence[str]) -> dict[str, list[Link]]:
    """Conditional edges among these, by key."""
    among = frozenset(keys)
    pairs = [
        (source, target)
        for source in keys
        for target in graph.neighbours(source)
        if target in among and graph.edges.is_conditional(graph.numbers[source], graph.numbers[target])
    ]
    found: dict[str, list[Link]] = {}
    for step in graph.steps(pairs):
        link = Link(relation="can_assume", target=step.target, evidence=step.evidence)
        found.setdefault(step.source, []).append(link)
    return found
