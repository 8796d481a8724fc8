"""Last authentications: asked once for all projects below an organisation or folder, else project by project."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from datetime import UTC, datetime

from msgspec import Struct

from connectors.base import DiscoveredRecord, Gone, SectionReading
from connectors.gcp import requests as r
from connectors.gcp.each import Reading, instead_in_each
from connectors.gcp.errors import Rejected
from connectors.gcp.reader import Reader
from connectors.gcp.request import Request
from connectors.gcp.usage.activities import Activity, Use, account_in, key_in, parse_use
from connectors.gcp.usage.joined import ACCOUNTS, KEYS
from scanner.errors import Denied

NOT_RECORDED = "HMAC keys, API keys bound to an account and domain-wide delegation leave no trace here"


class _Record(Struct, frozen=True, kw_only=True):
    """``subject``: whom a row is of. ``put``: where what it tells goes."""

    section: str
    request: Request
    subject: Callable[[Activity], str | None]
    put: Callable[[Reader], MutableMapping[str, Use]]
    note: str | None = None


_ACCOUNTS = _Record(
    section=ACCOUNTS,
    request=r.ACCOUNT_ACTIVITIES,
    subject=account_in,
    put=lambda reader: reader.found.used,
    note=NOT_RECORDED,
)
_KEYS = _Record(section=KEYS, request=r.KEY_ACTIVITIES, subject=key_in, put=lambda reader: reader.found.keys_used)


def _reading(record: _Record) -> Reading:
    """Of whatever place the unit is; nothing is asked of a project that its organisation or folder answered for."""

    def read(reader: Reader) -> Iterator[DiscoveredRecord]:
        refused = False
        with reader.section(record.section) as section:
            try:
                _read(reader, section, record)
            except (Denied, Rejected, Gone) as error:
                if reader.place.kind == "project":
                    raise
                refused = True
                section.note(f"not to be had for all projects at once, each was asked: {error}")
        if refused:
            yield from instead_in_each(reader, section.coverage, read)
        else:
            yield from reader.done(section)

    return read


def _read(reader: Reader, section: SectionReading, record: _Record) -> None:
    now, found = datetime.now(UTC), record.put(reader)
    until: datetime | None = None
    for row in reader.rows(section, record.request, Activity, parent=reader.place.name):
        subject = record.subject(row)
        if subject is None:
            section.malformed(row.full_resource_name, "it does not say whose activity it is")
            continue
        found[subject] = use = parse_use(row, now=now)
        until = max(filter(None, (until, use.until)), default=None)
    if until is not None:
        section.note(f"recorded up to {until:%Y-%m-%d}, by days")
    if record.note is not None:
        section.note(record.note)


read_use_of_accounts = _reading(_ACCOUNTS)
read_use_of_keys = _reading(_KEYS)
