"""The account and region that a document describes, and its date (pure)."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct, structs

from connectors.aws.client.credential_report import Report, parse_report
from connectors.aws.offline.operations import Operation

# Members that are about the future, or may be.
_AHEAD = re.compile(r"expir|until|next|delet|end", re.IGNORECASE)
# As deep as dates stand in rows, and not as deep as hostile documents go.
_DEPTH = 5


def newest(answer: Mapping[str, Any], until: datetime) -> datetime | None:
    """The newest date in an answer that is not after ``until``; None where there is none."""
    return max((date for date in _dates(answer, 0) if date <= until), default=None)


def _dates(thing: Any, depth: int) -> Iterator[datetime]:
    match thing:
        case datetime():
            yield thing
        case bytes():
            yield from _reported(thing)
        case list():
            for each in thing:
                yield from _dates(each, depth)
        case Mapping() if depth < _DEPTH:
            for name, each in thing.items():
                if not _AHEAD.search(name):
                    yield from _dates(each, depth + 1)


def _reported(content: bytes) -> Iterator[datetime]:
    """The dates of a credential report; none if it cannot be read, which is reported when it is used."""
    try:
        report = parse_report(content)
    except ValueError:
        report = Report(rows={}, root=None)
    for row in (*report.rows.values(), *((report.root,) if report.root else ())):
        yield from filter(None, (row.created_at, row.password_changed_at, row.last_used_at))


# --- Account and region of a document (pure) ---
#
# Its content decides first, then the folders and the name of its file, then the files beside it.

ROWS_LOOKED_AT = 200
_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):[a-z0-9-]+:(?P<region>[a-z0-9-]*):(?P<account>\d{12}):", re.ASCII)
_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)", re.ASCII)
# Nothing that only looks like one: file names are made of words, too (glue-get-jobs-eu-west-1.json).
_REGION = re.compile(
    r"(?<![a-z])(?:[a-z]{2}|eusc-[a-z]{2})(?:-gov|-iso[a-z]?)?-(?:central|(?:north|south)(?:east|west)?|east|west)-\d(?!\d)",
    re.ASCII,
)
_ZONE = re.compile(r"([a-z]{2,5}(?:-[a-z]+)+-\d+)[a-z]", re.ASCII)
T = TypeVar("T")

# Members that are an account's id.
_ACCOUNT_MEMBERS = ("Account", "OwnerId", "AwsAccountId")
# As deep as an instance's zone in its reservation, and not as deep as the statements of a role's policies.
_PLACES_DEPTH = 4


class DocumentPlace(Struct, frozen=True, kw_only=True):
    """As far as it is known; ``region``: of a service that regions have to themselves."""

    account: str | None = None
    region: str | None = None
    partition: str | None = None


def place_of(document: Mapping[str, Any], operation: Operation, path: str) -> DocumentPlace:
    """The place of a document, as it says or as the path (relative to the folder that is read) says."""
    arns = _arns(document)
    account = _most(arn["account"] for arn in arns) or _most(_accounts(document)) or _last(_ACCOUNT, path)
    region = None
    if not operation.is_global:
        region = _most(arn["region"] for arn in arns) or _most(_zones(document)) or _last(_REGION, path)
    return DocumentPlace(account=account, region=region, partition=_most(arn["partition"] for arn in arns))


def accounts_in(answer: Mapping[str, Any], operation: Operation) -> Sequence[str]:
    """The accounts whose rows an answer of IAM lists, sorted: several if answers were put together."""
    if operation.service != "iam":
        return ()
    rows = (row for value in answer.values() if isinstance(value, list) for row in value)
    return sorted({account for row in rows if (account := _account_of_row(row))})


def rows_of(answer: Mapping[str, Any], account: str) -> dict[str, Any]:
    """The answer with that account's rows alone, and those of no account, as AWS's own policies are."""
    return {
        name: [row for row in value if _account_of_row(row) in (account, None)] if isinstance(value, list) else value
        for name, value in answer.items()
    }


def _account_of_row(row: Any) -> str | None:
    arn = row.get("Arn") if isinstance(row, Mapping) else None
    match = _ARN.match(arn) if isinstance(arn, str) else None
    return match["account"] if match else None


def with_neighbours(
    things: Sequence[tuple[T, Path, DocumentPlace]], regions: Sequence[str]
) -> Iterator[tuple[T, DocumentPlace]]:
    """Things with the places that those beside them have: the account of the nearest folder, an account's only region.

    ``things``: each with its file and its own place. ``regions``: the requested ones.
    """
    accounts: defaultdict[Path, set[str]] = defaultdict(set)
    for _, path, place in things:
        if place.account:
            for folder in path.parents:
                accounts[folder].add(place.account)
    settled = [(thing, _with_account(path, place, accounts)) for thing, path, place in things]
    known: defaultdict[str | None, set[str]] = defaultdict(set)
    for _, place in settled:
        if place.region:
            known[place.account].add(place.region)
    for thing, place in settled:
        only = _only(known[place.account] or set(regions))
        yield thing, structs.replace(place, region=place.region or only)


def _with_account(path: Path, place: DocumentPlace, accounts: Mapping[Path, set[str]]) -> DocumentPlace:
    nearest: set[str] = next((accounts[folder] for folder in path.parents if accounts[folder]), set())
    return structs.replace(place, account=place.account or _only(nearest))


def _only(names: Collection[str]) -> str | None:
    return next(iter(names)) if len(names) == 1 else None


def _arns(document: Mapping[str, Any]) -> list[re.Match[str]]:
    """Those that are the least deep inside: the things' own, or of what belongs to them."""
    if isinstance(document.get("Content"), bytes):
        return list(filter(None, map(_ARN.match, _places_reported(document["Content"]))))
    found = [(depth, match) for depth, _, text in _texts(document) if (match := _ARN.match(text))]
    least = min((depth for depth, _ in found), default=0)
    return [match for depth, match in found if depth == least]


def _places_reported(content: bytes) -> Iterable[str]:
    """The ARNs of a credential report; none if it cannot be read, which is reported when it is used."""
    try:
        report = parse_report(content)
    except ValueError:
        return ()
    return (*report.rows, *((report.root.arn,) if report.root else ()))


def _accounts(document: Mapping[str, Any]) -> Iterator[str]:
    for _, name, text in _texts(document):
        if name in _ACCOUNT_MEMBERS and _ACCOUNT.fullmatch(text):
            yield text


def _zones(document: Mapping[str, Any]) -> Iterator[str]:
    """The regions of availability zones."""
    for _, name, text in _texts(document):
        match = _ZONE.fullmatch(text) if name == "AvailabilityZone" else None
        if match:
            yield match[1]


def _texts(thing: Any, name: str = "", depth: int = 0) -> Iterator[tuple[int, str, str]]:
    """The texts in a document, how deep inside they are, and the members that they are."""
    match thing:
        case str():
            yield depth, name, thing
        case list():
            for each in thing[:ROWS_LOOKED_AT]:
                yield from _texts(each, name, depth)
        case Mapping() if depth < _PLACES_DEPTH:
            for member, each in thing.items():
                yield from _texts(each, member, depth + 1)


def _most(names: Iterable[str]) -> str | None:
    """The most frequent text; of several, the first."""
    counted = Counter(filter(None, names)).most_common(1)
    return counted[0][0] if counted else None


def _last(pattern: re.Pattern[str], path: str) -> str | None:
    """The innermost in a path that looks like it."""
    return next(reversed(pattern.findall(path)), None)
