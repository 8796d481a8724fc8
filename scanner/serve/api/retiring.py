"""Retirements under way, and who would notice if an identity were switched off. Nothing is begun or ended here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict, replace

from reports.json import encoded
from scanner.app.retirements import under_way
from scanner.app.retiring import WAIT_DAYS, WINDOW_DAYS, Question, Retiring, Target
from scanner.model import Assessment, ScanResult
from scanner.model.retirement import Dependent, DependentKind
from scanner.serve.answers import Refusal
from scanner.serve.api.answers import Retirements
from scanner.serve.api.details import NO_SUCH, find_identity
from scanner.serve.api.lists import index_of
from scanner.serve.api.operations import OperationCall, Reply
from scanner.serve.api.queries import given
from scanner.serve.graphs import USES, loaded
from scanner.text import counted

_MOST_DAYS = 3_650


class RetireQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The question who would notice."""

    window: Annotated[int, Meta(ge=1, le=_MOST_DAYS, description="How many days back nobody used it.")] = WINDOW_DAYS
    credential: (
        Annotated[str, Meta(min_length=1, max_length=2_000, description="The key of one of its credentials.")]
        | UnsetType
    ) = UNSET


def retirements(call: OperationCall) -> Reply:
    """The retirements under way that the viewer may see."""
    store = call.serving.store
    with store.records(index_of(call, None).scan) as records:
        scan = records.frame.scan
    found = call.visible.retirements(under_way(store, scan))
    return Reply(body=encoded(Retirements(retirements=found, scan=scan.id)))


def answer(call: OperationCall) -> Reply:
    """Who would notice if an identity were switched off, with the plan: what ``muster retire -o json:`` gives."""
    key, store = call.path["key"], call.serving.store
    scan = index_of(call, None).scan
    with store.records(scan) as records:
        judged = find_identity(call, records, key).assessment
        leaks = frozenset(one.place for one in records.exposures() if one.identity == key)
    named = given(call.query.credential)
    credential = next((one for one in judged.identity.credentials if one.key == named), None)
    if named is not None and credential is None:
        raise Refusal(404, NO_SUCH.format("credential"), field="credential")
    known = loaded(USES.begin(store, scan, store.activity.mark()))
    question = Question(
        window_days=call.query.window,
        wait_days=WAIT_DAYS,
        now=call.serving.clock(),
        shown=partial(_shown, call, judged, leaks),
    )
    if not call.visible.is_everything:
        known = replace(known, result=_narrowed(call, known.result, judged))
    ((told, _),) = Retiring(store, question, known).answers([Target(judged=judged, credential=credential)])
    return Reply(body=encoded({**asdict(told), "scan": scan}))


# --- what a person who does not see everything may read of others ---

_ITS_OWN: frozenset[DependentKind] = frozenset({"caller", "host", "federated", "only_it"})
"""Kinds that are in the record of the identity itself, or in its activity."""
_ELSEWHERE = "a place that you may not see"


def _narrowed(call: OperationCall, result: ScanResult, judged: Assessment) -> ScanResult:
    """The scan with gaps elsewhere, which may hide what is bound to the identity, without their places."""
    identity = judged.identity
    own = call.visible.gaps_around(result, {(one, identity.scope) for one in (identity.source, *identity.sources)})
    kept = (one if not one.is_gap or one in own else replace(one, scope=_ELSEWHERE) for one in result.coverage)
    return replace(result, coverage=tuple(kept))


def _shown(
    call: OperationCall, judged: Assessment, leaks: frozenset[str], found: Sequence[Dependent]
) -> Sequence[Dependent]:
    """The dependents that the viewer may see, and for those of a kind that they may not, one that counts them.

    ``leaks``: the places of its exposed keys, which are in its record, too.
    """
    if call.visible.is_everything:
        return found
    own = {*leaks, *judged.consumers, *(link.target for link in judged.identity.links)}
    own |= call.visible.keys(one.what for one in found)
    hidden: dict[DependentKind, list[Dependent]] = {}
    for one in found:
        if one.kind not in _ITS_OWN and one.what not in own:
            hidden.setdefault(one.kind, []).append(one)
    left = (one for one in found if one not in hidden.get(one.kind, ()))
    return (*left, *(_counted(call, kind, some) for kind, some in hidden.items()))


def _counted(call: OperationCall, kind: DependentKind, some: Sequence[Dependent]) -> Dependent:
    return Dependent(
        kind=kind,
        what=f"{counted(len(some), 'thing', 'things')} that you may not see",
        evidence=f"ask {call.visible.keepers}",
        source=some[0].source,
        at=max((one.at for one in some if one.at is not None), default=None),
        starts=any(one.starts for one in some),
    )
