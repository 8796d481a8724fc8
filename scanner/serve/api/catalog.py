"""The operations of the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from scanner.model.decisions import LoggedDecision
from scanner.model.retirement import RetirementAnswer
from scanner.model.reviews import Decision
from scanner.model.served import OwnerDenied, OwnerProposed, QueryDeleted, QuerySaved
from scanner.serve.api import answers, deciding, details, exports, needs, paths, retiring, reviewing, trends, writing
from scanner.serve.api.lists import list_of
from scanner.serve.api.operations import Operation, OperationCall, Reply, Schema, schema_of
from scanner.serve.api.queries import FILE_QUERIES, LIST_QUERIES
from scanner.serve.api.rows import SHOWN
from scanner.serve.index.questions import LIST_NAMES

API = "/api/v1"


def ref(name: str) -> Schema:
    """A component of the description."""
    return {"$ref": f"#/components/schemas/{name}"}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_COUNT: Schema = {"type": "integer", "minimum": 0}


def _page(record: str, **more: Schema) -> Schema:
    """A page: ``next`` is the cursor of the next page, null on the last one."""
    return schema_of(items=_list(ref(record)), total=_COUNT, next=_TEXT_OR_NULL, **more)


def _lists() -> Iterator[Operation]:
    for name in LIST_NAMES:
        shown = SHOWN[name]
        yield Operation(
            method="GET",
            path=f"{API}/{name}",
            name=f"list_{name}",
            summary=f"{shown.title}, filtered and sorted; by default of the latest scan",
            answer=list_of(name),
            query=LIST_QUERIES[name],
            gives=_page(shown.record, scan={"type": "string"}),
            refuses=(404,),
        )
    for name in LIST_NAMES:
        for form, media_type in exports.MEDIA_TYPES.items():
            yield Operation(
                method="GET",
                path=f"/export/{name}.{form}",
                name=f"export_{name}_{form}",
                summary=f"{SHOWN[name].title} as {form.upper()}: all rows that the filters leave",
                answer=exports.file_of(name, form),
                query=FILE_QUERIES[name],
                gives=ref("Scan") if form == "json" else {"type": "string"},
                media_type=media_type,
                refuses=(404, 413) if form == "xlsx" else (404,),
            )


def _one(name: str, path: str, gives: Schema, summary: str, answer: Any, **more: Any) -> Operation:
    return Operation(method="GET", path=f"{API}{path}", name=name, gives=gives, summary=summary, answer=answer, **more)


def _record(of: type[Struct]) -> dict[str, Any]:
    return {"gives": ref(of.__name__), "records": (of,)}


_IDENTITY: Schema = {
    "allOf": [
        ref("IdentityRecord"),
        ref("About"),
        schema_of(
            finding_records=_list(ref("Finding")),
            entry_record={"anyOf": [ref("EntryRecord"), {"type": "null"}]},
            scan={"type": "string"},
        ),
    ]
}
_RETIREMENT: Schema = {"allOf": [ref("RetirementAnswer"), schema_of(scan={"type": "string"})]}
_ACTIVITY: Schema = schema_of(
    key={"type": "string"}, activity={"anyOf": [ref("Activity"), {"type": "null"}]}
)  # fmt: skip


def _details() -> Iterator[Operation]:
    yield _one("me", "/me", summary="Who is signed in", answer=details.me, **_record(answers.Me))
    yield _one(
        "activity", "/activity/{key}", _ACTIVITY, "What an identity did, by audit logs", details.activity,
        query=details.OfScan, refuses=(404,),
    )  # fmt: skip
    yield _one(
        "identity", "/identities/{key}", _IDENTITY, "An identity, with findings, entry and history", details.identity,
        query=details.OfIdentity, records=(answers.About,), refuses=(404,),
    )  # fmt: skip
    yield _one(
        "finding", "/findings/{fingerprint}", ref("Finding"),
        "A finding by its fingerprint, or the first eight or more digits of it", details.finding, refuses=(404, 409),
    )  # fmt: skip
    yield _one(
        "paths", "/paths", paths.PATHS, "Attack paths of the latest scan, shortest first", paths.paths,
        query=paths.PathsQuery, records=(paths.PathNode,), refuses=(404,),
    )  # fmt: skip
    yield _one(
        "choke_points", "/chokes", paths.CHOKES, "Without which identities most others lose every path to an admin",
        paths.choke_points, query=paths.ChokesQuery, records=(paths.PathNode,),
    )  # fmt: skip
    yield _one(
        "list_retirements", "/retirements", summary="Retirements under way, as the latest scan saw them",
        answer=retiring.retirements, **_record(answers.Retirements),
    )  # fmt: skip
    yield _one(
        "retirement", "/retirements/{key}", _RETIREMENT,
        "Who would notice if an identity were switched off, and the plan: as `muster retire -o json:`",
        retiring.answer, query=retiring.RetireQuery, records=(RetirementAnswer,), refuses=(404,),
    )  # fmt: skip
    yield _one(
        "list_scans", "/scans", _page("ScanListed"), "Scans in the store, newest first", details.scans,
        query=details.ScansQuery, records=(answers.ScanListed,),
    )  # fmt: skip
    yield _one(
        "diff", "/scans/{old}/diff/{new}", _page("Change"),
        "What changed between two scans, each by its id, a day or `latest`", details.diff,
        query=details.DiffQuery, refuses=(404,),
    )  # fmt: skip
    yield _one(
        "scan", "/scans/{id}", ref("ScanHead"), "A scan without its records", details.scan,
        refuses=(404,),
    )  # fmt: skip
    yield _one(
        "owners", "/owners", summary="Owners and teams, with their number of identities", answer=details.owners,
        query=details.Most, **_record(answers.Owners),
    )  # fmt: skip
    yield _one(
        "trends", "/trends", trends.GIVES,
        "Orphaned, unregistered, worsened and acknowledged in each scan, of all and by team", trends.trends,
        query=trends.TrendsQuery,
    )  # fmt: skip
    yield _one(
        "list_asked", "/asked", schema_of(items=_list(ref("Finding")), total=_COUNT),
        "Findings with an acknowledgement that waits for a reviewer", writing.waiting,
    )  # fmt: skip
    yield _one(
        "needs", "/needs", summary="What needs the signed-in person, and what they are suggested for",
        answer=needs.needs, gives=ref("Needs"), records=(needs.Needs,),
    )  # fmt: skip
    yield _one(
        "find_people", "/people", schema_of(items=_list(ref("PersonFound"))),
        "Active people and groups whose name or address begins so", writing.people,
        query=writing.PeopleQuery, records=(answers.PersonFound,),
    )  # fmt: skip
    yield _one("list_queries", "/queries", schema_of(items=_list(ref("QuerySaved"))), "Saved queries", writing.queries)
    yield _one(
        "list_reviews", "/reviews", schema_of(items=_list(ref("ReviewListed"))), "Access reviews", reviewing.reviews,
        records=(answers.ReviewListed,),
    )  # fmt: skip
    yield _one(
        "review_items", "/reviews/{name}/items", schema_of(items=_list(ref("ItemListed"))),
        "The items of a review: one's own, or for people who see everything all", reviewing.items,
        records=(answers.ItemListed,), refuses=(404,),
    )  # fmt: skip


def _logged() -> Iterator[Operation]:
    yield _one(
        "list_decisions", "/decisions", schema_of(
            items=_list(ref("LoggedDecision")), count=_COUNT, head={"type": "string"}, next=_TEXT_OR_NULL
        ),
        "What people decided, newest first, for reviewers and viewers", deciding.decisions,
        query=deciding.DecisionsQuery, records=(LoggedDecision,),
    )  # fmt: skip
    yield Operation(
        method="GET",
        path="/export/decisions.csv",
        name="export_decisions_csv",
        summary="The decisions as CSV, oldest first",
        answer=deciding.as_csv,
        query=deciding.OfDecisions,
        gives={"type": "string"},
        media_type="text/csv",
    )


def _writes() -> Iterator[Operation]:
    for path, name, summary, answer, body, gives in (
        (
            "/findings/{fingerprint}/acknowledge", "acknowledge", "Suppress a finding until a day, or ask for that",
            writing.acknowledge, answers.Acknowledge, ref("Finding"),
        ),
        (
            "/findings/{fingerprint}/approve", "approve", "Approve an acknowledgement that an owner asked for",
            writing.approve, answers.Approve, ref("Finding"),
        ),
        (
            "/identities/{key}/owner", "propose_owner", "Propose an owner to the keeper of the registry",
            writing.propose_owner, answers.ProposeOwner, ref("OwnerProposed"),
        ),
        (
            "/identities/{key}/not_mine", "deny_owner", "Say that an identity is not one's own",
            writing.deny_owner, answers.NotMine, ref("OwnerDenied"),
        ),
        (
            "/reviews/{name}/items/{id}/decide", "decide", "Decide an item of an access review",
            reviewing.decide, answers.Decide, ref("Decision"),
        ),
        ("/queries", "save_query", "Save a query", writing.save_query, answers.SaveQuery, ref("QuerySaved")),
    ):  # fmt: skip
        yield Operation(
            method="POST",
            path=f"{API}{path}",
            name=name,
            summary=summary,
            answer=answer,
            body=body,
            gives=gives,
            records=(OwnerProposed, OwnerDenied, Decision, QuerySaved, QueryDeleted),
            status=201,
            refuses=(404, 409),
        )
    for path, name, summary, answer, gives in (
        (
            "/findings/{fingerprint}/acknowledge", "take_back", "Take back one's own acknowledgement",
            writing.take_back, ref("Finding"),
        ),
        (
            "/identities/{key}/owner", "take_back_owner", "Take back what one said about the owner",
            writing.take_back_owner, {"anyOf": [ref("OwnerProposed"), ref("OwnerDenied")]},
        ),
    ):  # fmt: skip
        yield Operation(
            method="DELETE", path=f"{API}{path}", name=name, summary=summary, answer=answer, gives=gives,
            refuses=(404, 409),
        )  # fmt: skip
    yield Operation(
        method="DELETE",
        path=f"{API}/queries/{{id}}",
        name="delete_query",
        summary="Delete one's own saved query",
        answer=writing.delete_query,
        gives=ref("QueryDeleted"),
        refuses=(404,),
    )


def _metrics(call: OperationCall) -> Reply:
    return Reply(body=call.serving.meters.text(), media_type=_EXPOSITION)


_EXPOSITION = "text/plain; version=0.0.4"
METRICS = Operation(
    method="GET",
    path="/metrics",
    name="metrics",
    summary="Counters in the text format of Prometheus",
    answer=_metrics,
    gives={"type": "string"},
    media_type="text/plain",
)

OPERATIONS: tuple[Operation, ...] = (*_lists(), *_details(), *_logged(), *_writes(), METRICS)
"""In order of precedence: the first operation that matches an address answers."""
