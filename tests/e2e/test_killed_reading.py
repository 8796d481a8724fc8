"""A first reading of a trail in S3 that is killed while the bucket holds an answer, and the run after it."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scanner.discovery.logs import WRITE_EVERY
from scanner.store.store import open_store
from tests.connectors.aws.conftest import aws, moto, running_proxy  # noqa: F401
from tests.connectors.aws.estate import Estate
from tests.connectors.aws.logs.trail import event, key_of, packed
from tests.contract.test_store_activity import contents
from tests.processes import start_muster
from tests.servers.proxy import Answer, Proxy, Request

pytestmark = pytest.mark.real_server
BUCKET = "killed-trail"
ACCOUNTS = ("111111111111", "222222222222", "333333333333")
DAYS = 5
FILES = len(ACCOUNTS) * DAYS
CONFIG = """
[[source]]
name = "prod"
type = "aws"
endpoint_url = "{url}"

[[log]]
name = "trail"
type = "cloudtrail"
path = "s3://killed-trail/"
source = "prod"
"""


class Holding(Proxy):
    """Passes on all but one answer, which it holds until it is told. ``slow``: one that comes after a write is due."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self._lock = threading.Lock()
        self.expect(hold=None, slow=None)

    def expect(self, *, hold: int | None, slow: int | None) -> None:
        """Hold and slow down the objects of these numbers, counted from 1."""
        self.given, self._hold, self._slow = 0, hold, slow
        self.is_held, self.goes_on = threading.Event(), threading.Event()

    def answer(self, request: Request) -> Answer | None:
        """See ``Proxy``."""
        if ".json.gz" not in request.path:
            return self.forward(request)
        with self._lock:
            self.given += 1
            number = self.given
        if number == self._slow:
            self.goes_on.wait(WRITE_EVERY)
        if number == self._hold:
            self.is_held.set()
            self.goes_on.wait()
            return None
        return self.forward(request)


@pytest.fixture
def proxy(aws: Estate) -> Iterator[Holding]:  # noqa: F811  # the imported fixture
    """Before a bucket with five days of three accounts."""
    s3 = aws.moto.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    today = datetime.now(UTC).date()
    for account in ACCOUNTS:
        for days in range(1, DAYS + 1):
            day = today - timedelta(days)
            body = packed(*(event(eventTime=f"{day}T06:00:00Z", eventID=f"{account}-{day}-{n}") for n in range(7)))
            s3.put_object(Bucket=BUCKET, Key=key_of(day, account=account), Body=body)
    with Holding(aws.moto.url) as proxy:
        yield proxy


def test_a_kill_at_any_answer_costs_nothing(proxy: Holding, tmp_path: Path) -> None:
    """What was stored before stays, the rest is a gap, and the next run reads it: the totals are those of one run."""
    (tmp_path / "config.toml").write_text(CONFIG.format(url=proxy.url))
    url = f"sqlite:///{tmp_path}/{{}}.db"
    proxy.expect(hold=None, slow=None)
    process = start_muster(tmp_path, "activity", "--store", url.format("whole"))
    out, err = process.communicate()
    assert process.wait() == 0, err
    assert out.startswith(f"read {FILES * 7} events ")
    with open_store(url.format("whole"), create=False) as store:
        whole = contents(store.activity.past())

    stored = []
    for hold, slow in ((1, None), (4, 2), (9, 5), (FILES, 11)):
        name = f"killed-{hold}"
        proxy.expect(hold=hold, slow=slow)
        process = start_muster(tmp_path, "activity", "--quiet", "--store", url.format(name))
        assert proxy.is_held.wait(60)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        proxy.goes_on.set()
        with open_store(url.format(name), create=False) as store:
            assert store.check() == ()
            log = store.activity.past().logs["trail"]
            stored.append(sum(map(len, log.covered.values())))
            assert stored[-1] + sum(map(len, log.gaps.values())) == FILES
        proxy.expect(hold=None, slow=None)
        again = start_muster(tmp_path, "activity", "--store", url.format(name))
        out, err = again.communicate()
        assert out.startswith(f"read {(FILES - stored[-1]) * 7} events "), (out, err)
        assert out.endswith("; 0 gaps\n")
        with open_store(url.format(name), create=False) as store:
            assert contents(store.activity.past()) == whole
    assert stored[0] == 0
    assert 0 < stored[-1] < FILES


def test_a_scan_after_a_kill_says_what_is_unread(proxy: Holding, tmp_path: Path) -> None:
    """Also one that reads no log: its coverage is partial, and names the days."""
    (tmp_path / "config.toml").write_text(
        CONFIG.format(url=proxy.url) + '\n[[source]]\nname = "list"\ntype = "file"\npath = "bots.csv"\n'
    )
    (tmp_path / "bots.csv").write_text("key,name,provider,scope,kind\nsaas:bot,bot,saas,acme,bot\n")
    proxy.expect(hold=1, slow=None)
    process = start_muster(tmp_path, "activity", "--quiet")
    assert proxy.is_held.wait(60)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    proxy.goes_on.set()
    scan = start_muster(tmp_path, "scan", "list", "--no-activity", "-o", "json:-")
    out, err = scan.communicate()

    rows = [one for one in json.loads(out)["coverage"] if one["source"] == "trail"]
    assert {(one["scope"], one["section"], one["status"]) for one in rows} == {
        (account, "activity", "partial") for account in ACCOUNTS
    }, err
    assert all(f"{DAYS} days not read yet" in one["detail"] for one in rows)
