"""Which gaps a scan reports, and which it reports as closed."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from scanner.app.alarms import for_scan
from scanner.judging.pipeline import Declared
from scanner.model import ActivityPolicy, BlindSpot, Coverage
from scanner.notify.settings import WebhookChannel
from scanner.store.outbox import Alarms
from scanner.store.store import open_store
from tests.factories import NOW, make_result


def test_a_day_of_a_log_that_grew_old_was_not_read_after_all() -> None:
    """It is no longer shown, and that is no good news; a day that was read in the end is."""

    def spot(days: int) -> BlindSpot:
        section = f"activity:{(NOW - timedelta(days=days)).date()}"
        return BlindSpot(source="trail", scope="1", section=section, status="failed", since=NOW)

    whole = Coverage(source="trail", provider="aws", scope="1", section="activity", status="complete")
    channels = (WebhookChannel(name="ops", url="https://ops.example"),)
    declared = Declared(activity=ActivityPolicy(keep_days=90))
    with open_store("sqlite://") as store:
        store.save(make_result(), Alarms(blind=(spot(91), spot(90), spot(5)), sources=frozenset({"trail"})))
        alarms = for_scan(store, channels, replace(make_result(), coverage=(whole,)), declared)

    assert [("2 places can be read again" in one.body) for one in alarms.messages] == [True]
    assert alarms.blind == ()
