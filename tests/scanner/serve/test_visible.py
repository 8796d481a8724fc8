"""The gate by person: every route and every format, asked by everybody, of every scan."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import httpx
import pytest
from msgspec.structs import replace

from scanner.app.reviews import open_review, people_of
from scanner.model import (
    EntryAssessment,
    IdentityCandidate,
    MatchCandidate,
    Ownership,
    OwnershipVerdict,
    RegistryVerdict,
    ScanResult,
    StoredSecret,
)
from scanner.model.decisions import Actor
from scanner.model.retirement import RetirementStarted
from scanner.model.reviews import Review
from scanner.model.served import OwnerProposed, QuerySaved
from scanner.model.summary import summarise
from scanner.registry.roster import Roster
from scanner.serve.api.catalog import OPERATIONS
from scanner.serve.api.exports import MEDIA_TYPES
from scanner.serve.app import create_app
from scanner.serve.entrance import SIGN_OUT
from scanner.serve.index.questions import LIST_NAMES
from scanner.serve.oidc import CALLBACK
from scanner.serve.page.routes import DATA
from scanner.store.store import open_store
from tests.factories import (
    NOW,
    make_assessment,
    make_coverage,
    make_credential,
    make_entry,
    make_exposure,
    make_finding,
    make_identity,
    make_person,
    make_result,
)
from tests.scanner.serve.served import Served

OWNER, FORMER, REVIEWER, VIEWER, STRANGER = (
    f"{name}@acme.example" for name in ("ada", "fred", "rita", "cyd", "sam")
)  # fmt: skip
OTHER = "zz-boss@acme.example"
PEOPLE = "email,name,status\n" + "".join(
    f"{email},{email.partition('@')[0]},active\n" for email in (OWNER, FORMER, REVIEWER, VIEWER, STRANGER, OTHER)
)
CONFIG = f"""
[serve]
user_header = "X-Person"
proxies = ["127.0.0.1"]
viewers = ["{VIEWER}"]
reviewers = ["{REVIEWER}"]
"""
SCANS = ("first", "second", "third")
OTHERS = 137
"""Identities of others, each with a finding, an entry and a section: numbers that occur nowhere else."""
HIDDEN = "zz-"
"""The beginning of every name of others."""
MINE = ("yy-kept", "yy-given", "yy-late")
"""What the owner has in the latest scan. The second was the former owner's; the third is new."""
GONE = "yy-gone"
"""Was the owner's, and is no longer there."""


def _owned(name: str, owner: str, **more: Any) -> Any:
    identity = make_identity(name, credentials=(make_credential(name, f"{name}-key"),))
    verdict = RegistryVerdict(
        state="registered",
        entry=f"{name}-entry",
        rung="key",
        evidence="named",
        candidates=(MatchCandidate(entry="zz-1-entry", score=0.9, evidence="zz-alike"),),
    )
    return make_assessment(
        identity,
        registry=verdict,
        ownership=OwnershipVerdict(state="owned", owner=owner, evidence="active"),
        findings=(_fingerprint(name),),
        **more,
    )


def _fingerprint(name: str) -> str:
    return name.encode().hex().ljust(32, "0")[:32]


def _scan(number: int, mine: Mapping[str, str]) -> ScanResult:
    """A scan: what is somebody's by name, and what others have."""
    everyone = {**mine, **{f"{HIDDEN}{at}": OTHER for at in range(OTHERS + number)}}
    assessments = [_owned(name, owner) for name, owner in everyone.items()]
    keys = {name: one.identity.key for name, one in zip(everyone, assessments, strict=True)}
    entries = tuple(
        EntryAssessment(
            entry=make_entry(keys[name], id=f"{name}-entry", name=f"{name}-declared", owner=(owner,)),
            state="found",
            identities=(keys[name],),
            candidates=(IdentityCandidate(identity=keys["zz-1"], score=0.9, evidence="zz-alike"),),
        )
        for name, owner in everyone.items()
    )
    findings = tuple(
        make_finding(
            fingerprint=_fingerprint(name),
            rule="key_too_old",
            severity="high",
            identity=keys[name],
            title=f"{name}-old",
        )
        for name in everyone
    )
    result = make_result(
        *sorted(assessments, key=lambda one: one.identity.key),
        findings=findings,
        entries=entries,
        secrets=(StoredSecret(key="zz-secret", provider="aws", source="prod", scope="zz-scope", name="zz-password"),),
        exposures=tuple(
            make_exposure(
                one.identity.credentials[0],
                key=f"exposure:{one.identity.name}",
                identity=one.identity.key,
                credential=one.identity.credentials[0].key,
                repository=f"{one.identity.name}-repo",
            )
            for one in assessments
        ),
        coverage=tuple(
            make_coverage(scope=f"zz-scope-{at}", status="denied", detail="zz-denied") for at in range(OTHERS)
        ),
        notices=("zz-notice",),
    )
    at = NOW - timedelta(days=3 - number)
    info = replace(result.scan, id=SCANS[number], started_at=at, finished_at=at)
    return replace(result, scan=info, summary=summarise(result))


def _stored(folder: Path) -> None:
    results = [
        _scan(0, {"yy-kept": OWNER, "yy-given": FORMER, GONE: OWNER}),
        _scan(1, {"yy-kept": OWNER, "yy-given": FORMER, GONE: OWNER}),
        _scan(2, {"yy-kept": OWNER, "yy-given": OWNER, "yy-late": OWNER}),
    ]
    (folder / "people.csv").write_text(PEOPLE)
    with open_store(f"sqlite:///{folder / 'muster.db'}") as store:
        for result in results:
            store.save(result)
        people = people_of(Roster((make_person(OWNER), make_person(OTHER)), NOW.date()), Ownership(), results[-1])
        review = Review(name="autumn", opened_at=NOW, due=NOW.date() + timedelta(days=900), scan="third")
        open_review(store, review, results[-1], results[-1].identities, people)
        for name, owner in (("zz-1", "zz-new@acme.example"), ("yy-kept", REVIEWER)):
            proposed = OwnerProposed(
                identity=make_identity(name).key, owner=owner, by=OWNER if owner == REVIEWER else OTHER, at=NOW,
                reason=f"{name}-decided",
            )  # fmt: skip
            store.served.append(proposed, known_by="proxy")
        for name in ("zz-1", "yy-kept", GONE):
            store.retirements.start(
                RetirementStarted(
                    identity=make_identity(name).key, name=name, at=NOW - timedelta(days=2), by=f"{name}-began",
                    wait_days=30, verdict="unknown",
                ),
                Actor(person=OTHER, known_by="stated"),
            )  # fmt: skip
        store.served.append(QuerySaved(id="zz-query", name="zz-query", address="/", by=OTHER, at=NOW))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose proxy names the person."""
    folder = tmp_path_factory.mktemp("visible")
    _stored(folder)
    with Served(folder, CONFIG) as running:
        yield running


def key_of(name: str) -> str:
    """The key of an identity."""
    return quote(make_identity(name).key, safe="")


KEYS = ("yy-kept", "yy-given", "yy-late", GONE, "zz-1")
FILTERS = ("", "q=zz-", f"owner={quote(OTHER)}", "sort=-owner")
_SCAN = ("", *(f"scan={scan}" for scan in SCANS))


def _with(path: str, *filters: str) -> list[str]:
    """Of every scan, and of the latest also with each filter."""
    first, *others = filters or ("",)
    return [
        *(f"{path}?{'&'.join(filter(None, (first, scan)))}" for scan in _SCAN),
        *(f"{path}?{other}" for other in others),
    ]


def _panels() -> list[str]:
    kinds: Mapping[str, Callable[[str], str]] = {
        "identity": key_of, "finding": _fingerprint, "entry": lambda name: f"{name}-entry", "changed": key_of,
        "secret": lambda _: "zz-secret", "reading": lambda _: "prod%20zz-scope-1%20iam.users",
    }  # fmt: skip
    return [
        address
        for kind, subject in kinds.items()
        for name in KEYS
        for address in _with(f"/page/panel/{kind}", f"key={subject(name)}")
    ]


def _of_list(path: str, name: str) -> list[str]:
    filters = FILTERS if name in ("identities", "findings", "entries", "credentials", "exposed") else FILTERS[:2]
    return _with(path, *(one for one in filters if not (name == "coverage" and "owner" in one)))


# What is asked at each address of the table of routes. A new route fails the test until it is here.
ASKED: Mapping[str, Sequence[str]] = {
    **{f"GET /api/v1/{name}": _of_list(f"/api/v1/{name}", name) for name in LIST_NAMES},
    **{
        f"GET /export/{name}.{form}": _of_list(f"/export/{name}.{form}", name)
        for name in LIST_NAMES
        for form in MEDIA_TYPES
    },
    "GET /api/v1/me": ["/api/v1/me"],
    "GET /api/v1/activity/{key}": [one for name in KEYS for one in _with(f"/api/v1/activity/{key_of(name)}")],
    "GET /api/v1/identities/{key}": [
        one for name in KEYS for one in _with(f"/api/v1/identities/{key_of(name)}", "", "blast_radius=true")
    ],
    "GET /api/v1/findings/{fingerprint}": [f"/api/v1/findings/{_fingerprint(name)}" for name in KEYS],
    "GET /api/v1/paths": ["/api/v1/paths?from=outside&to=admin", f"/api/v1/paths?from={key_of('yy-kept')}"],
    "GET /api/v1/chokes": ["/api/v1/chokes"],
    "GET /api/v1/retirements": ["/api/v1/retirements"],
    "GET /api/v1/retirements/{key}": [f"/api/v1/retirements/{key_of(name)}" for name in KEYS],
    "GET /api/v1/scans": ["/api/v1/scans"],
    "GET /api/v1/scans/{old}/diff/{new}": ["/api/v1/scans/first/diff/third"],
    "GET /api/v1/scans/{id}": [f"/api/v1/scans/{scan}" for scan in SCANS],
    "GET /api/v1/owners": ["/api/v1/owners"],
    "GET /api/v1/decisions": ["/api/v1/decisions", f"/api/v1/decisions?by={quote(OTHER)}", "/api/v1/decisions?limit=1"],
    "GET /export/decisions.csv": ["/export/decisions.csv"],
    "GET /api/v1/trends": ["/api/v1/trends", "/api/v1/trends?limit=1"],
    "GET /api/v1/queries": ["/api/v1/queries"],
    "GET /api/v1/asked": ["/api/v1/asked"],
    "GET /api/v1/needs": ["/api/v1/needs"],
    "GET /api/v1/people": ["/api/v1/people?q=ow"],  # names and addresses of anybody, by design
    "GET /api/v1/reviews": ["/api/v1/reviews"],
    "GET /api/v1/reviews/{name}/items": ["/api/v1/reviews/autumn/items", "/api/v1/reviews/none/items"],
    "GET /metrics": ["/metrics"],
    "GET /api/v1/openapi.json": ["/api/v1/openapi.json"],
    "GET /healthz": ["/healthz"],
    "GET /session": ["/session"],
    "GET /": ["/", f"/?owner={quote(OTHER)}"],
    "GET /static/{name:str}": [],
    "GET /page/list": [one for name in LIST_NAMES for one in _of_list(f"/page/list/{name}", name)],
    "GET /page/counts": [one for name in LIST_NAMES for one in _of_list(f"/page/counts/{name}", name)],
    "GET /page/groups": _with("/page/groups/findings", *FILTERS),
    "GET /page/panel": _panels(),
    "GET /page/overview": _with("/page/overview"),
    "GET /page/news": _with("/page/news"),
    "GET /page/compare": ["/page/compare?old=first&new=third"],
    "GET /page/latest": ["/page/latest"],
    # Writes, with an empty body: what they change has tests of its own.
    "POST /page/visits": ["/page/visits"],
    "POST /api/v1/findings/{fingerprint}/acknowledge": [f"/api/v1/findings/{_fingerprint('zz-1')}/acknowledge"],
    "POST /api/v1/findings/{fingerprint}/approve": [f"/api/v1/findings/{_fingerprint('zz-1')}/approve"],
    "POST /api/v1/identities/{key}/owner": [f"/api/v1/identities/{key_of('zz-1')}/owner"],
    "POST /api/v1/identities/{key}/not_mine": [f"/api/v1/identities/{key_of('zz-1')}/not_mine"],
    "DELETE /api/v1/findings/{fingerprint}/acknowledge": [f"/api/v1/findings/{_fingerprint('zz-1')}/acknowledge"],
    "DELETE /api/v1/identities/{key}/owner": [f"/api/v1/identities/{key_of('zz-1')}/owner"],
    "POST /api/v1/reviews/{name}/items/{id}/decide": ["/api/v1/reviews/autumn/items/x/decide"],
    "POST /api/v1/queries": ["/api/v1/queries"],
    "DELETE /api/v1/queries/{id}": ["/api/v1/queries/zz-query"],
    f"POST {SIGN_OUT}": [],
    f"GET {CALLBACK}": [],
}
GATHERED = ("/api/v1/{rest:path}", "/export/{rest:path}", "/page/{rest:path}")
"""Routes whose table is another."""


def table() -> Iterator[str]:
    """Every address that the application has."""
    yield from (f"{one.method} {one.path}" for one in OPERATIONS)
    yield from (f"GET /page/{name}" for name, _ in DATA)
    yield from (f"POST {SIGN_OUT}", f"GET {CALLBACK}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Litestar, about how handlers name what they need
        routes = create_app(cast("Any", None)).routes
    for route in routes:
        methods = set(cast("Any", route).methods) - {"OPTIONS", "HEAD"}
        if route.path not in (*GATHERED, "/metrics") and not _is_page(route.path):
            yield from (f"{method} {route.path}" for method in methods)


def _is_page(path: str) -> bool:
    """Whether it is the markup without data, which `/` has already."""
    from scanner.serve.page.routes import PLACES

    return path.strip("/").partition("/")[0] in PLACES


def test_every_route_is_classified() -> None:
    """So that none is added without being asked below."""
    assert set(table()) == set(ASKED)


def texts(answer: httpx.Response) -> str:
    """All that an answer says: also within a workbook."""
    if answer.content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
            return "\n".join(book.read(name).decode(errors="replace") for name in book.namelist())
    return answer.text


def numbers(value: Any) -> Iterator[int]:
    """All numbers in a JSON value."""
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from numbers(one)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield value


def answers(served: Served, person: str | None) -> Iterator[tuple[str, httpx.Response]]:
    """Everything that is asked, by a person or by nobody."""
    headers = {"x-person": person} if person else {}
    csrf = served.http.get("/session", headers=headers).json()["csrf"] if person else ""
    for name, addresses in ASKED.items():
        method = name.partition(" ")[0]
        for address in addresses:
            more = {"x-csrf-token": csrf} if method != "GET" else {}
            yield f"{person} {method} {address}", served.http.request(method, address, headers={**headers, **more})


SEES: Mapping[str, tuple[str, ...]] = {OWNER: MINE, FORMER: (), REVIEWER: (), STRANGER: ()}


@pytest.mark.parametrize("person", SEES)
def test_nobody_sees_what_others_own(served: Served, person: str) -> None:
    """No key, name, total, coverage, person or count outside what is theirs, whichever scan is asked for."""
    hidden = {HIDDEN, GONE, *(name for name in MINE if name not in SEES[person])}
    totals = {count for result in map(_counts, range(len(SCANS))) for count in result}
    for what, answer in answers(served, person):
        assert answer.status_code < 500, (what, answer.text)
        said = texts(answer)
        assert not [name for name in hidden if name in said], what
        if answer.headers.get("content-type", "").startswith("application/json") and "openapi" not in what:
            assert not totals & set(numbers(answer.json())), what


def _counts(number: int) -> Iterator[int]:
    """Numbers over a whole scan."""
    everyone = OTHERS + number + 3
    yield from (OTHERS, OTHERS + number, everyone, everyone + 1)


def test_nobody_signed_in_sees_nothing(served: Served) -> None:
    """But that the server runs."""
    for what, answer in answers(served, None):
        expected = (200,) if "/healthz" in what else (401, 403)
        assert answer.status_code in expected, what
        assert not [name for name in (HIDDEN, "yy-", "autumn") if name in texts(answer)], what


def test_a_viewer_sees_everything(served: Served) -> None:
    """So the tests above ask for what there is."""
    said = {what: texts(answer) for what, answer in answers(served, VIEWER)}
    for name in (
        "api/v1/identities?",
        "export/exposed.json?",
        "export/findings.xlsx?",
        "page/panel/entry",
        "scans/third",
    ):
        assert any(HIDDEN in text for what, text in said.items() if name in what), name
    for name in ("zz-denied", "zz-notice", "zz-secret", "zz-query", "zz-alike", GONE):
        assert any(name in text for text in said.values()), name


def test_an_older_scan_has_of_an_owner_what_is_theirs_today(served: Served) -> None:
    """And was there then, in every list and file."""
    then = {"first": {"yy-kept", "yy-given"}, "third": set(MINE)}
    for scan, names in then.items():
        for name in ("identities", "findings", "entries", "credentials", "exposed"):
            asked = {"headers": {"x-person": OWNER}}
            listed = served.http.get(f"/api/v1/{name}?scan={scan}", **cast("Any", asked)).json()
            document = served.http.get(f"/export/{name}.json?scan={scan}", **cast("Any", asked)).json()
            key = {"entries": "registry"}.get(name, name)
            found = json.dumps(listed["items"])
            assert (listed["total"], len(document[key])) == (len(names), len(names)), (scan, name)
            assert {one for one in (*MINE, GONE) if one in found} == names
            assert document["coverage"] == []
            assert document["summary"]["identities"] == len(names)
        ranks = [one["rank"] for one in document["exposed"]]
        assert ranks == list(range(1, len(names) + 1))
        panel = served.http.get(
            f"/page/panel/identity?key={key_of('yy-late')}&scan={scan}", headers={"x-person": OWNER}
        )
        assert panel.status_code == (200 if scan == "third" else 404)


def test_an_owner_may_ask_what_is_theirs(served: Served) -> None:
    """Each record of theirs is there, in every way to ask for it."""
    for address in (
        f"/api/v1/identities/{key_of('yy-given')}", f"/api/v1/findings/{_fingerprint('yy-given')}",
        f"/page/panel/identity?key={key_of('yy-given')}", "/page/panel/entry?key=yy-given-entry",
        f"/page/panel/finding?key={_fingerprint('yy-given')}&scan=first",
    ):  # fmt: skip
        assert served.http.get(address, headers={"x-person": OWNER}).status_code == 200, address
        assert served.http.get(address, headers={"x-person": FORMER}).status_code == 404, address
    review = served.http.get("/api/v1/reviews", headers={"x-person": OWNER}).json()["items"][0]
    assert (review["items"], review["mine"]) == (3, 3)


def test_decisions_are_for_reviewers_and_viewers(served: Served) -> None:
    """A viewer sees all of them, a reviewer what is theirs, and nobody else any."""
    seen = {}
    for person in (OWNER, FORMER, REVIEWER, STRANGER, VIEWER):
        answer = served.http.get("/api/v1/decisions", headers={"x-person": person})
        file = served.http.get("/export/decisions.csv", headers={"x-person": person})
        assert answer.status_code == file.status_code
        seen[person] = [one["n"] for one in answer.json()["items"]] if answer.status_code == 200 else answer.status_code

    assert seen == {OWNER: 403, FORMER: 403, STRANGER: 403, REVIEWER: [], VIEWER: [6, 5, 4, 3, 2, 1]}
    answer = served.http.get("/api/v1/decisions?limit=2&identity=", headers={"x-person": VIEWER}).json()
    assert (answer["items"], answer["next"], answer["count"]) == ([], None, 6)
    first = served.http.get("/api/v1/decisions?limit=4", headers={"x-person": VIEWER}).json()
    last = served.http.get(f"/api/v1/decisions?before={first['next']}", headers={"x-person": VIEWER}).json()
    assert [one["n"] for one in (*first["items"], *last["items"])] == [6, 5, 4, 3, 2, 1]
    assert first["head"] == first["items"][0]["hash"]
