"""Security events of Windows in the forms that they are exported in."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.core.offline import Unreadable
from connectors.ldap.logs.exports import FIELDS, WindowsRecords
from connectors.ldap.logs.windows import AGAIN, LOCAL, OTHER, OWN, WindowsSecurityLog
from scanner.model.activity import CallerDay, UnitReading
from tests.connectors.logs.audit_files import log_of, profiles, read_all, read_one
from tests.hostile_json import JSON

SID = "S-1-5-21-1004336348-1177238915-682003330-1104"
TIME = "2026-11-20T10:05:14.123456700Z"
DC, SQL = "DC1.corp.example.com", "SQL01.corp.example.com"
_numbers = itertools.count(1)


def data(id_: int, **more: str) -> dict[str, str]:
    """The fields of an event about the account ``svc-sql``."""
    given: Mapping[int, Mapping[str, str]] = {
        4624: {"TargetUserSid": SID, "TargetDomainName": "CORP", "LogonType": "3", "LmPackageName": "NTLM V2"},
        4625: {"TargetUserSid": "S-1-0-0", "TargetDomainName": "CORP", "LogonType": "3", "Status": "0xc000006e",
               "SubStatus": "0xc0000072", "AuthenticationPackageName": "NTLM", "WorkstationName": "APP7"},
        4768: {"TargetSid": SID, "TargetDomainName": "CORP", "Status": "0x0", "TicketEncryptionType": "0x12",
               "ServiceName": "krbtgt"},
        4769: {"TargetUserName": "svc-sql@CORP.EXAMPLE.COM", "TargetDomainName": "CORP.EXAMPLE.COM", "Status": "0x0",
               "ServiceName": "SQL01$", "TicketEncryptionType": "0x17"},
        4771: {"TargetSid": SID, "ServiceName": "krbtgt/CORP.EXAMPLE.COM", "Status": "0x12"},
        4776: {"Workstation": "\\\\APP7", "Status": "0xc0000072"},
    }  # fmt: skip
    address = {} if id_ == 4776 else {"IpAddress": "::ffff:10.1.2.3"}
    return {"TargetUserName": "svc-sql", **address, **given.get(id_, {}), **more}


def winlogbeat(id_: int = 4768, computer: str = DC, **more: str) -> dict[str, Any]:
    """An event as Winlogbeat writes it."""
    log = {"event_id": str(id_), "computer_name": computer, "record_id": next(_numbers), "channel": "Security"}
    return {"@timestamp": TIME, "winlog": {**log, "event_data": data(id_, **more)}}


def xml(id_: int, computer: str = DC, **more: str) -> str:
    """An event as Windows writes it."""
    fields = "".join(f"<Data Name='{name}'>{escape(value)}</Data>" for name, value in data(id_, **more).items())
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        f"<EventID>{id_}</EventID><TimeCreated SystemTime='{TIME}'/><EventRecordID>{next(_numbers)}</EventRecordID>"
        f"<Computer>{computer}</Computer></System><EventData>{fields}</EventData></Event>"
    )


def _written(root: Path, content: str | bytes, name: str) -> UnitReading:
    (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (reading,), _ = read_all(log_of(WindowsSecurityLog, root))
    return reading


def _only(reading: UnitReading) -> CallerDay:
    (profile,) = reading.callers
    return profile


def _forms() -> dict[str, tuple[str, str | bytes]]:
    fields, number = data(4768), 7
    values = [{"Value": fields.get(name, "-")} for name in FIELDS[4768]]
    flat = {"EventTime": "2026-11-20 10:05:14", "Hostname": DC, "EventID": 4768, "RecordNumber": number, **fields}
    system = {"EventID": {"#text": 4768}, "TimeCreated": {"#attributes": {"SystemTime": TIME}}, "Computer": DC}
    shell = {"Id": 4768, "TimeCreated": "/Date(1795169114123)/", "MachineName": DC, "RecordId": number}
    columns = {"TimeGenerated [UTC]": "11/20/2026, 10:05:14.000 AM", "Computer": DC, "EventID": "4768", **fields}
    table = "\n".join(";".join(row) for row in (columns, columns.values()))
    whole = f"\ufeff<?xml version='1.0'?>\n<Events>{xml(4768)}</Events>"
    return {
        "wevtutil": ("a.xml", xml(4768)),
        "event viewer": ("a.xml", whole),
        "powershell's encoding": ("a.xml", whole.encode("utf-16-le")),
        "evtx_dump xml": ("a.xml", f"Record 1\n<?xml version='1.0'?>\n{xml(4768)}\n"),
        "evtx_dump": ("a.jsonl", json.dumps({"Event": {"System": system, "EventData": fields}})),
        "winlogbeat": ("a.ndjson", json.dumps(winlogbeat())),
        "elasticsearch": ("a.json", json.dumps([{"_source": winlogbeat()}])),
        "nxlog": ("a.log", json.dumps(flat)),
        "get-winevent": ("a.json", json.dumps([{**shell, "Properties": values}], indent=1)),
        "azure monitor": ("a.csv", f"{table}\n"),
    }


@pytest.mark.parametrize("form", _forms())
def test_every_form_says_the_same(form: str, tmp_path: Path) -> None:
    name, content = _forms()[form]

    profile = _only(_written(tmp_path, content, name))

    assert (profile.scope, profile.caller, profile.unique_id) == (
        "corp.example.com", "svc-sql@corp.example.com", SID,
    )  # fmt: skip
    assert f"{profile.first_at:%Y-%m-%d %H:%M:%S}" == "2026-11-20 10:05:14"
    assert profile.counts == {
        "read=auth:kerberos": (1, 0, 0),
        "client=kerberos-aes256": (1, 0, 0),
        "network=private": (1, 0, 0),
        "sign_in=svc-sql@corp.example.com": (1, 0, 0),
    }


def test_a_service_ticket_names_no_sid_and_belongs_to_who_got_the_first_ticket(tmp_path: Path) -> None:
    profile = _only(read_one(WindowsSecurityLog, tmp_path, winlogbeat(4768), winlogbeat(4769)))

    assert profile.unique_id == SID
    assert profile.counts["secret=sql01:ticket"] == (1, 0, 0)
    assert profile.counts["client=kerberos-rc4"] == (1, 0, 0)


def test_what_every_account_does_at_a_domain_controller_has_not_to_be_declared(tmp_path: Path) -> None:
    """A logon by network; but not one at its keyboard."""
    at_controller = (winlogbeat(4624, DC), winlogbeat(4624, DC, LogonType="2"), winlogbeat(4769, ServiceName="DC1$"))

    reading = read_one(WindowsSecurityLog, tmp_path, winlogbeat(4768), *at_controller, winlogbeat(4624, SQL))
    counts = {text: count for one in reading.callers for text, count in one.counts.items()}

    assert {"read=auth:logon-network", "secret=dc1:logon-interactive", "secret=sql01:logon-network"} <= set(counts)
    assert "secret=dc1:ticket" not in counts
    assert counts["mark=interactive"] == (1, 0, 0)


def test_a_refused_account_names_host_and_program(tmp_path: Path) -> None:
    refused = winlogbeat(4625, SQL, ProcessName=r"C:\Apps\agent.exe"), winlogbeat(4771), winlogbeat(4776)
    found = profiles(WindowsSecurityLog, tmp_path, *refused)

    there, asked = found[r"corp\svc-sql"], found["svc-sql@corp.example.com"]
    assert (there.denied, asked.denied) == (1, 2)
    assert {"client=agent.exe", "host=app7", "host=10.1.2.3"} <= set(there.counts)
    assert asked.counts["read=auth:ntlm"] == asked.counts["read=auth:kerberos"] == (0, 1, 0)


def test_accounts_of_a_machine_are_not_those_of_the_domain_by_their_names(tmp_path: Path) -> None:
    """NTLM that a server checks itself is about an account of its own."""
    (caller,) = profiles(WindowsSecurityLog, tmp_path, winlogbeat(4776, SQL))

    assert caller == r"sql01\svc-sql"


def test_noise_is_left_out_by_name(tmp_path: Path) -> None:
    system = winlogbeat(4624, SQL, TargetUserSid="S-1-5-18", TargetUserName="SYSTEM")
    own = winlogbeat(4624, SQL, TargetUserName="SQL01$")
    local = winlogbeat(4624, SQL, TargetDomainName="SQL01")
    again = winlogbeat(4768, Status="0x19")
    reading = read_one(WindowsSecurityLog, tmp_path, winlogbeat(), system, own, local, again, winlogbeat(4634))

    assert {one.what: one.records for one in reading.left_out} == {OWN: 2, LOCAL: 1, AGAIN: 1, OTHER: 1}
    assert reading.events == 1


def test_a_server_in_trouble_is_no_refusal(tmp_path: Path) -> None:
    """A clock that is wrong, for one."""
    (profile,) = profiles(WindowsSecurityLog, tmp_path, winlogbeat(4771, Status="0x25")).values()

    assert (profile.denied, profile.counts["read=auth:kerberos"]) == (0, (0, 0, 1))


def test_an_event_in_two_exports_counts_once(tmp_path: Path) -> None:
    event = xml(4768)
    (tmp_path / "a.xml").write_text(event, encoding="utf-8")

    assert _written(tmp_path, f"<Events>{event}{xml(4768)}</Events>", "b.xml").events == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"ElfFile\0" + bytes(100), "export it with wevtutil"),
        ("Keywords,Date and Time,Source,Event ID,Task Category\nAudit Success,1,2,4624,Logon\n", "export them as XML"),
        ("a,b\n1,2\n", "it is no export of events"),
        (xml(4768)[:-20], "its last event is cut short"),
    ],
)
def test_what_cannot_be_read_is_a_gap_that_says_what_to_do(content: str | bytes, says: str, tmp_path: Path) -> None:
    reading = _written(tmp_path, content, "a.xml")

    assert says in str(reading.coverage[0].detail)
    assert not reading.callers


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    """Such an event costs itself; the other counts, and its day is not covered."""
    bomb = xml(4768, TargetUserName="&a;").replace("&amp;a;", "&a;")
    reading = _written(tmp_path, f"<!DOCTYPE e [<!ENTITY a 'aaaa'>]><Events>{bomb}{xml(4768)}</Events>", "a.xml")

    assert (reading.events, reading.coverage[0].status) == (1, "partial")


def test_what_is_too_long_costs_itself(tmp_path: Path) -> None:
    """An event as XML; a cell of CSV may be longer than the parser's default."""
    long = xml(4768, TargetUserName="x" * 2**20)
    (tmp_path / "csv").mkdir()
    columns = {"TimeGenerated": TIME, "Computer": DC, "EventID": "4768", "Message": "x" * 200_000, **data(4768)}
    table = "".join(f"{';'.join(row)}\n" for row in (columns, columns.values(), columns.values()))

    reading = _written(tmp_path, f"{long}{xml(4768)}", "a.xml")
    assert (reading.events, reading.coverage[0].status) == (1, "partial")
    assert _written(tmp_path / "csv", table, "a.csv").events == 1


def test_a_row_that_is_no_csv_costs_itself(tmp_path: Path) -> None:
    """A bare carriage return, also in the heading."""
    columns = {"TimeGenerated": TIME, "Computer": DC, "EventID": "4768", "odd\rname": "x", **data(4768)}
    row = ";".join(columns.values())
    broken = row.replace(DC, f"{DC}\rx")
    table = "\n".join((";".join(columns), row, broken, row.replace("svc-sql", "svc-b"), ""))

    reading = _written(tmp_path, table, "a.csv")

    assert (reading.events, reading.coverage[0].status) == (2, "partial")
    assert str(reading.coverage[0].detail).endswith("such as record 2 of a.csv")


@example(b"EventID,TargetUserName\rx\n1,\r2\n")
@given(st.binary(max_size=200) | st.text(alphabet="<Event>/=' \nid,;T", max_size=120).map(str.encode))
def test_any_bytes_are_records_or_unreadable(content: bytes) -> None:
    try:
        found = list(WindowsRecords().of([content]))
    except Unreadable:
        return
    assert all(isinstance(one, dict) for some in found for one in some)


@given(JSON)
def test_any_document_costs_at_most_itself(document: Any) -> None:
    from connectors.ldap.logs.exports import parse_event

    for row in ({"winlog": document}, {"Event": document}, {"Properties": document, "Id": 4768}, {"_source": document}):
        try:
            event = parse_event({"@timestamp": TIME, **row})
        except Unreadable:
            continue
        assert event is None or all(isinstance(one, str) for one in event.data.values())
