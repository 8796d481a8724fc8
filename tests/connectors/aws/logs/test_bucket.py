"""A trail's bucket, asked over HTTP: the emulator's S3, and a proxy that counts and refuses."""

from __future__ import annotations

import pickle
import re
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest

from connectors.aws.connector import AwsConnector
from connectors.aws.logs.cloudtrail import CloudTrailLog
from connectors.aws.settings import AwsSettings
from connectors.file.connector import FileConnector, FileSettings
from connectors.logs import LogSettings, LogSpec
from connectors.logs.files import FileLog, files_of
from scanner.errors import Denied, SourceError, UsageError
from scanner.model.activity import LogDay, LogUnit
from tests.connectors.aws.estate import Estate
from tests.connectors.aws.logs.trail import ACCOUNT, DAY, OTHER, SINCE, UNTIL, USER, event, key_of, packed, read_all
from tests.servers.moto_server import KEYS_A_PAGE, MotoServer
from tests.servers.proxy import Answer, Proxy, Request

pytestmark = pytest.mark.real_server
BUCKET = "acme-trail"
NEXT = DAY + timedelta(1)
_DENIED = b"<Error><Code>AccessDenied</Code><Message>User: x is not authorized</Message></Error>"
_KEY_DENIED = b"<Error><Code>AccessDenied</Code><Message>not authorized to perform: kms:Decrypt</Message></Error>"


class S3Proxy(Proxy):
    """Notes requests, and refuses those in whose path one of ``denied`` stands. ``cut``: of these, half is sent."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self.lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Everything that was."""
        self.asked: list[str] = []
        self.denied: dict[str, bytes] = {}
        self.cut: tuple[str, ...] = ()
        self.latency = 0.0
        self.out = self.most_at_once = 0

    def answer(self, request: Request) -> Answer | None:
        """See ``Proxy``."""
        path = unquote(request.path)
        with self.lock:
            self.asked.append(f"{request.method} {path}")
            self.out += 1
            self.most_at_once = max(self.most_at_once, self.out)
        try:
            time.sleep(self.latency)
            for part, body in self.denied.items():
                if part in path:
                    return Answer(403, {"Content-Type": "application/xml"}, body)
            answer = self.forward(request)
        finally:
            with self.lock:
                self.out -= 1
        if any(part in path for part in self.cut):
            return answer._replace(body=answer.body[: len(answer.body) // 2], promised=len(answer.body))
        return answer


class Trail:
    """A trail's bucket in the emulator, behind the proxy."""

    def __init__(self, moto: MotoServer, proxy: S3Proxy) -> None:
        self.moto, self.proxy = moto, proxy
        moto.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def fill(self, keys: Iterable[str], content: bytes | None = None) -> None:
        """Put a file with two events of its own under each key."""
        s3 = self.moto.client("s3")
        for key in keys:
            s3.put_object(Bucket=BUCKET, Key=key, Body=packed(event(), event(who=USER)) if content is None else content)

    def log(self, path: str | None = f"s3://{BUCKET}/") -> CloudTrailLog:
        """The reader, through a source that calls the proxy."""
        source = AwsConnector("prod", AwsSettings(endpoint_url=self.proxy.url, max_attempts=2))
        return CloudTrailLog(LogSettings(log="trail", path=path), source)

    def units(self, log: CloudTrailLog) -> list[LogUnit]:
        """Of all days."""
        return [one for one in log.units(SINCE, UNTIL) if isinstance(one, LogUnit)]


@pytest.fixture(scope="module")
def s3_proxy(moto: MotoServer) -> Iterator[S3Proxy]:
    """The proxy before the emulator."""
    with S3Proxy(moto.url) as proxy:
        yield proxy


@pytest.fixture
def bucket(aws: Estate, s3_proxy: S3Proxy) -> Trail:
    """An empty one."""
    s3_proxy.forget()
    return Trail(aws.moto, s3_proxy)


@pytest.mark.parametrize("path", ["", "/", "/trails", "/trails/AWSLogs", f"/trails/AWSLogs/{ACCOUNT}/CloudTrail/",
                                  f"/trails/AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/2026/11/20/"])  # fmt: skip
def test_a_bucket_is_read_from_any_folder_on(path: str, bucket: Trail) -> None:
    """Listed below the prefix, day by day, and fetched; every request is counted."""
    bucket.fill([f"trails/{key_of(number=number)}" for number in range(3)])
    bucket.fill([f"trails/AWSLogs/{ACCOUNT}/CloudTrail-Digest/eu-west-1/2026/11/20/d.json.gz"], b"no log")
    log = bucket.log(f"s3://{BUCKET}{path}")
    (reading,), gaps = read_all(log)

    assert (reading.unit.name, reading.events, reading.calls) == (f"{ACCOUNT}/2026-11-20", 6, 3)
    assert (reading.coverage, gaps) == ((LogDay(scope=ACCOUNT, day=DAY),), [])
    assert log._folder.calls == len(bucket.proxy.asked)
    assert all(re.match(rf"GET /{BUCKET}(\?list-type=2&|/trails/AWSLogs/)", one) for one in bucket.proxy.asked)


def test_an_organization_in_all_its_regions(bucket: Trail) -> None:
    """Only folders of the days that are asked for are listed; of a page that has passed them nothing more is asked."""
    regions = ("eu-west-1", "us-east-1", "ap-south-1")
    keys = [key_of(day, account=account, region=region, org="o-abc123/")
            for account in (ACCOUNT, OTHER) for region in regions
            for day in (DAY - timedelta(400), DAY, NEXT, DAY + timedelta(2))]  # fmt: skip
    bucket.fill(keys)
    readings, _ = read_all(bucket.log(), since=DAY, until=NEXT)

    assert [one.unit.name for one in readings] == [
        f"{account}/{day}" for account in (ACCOUNT, OTHER) for day in (DAY, NEXT)
    ]  # fmt: skip
    assert {len(files_of(one.unit)) for one in readings} == {3}


def test_many_files_are_fetched_at_once(bucket: Trail) -> None:
    """And reported in their order, so that each reading is the same."""
    bucket.fill([key_of(number=number) for number in range(60)])
    log = bucket.log()
    (unit,) = bucket.units(log)
    bucket.proxy.latency = 0.05
    reading = log.read(unit)

    assert reading.events == 120
    assert 8 < bucket.proxy.most_at_once <= 24
    assert pickle.loads(pickle.dumps(log)).read(unit) == reading  # noqa: S301  # our own


def test_more_than_a_page_of_keys(bucket: Trail) -> None:
    """The emulator pages as S3 does, though its pages are shorter."""
    bucket.fill([key_of(number=number) for number in range(2 * KEYS_A_PAGE + 5)], packed())
    (unit,) = bucket.units(bucket.log())

    assert len(unit.files) == 2 * KEYS_A_PAGE + 5
    assert sum("continuation-token" in one for one in bucket.proxy.asked) == 2


def test_a_bucket_that_is_refused_is_an_error_with_the_permission(bucket: Trail) -> None:
    """Nothing can be listed."""
    bucket.fill([key_of()])
    bucket.proxy.denied = {"list-type=2": _DENIED}

    with pytest.raises(Denied, match="s3:ListBucket"):
        list(bucket.log().units(SINCE, UNTIL))


@pytest.mark.parametrize("part", [f"/{OTHER}/", f"/{OTHER}/CloudTrail/eu-west-1/"])
def test_a_part_that_is_refused_is_a_gap_of_its_account(part: str, bucket: Trail) -> None:
    """On each of the days, though another region could be read."""
    bucket.fill([key_of(), key_of(account=OTHER), key_of(account=OTHER, region="us-east-1")])
    bucket.proxy.denied = {f"prefix=AWSLogs{part}": _DENIED}
    readings, gaps = read_all(bucket.log(), since=DAY, until=NEXT)

    assert [(one.scope, one.day, one.status) for one in gaps] == [(OTHER, DAY, "denied"), (OTHER, NEXT, "denied")]
    assert all("s3:ListBucket" in (one.detail or "") for one in gaps)
    assert [one.coverage for one in readings if one.unit.name.startswith(ACCOUNT)] == [
        (LogDay(scope=ACCOUNT, day=DAY),)
    ]
    assert [one.coverage for one in readings if one.unit.name.startswith(OTHER)] in ([], [()])


@pytest.mark.parametrize(("body", "permission"), [(_DENIED, "s3:GetObject"), (_KEY_DENIED, "kms:Decrypt")])
def test_a_file_that_is_refused_names_the_permission(body: bytes, permission: str, bucket: Trail) -> None:
    """It may be given: the unit is tried again."""
    bucket.fill([key_of(number=number) for number in range(40)])
    log = bucket.log()
    (unit,) = bucket.units(log)
    bucket.proxy.denied = {f"/{BUCKET}/AWSLogs": body}

    with pytest.raises(Denied) as refusal:
        log.read(unit)
    assert refusal.value.permission == permission
    assert len(bucket.proxy.asked) < 40


def test_an_answer_that_breaks_off_is_no_log(bucket: Trail) -> None:
    """The connection, not the file: it is tried again."""
    bucket.fill([key_of()])
    log = bucket.log()
    (unit,) = bucket.units(log)
    bucket.proxy.cut = (f"/{BUCKET}/AWSLogs",)

    with pytest.raises(SourceError, match="s3:GetObject"):
        log.read(unit)


def test_a_file_that_is_cut_short_in_the_bucket_is_a_gap(bucket: Trail) -> None:
    """Nothing of the day is kept; a whole file in its place changes the digest."""
    bucket.fill([key_of(number=1)])
    bucket.fill([key_of(number=2)], packed(event())[:60])
    bucket.fill([key_of(number=3)], b"")
    log = bucket.log()
    (unit,) = bucket.units(log)
    reading = log.read(unit)
    bucket.fill([key_of(number=2), key_of(number=3)])
    (mended,) = bucket.units(log)

    assert [(one.day, one.status) for one in reading.coverage] == [(DAY, "failed")]
    assert reading.callers == ()
    assert mended.digest != unit.digest
    assert log.read(mended).events == 6


def test_a_day_that_is_missing_in_the_bucket_is_a_gap(bucket: Trail) -> None:
    """Between days with files."""
    bucket.fill([key_of(), key_of(DAY + timedelta(2))])
    _, gaps = read_all(bucket.log())

    assert [(one.scope, one.day, one.status) for one in gaps] == [(ACCOUNT, NEXT, "failed")]


def test_a_log_in_a_bucket_needs_a_source_of_aws() -> None:
    """Or none: then the SDK's own credentials count."""
    with pytest.raises(UsageError, match="type aws"):
        CloudTrailLog(LogSettings(log="trail", path="s3://b/"), FileConnector("x", FileSettings(path=Path("x.csv"))))
    with pytest.raises(UsageError, match="set path"):
        CloudTrailLog(LogSettings(log="trail"), None)


class _OtherLog(FileLog):
    """A log of another provider, as a service may write it to a bucket."""

    spec = LogSpec(name="other", title="Other", provider="github")
    layout = CloudTrailLog.layout
    records = CloudTrailLog.records
    counting = CloudTrailLog.counting


def test_logs_of_other_providers_are_read_from_a_bucket_with_the_credentials_of_the_sdk(
    bucket: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their source has none for AWS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.proxy.url)
    bucket.fill([key_of()])
    source = FileConnector("x", FileSettings(path=Path("x.csv")))
    (reading,), gaps = read_all(_OtherLog(LogSettings(log="other", path=f"s3://{BUCKET}/"), source))

    assert (reading.events, gaps) == (2, [])


def test_files_at_a_scheme_that_nothing_opens_are_not_read() -> None:
    """The message says what to do."""
    with pytest.raises(UsageError, match=r"files at gs:// are not read") as raised:
        CloudTrailLog(LogSettings(log="trail", path="gs://acme-trail/"), None)

    assert raised.value.hint == "copy the files to a folder first, and name that"


def test_without_a_path_the_account_says_where_its_trail_writes(bucket: Trail) -> None:
    """The one of all regions."""
    trails = bucket.moto.client("cloudtrail")
    trails.create_trail(Name="one-region", S3BucketName=BUCKET, S3KeyPrefix="other", IsMultiRegionTrail=False)
    trails.create_trail(Name="all", S3BucketName=BUCKET, S3KeyPrefix="trails", IsMultiRegionTrail=True)
    bucket.fill([f"trails/{key_of()}", f"other/{key_of(NEXT)}"])
    readings, _ = read_all(bucket.log(None))

    assert [one.unit.name for one in readings] == [f"{ACCOUNT}/2026-11-20"]


def test_an_account_without_a_trail_is_an_error(bucket: Trail) -> None:
    """It says what to set."""
    with pytest.raises(SourceError, match="no trail"):
        list(bucket.log(None).units(SINCE, UNTIL))
