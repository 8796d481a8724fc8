"""What every store must do with the log of decisions."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from scanner.errors import StoreError
from scanner.model.decisions import Act, Actor
from scanner.model.reviews import Closing, Decision, Reminder, Review, ReviewFacts, ReviewItem
from scanner.model.served import (
    FindingAcknowledged,
    ItemDecided,
    OwnerProposed,
    PageRecord,
    QuerySaved,
    Visited,
)
from scanner.store import schema
from scanner.store.acts import NO_DECISIONS, PAGE_DECISIONS
from scanner.store.bodies import encode
from scanner.store.chain import Printed
from scanner.store.engine import bulk_insert, connect, writing
from scanner.store.migrations import MIGRATIONS, migrate
from scanner.store.store import Store, open_store
from tests.databases import SHARED
from tests.factories import NOW, make_assessment, make_result

ADA, BO = "ada@example.com", "bo@example.com"
ACT = Act(what="adopted", actor=Actor(known_by="os_user", os_user="ada"), at=NOW, about={"entry": "N-1"})
ACKNOWLEDGED = FindingAcknowledged(finding="f" * 32, reason="known", until=date(2027, 1, 1), by=ADA, at=NOW)
PROPOSED = OwnerProposed(identity="k", owner=BO, by=ADA, at=NOW)
KEPT = Decision(item="i", decision="keep", at=NOW, by=BO, facts_hash="h")
ITEM = ReviewItem(
    id="i", key="k", reviewer=ADA, because="owner", facts_hash="h",
    facts=ReviewFacts(name="n", provider="aws", scope="1", kind="role", what="w"),
)  # fmt: skip
REVIEW = Review(name="q4", opened_at=NOW, due=NOW.date(), scan="s")


@pytest.fixture(params=SHARED)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database that other processes can open."""
    with request.param() as url:
        yield url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An empty store."""
    with open_store(url) as opened:
        yield opened


def decide(store: Store) -> None:
    """One decision of each kind of row."""
    store.served.append(ACKNOWLEDGED, known_by="proxy", about={"identity": "k"}, before="none")
    store.served.append(PROPOSED, QuerySaved(id="q", name="n", address="/", by=ADA, at=NOW))
    store.reviews.open(REVIEW, [ITEM], Actor(known_by="os_user", os_user="cyd"))
    reminded = Reminder(reviewer=ADA, to=ADA, left=1, at=NOW)
    store.reviews.append("q4", [KEPT, reminded, Closing(at=NOW)], Actor(known_by="workbook", os_user="cyd"))
    store.served.append(ItemDecided(review="q4", record=KEPT, by=BO), known_by="sign_in")


WHATS = [
    "acknowledged", "proposed_owner", "review_opened", "review_decided", "review_closed", "review_decided",
]  # fmt: skip


def test_every_record_is_a_decision_or_listed_as_none() -> None:
    """So that a new kind is not forgotten."""
    assert {*PAGE_DECISIONS, *NO_DECISIONS} == {*PageRecord.__args__, Reminder}


def test_decisions_are_logged_with_their_rows(store: Store) -> None:
    """Who, how it is known, when, about what; and the store's rows are those that the log records."""
    decide(store)
    with store.decisions.recording([ACT]):
        pass

    found = [record for record, _ in store.decisions.newest()][::-1]

    assert [one.what for one in found] == [*WHATS, "adopted"]
    first, *_, last = found
    assert (first.by, first.known_by, first.reason) == (ADA, "proxy", "known")
    assert (first.before, first.after) == ("none", "until 2027-01-01")
    assert first.about == {"finding": "f" * 32, "identity": "k"}
    assert (last.by, last.os_user, last.row) == (None, "ada", None)
    assert [one.by for one in found] == [ADA, ADA, None, BO, None, BO, None]
    assert store.check() == ()
    assert [one.n for one, _ in store.decisions.newest(by=BO.upper())] == [6, 4]
    assert [one.n for one, _ in store.decisions.newest(identity="k")] == [2, 1]
    assert [one.n for one, _ in store.decisions.newest(since=NOW + timedelta(seconds=1))] == []


def test_what_fails_is_not_logged(store: Store) -> None:
    """A file that could not be written, a review that is there already."""
    store.reviews.open(REVIEW, [ITEM])
    with pytest.raises(OSError, match="full"), store.decisions.recording([ACT]):
        raise OSError("full")
    with pytest.raises(Exception, match="already"):
        store.reviews.open(REVIEW, [ITEM])

    assert store.decisions.head().count == 1


def test_a_scan_and_its_decisions_are_stored_together(store: Store) -> None:
    """And a scan that is there already logs nothing."""
    store.save(make_result(make_assessment()), decided=[ACT])
    with pytest.raises(StoreError):
        store.save(make_result(make_assessment()), decided=[ACT])

    assert store.decisions.head().count == 1


def test_pruning_is_logged_and_leaves_the_log(store: Store) -> None:
    """It is evidence."""
    store.save(make_result(make_assessment()))
    decide(store)

    store.prune(NOW + timedelta(days=1), NOW, Actor(known_by="os_user", os_user="cyd"))

    assert [record.what for record, _ in store.decisions.newest()][::-1] == [*WHATS, "pruned"]


STATEMENTS = (
    "UPDATE decision SET body = '{}' WHERE number = 1",
    "DELETE FROM decision",
    "DELETE FROM decision WHERE number = 2",
)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_database_refuses_changes(store: Store, statement: str) -> None:
    """Also those that replace a row."""
    decide(store)
    replacing = "INSERT OR REPLACE INTO decision VALUES (1, '{}', 'x')"
    is_file = store.status().place.endswith(".db")
    for refused in (statement, *((replacing,) if is_file else ("TRUNCATE decision",))):
        with pytest.raises(StoreError, match="append-only"), writing(store._engine) as connection:
            connection.execute(text(refused))

    assert store.check() == ()


def unlocked(store: Store, statement: str) -> None:
    """Run a statement as somebody who removed the triggers."""
    with writing(store._engine) as connection:
        if connection.dialect.name == "sqlite":
            for name in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER decision_no_{name}"))
        else:
            connection.execute(text("ALTER TABLE decision DISABLE TRIGGER decision_append_only"))
        connection.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE decision SET body = replace(body, 'bo@', 'eve@') WHERE number = 4", "decision 4 was changed"),
        ("DELETE FROM decision WHERE number = 3", "decision 3 is missing"),
        ("UPDATE decision SET number = number - 100", "decision -99 is no number"),
    ],
)
def test_the_check_names_what_was_changed(store: Store, statement: str, said: str) -> None:
    """A repair leaves it, and later decisions are logged all the same."""
    decide(store)
    unlocked(store, statement)

    assert any(problem.what.startswith(said) for problem in store.check())
    store.repair()
    store.served.append(PROPOSED)
    assert any(problem.what.startswith(said) for problem in store.check())


@pytest.mark.parametrize("number", [6, 1])
def test_a_tail_that_was_cut(store: Store, number: int) -> None:
    """It shows by a printed head, and by rows that are in no log any more."""
    decide(store)
    head = store.decisions.head()
    unlocked(store, f"DELETE FROM decision WHERE number >= {number}")  # noqa: S608  # a number

    said = [problem.what for problem in store.check([Printed(head=head.head, count=head.count)])]

    assert "missing at the end" in said[0]
    assert sum("is not in the log of decisions" in one for one in said) == 7 - number
    if number > 1:
        assert store.check([Printed(head=store.decisions.head().head)]) == store.check()


def test_rows_that_the_log_knows_otherwise(store: Store) -> None:
    """A decision that was removed, changed with its checksum, or put beside the log."""
    decide(store)
    assert store.check() == ()
    with writing(store._engine) as connection:
        connection.execute(text("DELETE FROM page_record WHERE sort = 'acknowledged'"))
        connection.execute(text("DELETE FROM review_record WHERE position = 2"))

    said = sorted(problem.what.split(" ")[0] + problem.what[-30:] for problem in store.check())

    assert [one for one in said if "which decision" in one or "decision 1 recorded" in one]
    assert any("decision 5 recorded" in problem.what for problem in store.check())


def test_scans_hold_heads(store: Store) -> None:
    """They say between which scans a log was rewritten, although nobody printed one."""
    from msgspec.structs import replace

    decide(store)
    result = make_result(make_assessment())
    store.save(replace(result, summary=replace(result.summary, decisions=store.decisions.head())))
    assert store.latest_scan().counts.decisions == store.decisions.head()
    unlocked(store, "DELETE FROM decision WHERE number = 6")

    assert store.check()[0].what.startswith(f"decision 6 is missing at the end: the head in scan {result.scan.id}")


LOG = [step.name for step in MIGRATIONS].index("the log of decisions")
EACH, PROCESSES = 12, 4


def _decide_often(url: str, name: str) -> None:
    """What another process does: decisions in the page, by commands, and in reviews."""
    with open_store(f"{url}{'&' if '?' in url else '?'}timeout=300", create=False) as store:
        for number in range(EACH):
            match number % 3:
                case 0:
                    store.served.append(OwnerProposed(identity=f"{name}-{number}", owner=BO, by=ADA, at=NOW))
                case 1:
                    with store.decisions.recording([ACT, ACT]):
                        pass
                case _:
                    store.reviews.open(Review(name=f"{name}-{number}", opened_at=NOW, due=NOW.date(), scan="s"), [ITEM])


@pytest.mark.parametrize("isolation", ["read committed", "serializable"])
def test_processes_at_once_make_one_chain(url: str, isolation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """None forks it, whatever isolation the server has by default."""
    monkeypatch.setenv("PGOPTIONS", f"-c default_transaction_isolation={isolation.replace(' ', chr(92) + ' ')}")
    open_store(url).close()
    forking = multiprocessing.get_context("spawn")
    processes = [forking.Process(target=_decide_often, args=(url, f"p{number}")) for number in range(PROCESSES)]
    for process in processes:
        process.start()
    with open_store(url) as store:
        store.save(make_result(make_assessment()), decided=[ACT])
        for process in processes:
            process.join()
            assert process.exitcode == 0

        assert store.check() == ()
        assert store.decisions.head().count == PROCESSES * EACH * 4 // 3 + 1


def test_a_store_of_before_is_imported(url: str) -> None:
    """One record for each decision that it holds, in the order of their times; what it lacks cannot be known."""
    engine = connect(url, create=True)
    migrate(engine, MIGRATIONS[:LOG])
    later = Review(name="q4", opened_at=NOW + timedelta(hours=1), due=NOW.date(), scan="s")
    with writing(engine) as connection:
        bulk_insert(connection, schema.review, [(1, "q4", encode(later, "review").decode())])
        body = encode(PROPOSED, "record").decode()
        bulk_insert(connection, schema.page_record, [("a" * 32, "proposed", NOW.isoformat(), ADA, "k", body)])
        bulk_insert(connection, schema.page_record, [("b" * 32, "visited", NOW.isoformat(), ADA, "k", "{}")])
    migrate(engine)
    store = Store(engine)

    (opened, _), (proposed, _) = store.decisions.newest()

    assert (proposed.what, proposed.known_by, proposed.by) == ("imported", "stated", ADA)
    assert (proposed.after, proposed.stated_at) == (f"proposed_owner: {BO}", "2026-11-25T08:00:00Z")
    assert proposed.about == {"identity": "k"}
    assert (opened.what, opened.n, opened.about) == ("imported", 2, {"review": "q4"})
    assert store.check() == ()
    engine.dispose()


def test_visits_are_no_decisions(store: Store) -> None:
    """Nor saved queries: the log holds no more of people than what they decided."""
    store.served.append(Visited(scan="s", by=ADA, at=NOW), QuerySaved(id="q", name="n", address="/", by=ADA, at=NOW))

    assert store.decisions.head().count == 0
