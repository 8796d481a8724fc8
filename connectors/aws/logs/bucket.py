"""Logs in a bucket of S3: listed from the first day on, and fetched many at a time."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from connectors.aws.client.errors import translated
from connectors.aws.client.session import AwsSession, call
from connectors.aws.connector import AwsConnector
from connectors.aws.settings import AwsSettings
from connectors.aws.spec import SPEC as AWS
from connectors.core.budget import MEBIBYTE, Pool
from connectors.core.contract import Connector, own_words
from connectors.core.reading import read_each, require_sdk
from connectors.logs.folders import Layout, LogFile, by_scope
from scanner.errors import Denied, SourceError, Unreachable, UsageError
from scanner.model import EVERY_SCOPE
from scanner.model.activity import LogDay

IN_FLIGHT = 24
"""Objects that are fetched at once, and listings that are under way."""
_MOST_AHEAD = 64 * MEBIBYTE
"""Packed bytes that are fetched before they are read."""
_MOST_FOLDERS = 20_000
_ACCOUNT = re.compile(r"(?:^|/)AWSLogs/(?:o-[a-z0-9]+/)?(\d{12})/")
_LIST, _GET = "s3:ListBucket", "s3:GetObject"


class _Branch(NamedTuple):
    scope: str
    prefix: str


class _Walked(NamedTuple):
    """The folders and files below a prefix. ``refused``: by account, the error of a folder that could not be listed."""

    files: list[LogFile]
    branches: list[_Branch]
    refused: list[tuple[str, SourceError]]


class Bucket:
    """``s3://bucket/prefix``, asked through a session; None: the bucket of the account's own trail."""

    def __init__(self, path: str | None, session: AwsSession) -> None:
        self._path = path
        self._session = session
        self._meter = session.new_meter()
        self._trail: tuple[str, str] | None = None

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._meter.calls

    def listed(self, layout: Layout, since: date, until: date) -> Iterator[LogFile | LogDay]:
        """See ``Folder``. A part that cannot be listed is a gap of its account for all of these days."""
        bucket, prefix = self._place()
        found = self._walk(bucket, prefix, layout)
        if not (found.files or found.branches or found.refused):
            raise SourceError(f"no log file is found in s3://{bucket}/{own_words(prefix)}")
        loose: dict[str, list[LogFile]] = {}
        for one in by_scope((each for each in found.files if not layout.is_left_out(each.name)), layout):
            loose.setdefault(layout.scope(one.name), []).append(one)
        days = [since + timedelta(number) for number in range((until - since).days + 1)]

        def branch(one: _Branch) -> list[LogFile]:
            return self._branch(bucket, one, layout, since, until)

        listings = read_each(branch, sorted(found.branches), IN_FLIGHT, alone=(Denied,))
        yield from (gap for scope, error in found.refused if scope == EVERY_SCOPE for gap in _gaps(scope, days, error))
        for scope, group in groupby(listings, key=lambda each: each[0].scope):
            files = loose.pop(scope, [])
            refused = [error for where, error in found.refused if where == scope]
            for _, listing in group:
                if isinstance(listing, SourceError):
                    refused.append(listing)
                else:
                    files += listing
            yield from _gaps(scope, days, refused[0]) if refused else ()
            yield from files
        known = {one.scope for one in found.branches}
        for scope, error in found.refused:
            yield from _gaps(scope, days, error) if scope not in known and scope != EVERY_SCOPE else ()
        for _, files in sorted(loose.items()):
            yield from files

    def pieces(self, files: Sequence[tuple[int, str]]) -> Iterator[tuple[str, Iterable[bytes]]]:
        """See ``Folder``. Objects are fetched ahead, as many at once as memory allows."""
        bucket, _ = self._place()
        coming = deque(files)
        ahead: deque[tuple[str, int, Future[bytes]]] = deque()
        held = 0
        pool = Pool(IN_FLIGHT)
        try:
            while coming or ahead:
                while coming and (not ahead or (len(ahead) < IN_FLIGHT and held + coming[0][0] <= _MOST_AHEAD)):
                    size, name = coming.popleft()
                    held += size
                    ahead.append((name, size, pool.submit(self._get, bucket, name)))
                name, size, content = ahead.popleft()
                yield name, (content.result(),)
                held -= size
        finally:
            pool.shutdown(cancel_futures=True)

    def identity(self, file: LogFile) -> str:
        """See ``Folder``: an object keeps its name."""
        return file.name

    # --- What is asked ---

    def _place(self) -> tuple[str, str]:
        """Bucket and prefix; without a path, those of the trail that records most."""
        if self._path is not None:
            bucket, _, prefix = self._path.removeprefix("s3://").partition("/")
            return bucket, prefix
        if self._trail is None:
            self._trail = self._own_trail()
        return self._trail

    def _own_trail(self) -> tuple[str, str]:
        client = self._session.client("cloudtrail", self._session.home_region, self._meter)
        trails = [
            trail
            for trail in call(client, "describe_trails", expecting="trailList")["trailList"]
            if isinstance(trail.get("S3BucketName"), str)
        ]
        if not trails:
            raise SourceError("the account has no trail that writes to a bucket", hint="set path to where its logs are")
        best = min(
            trails,
            key=lambda one: (
                not one.get("IsOrganizationTrail"),
                not one.get("IsMultiRegionTrail"),
                str(one.get("Name")),
            ),
        )
        prefix = str(best.get("S3KeyPrefix") or "").strip("/")
        return best["S3BucketName"], f"{prefix}/AWSLogs/" if prefix else "AWSLogs/"

    def _walk(self, bucket: str, prefix: str, layout: Layout) -> _Walked:
        """All files and branches below the prefix, a level of folders at a time."""
        walked = _Walked([], [], [])
        if layout.branch is None or layout.branch.search(f"{prefix}/") or _within_branch(prefix, layout):
            for contents, _ in self._pages(bucket, layout, Prefix=prefix):
                walked.files.extend(contents)
            return walked
        level = [prefix]
        while level:
            level = list(self._next_level(bucket, level, layout, walked))
            if len(level) > _MOST_FOLDERS:
                where = own_words(prefix) or "its root"
                hint = "set path to the folder above AWSLogs"
                raise SourceError(f"{bucket} has too many folders below {where}", hint=hint)
        return walked

    def _next_level(self, bucket: str, level: Sequence[str], layout: Layout, walked: _Walked) -> Iterator[str]:
        """The folders in these folders; what else is in them goes into ``walked``."""

        def listing(folder: str) -> list[tuple[list[LogFile], list[str]]]:
            return list(self._pages(bucket, layout, Prefix=folder, Delimiter="/"))

        for folder, found in read_each(listing, level, IN_FLIGHT, alone=(Denied,)):
            if isinstance(found, SourceError):
                if len(level) == 1 and not walked.branches:
                    raise found
                account = _ACCOUNT.search(folder)
                walked.refused.append((account[1] if account else EVERY_SCOPE, found))
                continue
            for contents, folders in found:
                walked.files.extend(contents)
                for each in folders:
                    if layout.branch is not None and (branch := layout.branch.search(each)):
                        walked.branches.append(_Branch(branch["scope"], each))
                    elif not layout.is_left_out(each):
                        yield each

    def _branch(self, bucket: str, branch: _Branch, layout: Layout, since: date, until: date) -> list[LogFile]:
        """Its files of these days: names sort by day."""
        found: list[LogFile] = []
        for contents, _ in self._pages(
            bucket, layout, Prefix=branch.prefix, StartAfter=f"{branch.prefix}{since:%Y/%m/%d}"
        ):
            found += contents
            last = layout.place(contents[-1].name) if contents else None
            if last is not None and last[1] > until:
                break
        return found

    def _pages(self, bucket: str, layout: Layout, **asked: str) -> Iterator[tuple[list[LogFile], list[str]]]:
        client = self._session.client("s3", self._session.home_region, self._meter)
        more: dict[str, str] = {}
        while True:
            with client.turn(), translated(_LIST):
                answer = client.sdk.list_objects_v2(Bucket=bucket, **asked, **more)
                files = [_file(one) for one in answer.get("Contents", ())]
                folders = [str(one["Prefix"]) for one in answer.get("CommonPrefixes", ())]
            if "KeyCount" not in answer and "Contents" not in answer and "IsTruncated" not in answer:
                raise Unreachable(f"{_LIST}: unexpected response: it is not a listing")
            yield [one for one in files if layout.endings.pattern.search(one.name)], folders
            token = answer.get("NextContinuationToken")
            if not answer.get("IsTruncated") or not token or token == more.get("ContinuationToken"):
                return
            more = {"ContinuationToken": token}

    def _get(self, bucket: str, key: str) -> bytes:
        client = self._session.client("s3", self._session.home_region, self._meter)
        try:
            with client.turn(), translated(_GET):
                body: bytes = client.sdk.get_object(Bucket=bucket, Key=key)["Body"].read()
        except Denied as error:
            permission = "kms:Decrypt" if "kms:" in str(error.__cause__) else _GET
            raise Denied(f"{permission} is denied on {own_words(key)}", permission=permission) from error
        return body


def _within_branch(prefix: str, layout: Layout) -> bool:
    return layout.branch is not None and any(
        layout.branch.search(f"{prefix[:at]}/") for at, char in enumerate(prefix) if char == "/"
    )


def _file(row: dict[str, Any]) -> LogFile:
    changed = row.get("LastModified")
    return LogFile(
        str(row["Key"]),
        int(row.get("Size") or 0),
        str(row.get("ETag") or ""),
        changed if isinstance(changed, datetime) else datetime.now(UTC),
    )


def _gaps(scope: str, days: Iterable[date], error: SourceError) -> Iterator[LogDay]:
    for day in days:
        yield LogDay(scope=scope, day=day, status=error.status, detail=own_words(error), permission=error.permission)


def bucket_of(path: str | None, source: Connector | None = None) -> Bucket:
    """The bucket, through the source's session, else the SDK's own credentials. Raises UsageError, MissingExtra."""
    require_sdk("boto3", AWS)
    if source is not None and not isinstance(source, AwsConnector):
        raise UsageError("a log in a bucket is read through a source of type aws")
    if source is None and path is None:
        raise UsageError("a log without a path is read through a source of type aws: set path, or source")
    return Bucket(path, source.session if source is not None else AwsSession(AwsSettings()))
