"""Security events of Windows in the forms in which they are exported, as one record. Pure.

XML (Event Viewer, ``wevtutil``, ``evtx_dump``), JSON (Winlogbeat, NXLog, ``Get-WinEvent | ConvertTo-Json``,
``evtx_dump``, Azure Monitor's ``SecurityEvent``), and CSV whose columns are the fields. Binary files are not read.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from xml.etree import ElementTree as ET

from msgspec import Struct

from connectors.core.budget import MEBIBYTE
from connectors.core.offline import Unreadable
from connectors.logs.content import MOST_LINE, CutLine, Records, begun
from connectors.logs.spoilt import WRONG, Spoilt
from connectors.logs.tally import NO_TIME, valid_time
from scanner.catalog import read_table

Row = dict[str, Any]
TABLES: Final[Mapping[str, Any]] = read_table("connectors.ldap.logs", "windows.toml", dict[str, Any])
FIELDS: Final[Mapping[int, Sequence[str]]] = {int(id_): names for id_, names in TABLES["fields"].items()}
"""The fields of the events that are read, in the order of their templates."""
_SPACE = b" \t\r\n\xef\xbb\xbf"
_SEEN = 4
"""Bytes that tell the form of a file."""
_BINARY = b"ElfFile\0"
_BATCH = 1_000
_MOST_EVENT = MEBIBYTE
"""Bytes of an event as XML. Windows holds one in 64 KB; a parser takes thirty times what it reads."""
_LONGEST = 400
_BEGIN, _END = re.compile(rb"<Event(?=[\s>])"), b"</Event>"
_EPOCH = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
_SLASHES = re.compile(r"(\d{4})/(\d\d)/(\d\d)([ T].*)")
_PORTAL_TIME = "%m/%d/%Y, %I:%M:%S.%f %p"
_IDS = ("EventID", "EventId", "event_id", "Id", "Event ID", "EventCode", "event.code")
_TIMES = ("SystemTime", "TimeCreated", "TimeGenerated", "@timestamp", "EventTime", "UtcTime", "timestamp", "_time")
_COMPUTERS = ("Computer", "MachineName", "Hostname", "computer_name", "host")
_RECORDS = ("EventRecordID", "EventRecordId", "RecordId", "RecordNumber", "record_id", "record_number")


class WindowsEvent(Struct, frozen=True, gc=False):
    """An event. ``time``: in UTC, sortable. ``computer``: the machine that logged it, in lower case.

    ``record``: its number in that machine's log, or empty. ``data``: its fields by their names; ``-`` is left out.
    """

    id: int
    time: str
    computer: str
    record: str
    data: Mapping[str, str]


def parse_event(row: Row) -> WindowsEvent | None:
    """The event of a record; None for another one than those of ``windows.toml``. Raises Unreadable."""
    source = row.get("_source")
    row = source if isinstance(source, dict) else row
    system, given = _parts(row)
    id_ = _number(_first(system, _IDS))
    if id_ is None:
        raise Unreadable("one of its records is no event of Windows")
    names = FIELDS.get(id_)
    if names is None:
        return None
    values = {name: text for name in names if (text := _text(given.get(name))) and text != "-"}
    computer = _text(_first(system, _COMPUTERS)).lower().rstrip(".")
    return WindowsEvent(id_, _time(_first(system, _TIMES)), computer, _text(_first(system, _RECORDS)), values)


def _parts(row: Row) -> tuple[Row, Row]:
    """What a record says of the event, and the event's fields."""
    winlog = row.get("winlog")
    if isinstance(winlog, dict):
        return {"@timestamp": row.get("@timestamp"), **winlog}, _dict(winlog.get("event_data"))
    event = row.get("Event")
    if isinstance(event, dict):
        return _dict(event.get("System")), _dict(event.get("EventData"))
    properties = row.get("Properties")
    if isinstance(properties, list):
        names = FIELDS.get(_number(_first(row, _IDS)) or 0, ())
        return row, dict(zip(names, map(_value, properties), strict=False))
    data = row.get("event_data")
    return row, data if isinstance(data, dict) else row


def _dict(value: object) -> Row:
    return value if isinstance(value, dict) else {}


def _value(value: object) -> object:
    """The value of a property, of a SID as an object, or of an element with attributes."""
    for _ in range(3):
        if not isinstance(value, dict):
            return value
        found = next((value[name] for name in ("Value", "value", "#text", "SystemTime") if name in value), None)
        value = value.get("#attributes") if found is None else found
    return None


def _first(row: Row, names: Iterable[str]) -> object:
    return next((found for name in names if (found := _value(row.get(name))) not in (None, "")), None)


def _text(value: object) -> str:
    value = _value(value)
    if isinstance(value, str):
        return value.strip()[:_LONGEST]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _number(value: object) -> int | None:
    text = _text(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= len("65535") else None


def _time(value: object) -> str:
    """A time in UTC; one without a zone is taken for UTC. Raises Unreadable."""
    if not isinstance(value, str):
        raise Unreadable(NO_TIME)
    text = value.strip()
    if found := _EPOCH.fullmatch(text):
        try:
            text = datetime.fromtimestamp(int(found[1]) / 1000, UTC).isoformat()
        except (OverflowError, ValueError, OSError) as error:
            raise Unreadable(NO_TIME) from error
    elif found := _SLASHES.fullmatch(text):
        text = f"{found[1]}-{found[2]}-{found[3]}{found[4]}"
    elif text.endswith(("AM", "PM")):
        try:
            text = datetime.strptime(text, _PORTAL_TIME).replace(tzinfo=UTC).isoformat()
        except ValueError as error:
            raise Unreadable(NO_TIME) from error
    if text.endswith(" UTC"):
        text = f"{text.removesuffix(' UTC')}Z"
    return valid_time(text.replace(" ", "T", 1))


class WindowsRecords(Records[Row]):
    """Decodes files in any of the forms. UTF-16, as PowerShell redirects, is one of their encodings."""

    def __init__(self) -> None:
        super().__init__(Row, ("Events", "value", "records"))

    def of(self, pieces: Iterable[bytes], spoilt: Spoilt | None = None) -> Iterator[list[Row]]:
        """See ``Records``."""
        spoilt = spoilt or Spoilt()
        head, whole = begun(pieces, _SEEN)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            head, whole = begun(_as_utf8(whole), _SEEN)
        seen = head.lstrip(_SPACE)
        if head.startswith(_BINARY):
            raise Unreadable("it is a binary event log: export it with wevtutil qe FILE /lf:true /f:xml")
        if seen.startswith((b"<", b"Record ")):
            yield from _events(whole, spoilt)
        elif seen.startswith((b"{", b"[")):
            yield from super().of(whole, spoilt)
        else:
            yield from _rows(whole, spoilt)


def _as_utf8(pieces: Iterable[bytes]) -> Iterator[bytes]:
    return (text.encode("utf-8", "replace") for text in codecs.iterdecode(pieces, "utf-16", "replace"))


# --- XML ---


def _events(pieces: Iterable[bytes], spoilt: Spoilt) -> Iterator[list[Row]]:
    """The elements ``Event``, wherever they stand. Each is parsed by itself, so that none can define entities."""
    rest, batch = b"", list[Row]()
    for piece in pieces:
        *found, rest = (rest + piece).split(_END)
        for part in found:
            try:
                batch.append(_element(part))
            except WRONG as error:
                yield spoilt.next(batch)
                batch = []
                spoilt.undecoded(part, error)
        if len(batch) >= _BATCH:
            yield spoilt.next(batch)
            batch = []
        if len(rest) > MOST_LINE:
            raise Unreadable(f"one of its events is longer than {MOST_LINE // MEBIBYTE} MB")
    yield spoilt.next(batch)
    if _BEGIN.search(rest):
        raise CutLine("its last event is cut short")


def _element(part: bytes) -> Row:
    if len(part) > _MOST_EVENT:
        raise Unreadable(f"one of its events is longer than {_MOST_EVENT // MEBIBYTE} MB")
    begin = _BEGIN.search(part)
    if begin is None:
        raise Unreadable("one of its elements is no event")
    try:
        root = ET.fromstring(part[begin.start() :] + _END)  # noqa: S314  # no DTD can precede the element that it begins with, so no entity is defined
    except ET.ParseError as error:
        raise Unreadable("one of its events is no XML") from error
    system: Row = {}
    data: Row = {}
    for section in root:
        match _local(section.tag):
            case "System":
                for one in section:
                    system[_local(one.tag)] = one.get("SystemTime") or one.text
            case "EventData":
                data |= {one.get("Name", ""): one.text for one in section}
    return {"Event": {"System": system, "EventData": data}}


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


# --- CSV ---


def _rows(pieces: Iterable[bytes], spoilt: Spoilt) -> Iterator[list[Row]]:
    lines = _lines(codecs.iterdecode(pieces, "utf-8-sig", "replace"))
    head = next(lines, "")
    separator = max(",;\t", key=head.count)
    csv.field_size_limit(MOST_LINE)  # by default, a longer cell than 131,072 ends the reading
    named = next(csv.reader([head.replace("\r", " ")], delimiter=separator), [])
    names = [name.strip().removesuffix(" [UTC]") for name in named]
    if not set(_IDS).intersection(names):
        raise Unreadable("it is no export of events")
    if "TargetUserName" not in names:
        raise Unreadable("its events have no fields, only messages: export them as XML")
    batch: list[Row] = []
    reader = csv.reader(lines, delimiter=separator)
    while True:
        try:
            batch.append(dict(zip(names, next(reader), strict=False)))
        except StopIteration:
            break
        except csv.Error:  # a bare carriage return, or a cell without an end; the reader goes on with the next line
            yield spoilt.next(batch)
            batch = []
            spoilt.undecoded(b"", Unreadable("one of its rows is no CSV"))
        if len(batch) >= _BATCH:
            yield spoilt.next(batch)
            batch = []
    yield spoilt.next(batch)


def _lines(texts: Iterable[str]) -> Iterator[str]:
    rest = ""
    for text in texts:
        *whole, rest = (rest + text).split("\n")
        yield from (f"{line}\n" for line in whole)
        if len(rest) > MOST_LINE:
            raise Unreadable(f"one of its lines is longer than {MOST_LINE // MEBIBYTE} MB")
    if rest:
        yield rest
