r"""Security events of Windows: who got a ticket or signed in where, and who was refused.

An account is named by its SID where the event has it, else as ``domain\name`` or ``name@domain``.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final, NamedTuple

from connectors.ldap.logs.exports import TABLES, Row, WindowsEvent, WindowsRecords, parse_event
from connectors.logs import LogSpec
from connectors.logs.content import Records
from connectors.logs.events import INTERACTIVE, Event, EventCounting, LogAct
from connectors.logs.files import FileLog
from connectors.logs.folders import Layout, file_endings
from connectors.logs.names import Networks, plain
from connectors.logs.tally import DENIED, DONE, FAILED
from scanner.model.activity import FeatureSort

SPEC = LogSpec(
    name="windows_security",
    title="Windows security events",
    provider="activedirectory",
    blind_spots=(
        "Machines whose events are not given: each domain controller has its own log.",
        "What is done after a sign-in, and binds to the directory by themselves.",
        "Whose sign-in a refused one was meant to be, if it names an account without SID and domain.",
        "Use that cached tickets allow: they last for hours.",
    ),
)
LOGON, REFUSED_LOGON, TICKET, SERVICE_TICKET, REFUSED_TICKET, NTLM = 4624, 4625, 4768, 4769, 4771, 4776
_OF_CONTROLLERS = frozenset({TICKET, SERVICE_TICKET, REFUSED_TICKET})
"""Events that only domain controllers log."""
OTHER, OWN, LOCAL, AGAIN = (
    "other events",
    "of accounts that every machine has, and of the machine itself",
    "of local accounts",
    "tries that the protocol asks to repeat",
)
"""Classes of events that are not counted."""
_SID = re.compile(r"S-1-\d{1,15}(?:-\d{1,10}){1,15}")
_OF_DOMAIN = ("S-1-5-21-", "S-1-12-1-")
_NOBODY: Final = "S-1-0-0"
_LOCALHOST = frozenset({"::1", "127.0.0.1", "localhost"})
_NETWORK: Final = "3"
_TYPES: Final[dict[str, str]] = TABLES["logon"]["types"]
_INTERACTIVE = frozenset(map(str, TABLES["logon"]["interactive"]))
_ENCRYPTION = {number: name for name, numbers in TABLES["encryption"].items() for number in numbers}
_AGAIN = frozenset(TABLES["kerberos"]["again"])
_FAILED = frozenset({*TABLES["kerberos"]["failed"], *TABLES["ntstatus"]["failed"]})
_MOST_DIGITS = 12


class _WindowsRaw(NamedTuple):
    id: int
    computer: str
    sid: str
    caller: str
    target: str
    logon_type: str
    package: str
    process: str
    address: str
    workstation: str
    assumed_by: str
    certificate: str
    outcome: int


class WindowsCounting(EventCounting[Row]):
    """Counts the events of one unit. Which machines are domain controllers follows from what they log."""

    covers_everything = True

    def __init__(self, networks: Networks) -> None:
        super().__init__(networks)
        self._controllers: set[str] = set()

    def event(self, record: Row) -> Event | str | None:
        """See ``EventCounting``. Raises Unreadable for a record that is no event."""
        event = parse_event(record)
        if event is None:
            return OTHER
        if event.id in _OF_CONTROLLERS:
            self._controllers.add(event.computer)
        code = _code(event)
        if event.id in _OF_CONTROLLERS and code in _AGAIN:
            return AGAIN
        if (left_out := _left_out(event)) is not None:
            return left_out
        outcome = DONE if not code else FAILED if code in _FAILED else DENIED
        raw = _raw(event, outcome)
        if event.record:
            return Event(event.time, f"{event.computer}:{event.record}", raw, once=(*_place(event), event.record))
        return Event(event.time, "", raw, once=(*_place(event), tuple(event.data.items())))

    def act(self, raw: Any) -> LogAct:
        """See ``EventCounting``: the act is a ticket, or a logon at a machine."""
        what: _WindowsRaw = raw
        short, _, domain = what.computer.partition(".")
        is_controller = what.computer in self._controllers
        sort, action = _action(what, short, to_controller=self._is_controller(what.target), is_controller=is_controller)
        caller = what.caller
        if "\\" not in caller and "@" not in caller:
            # Of an event without a domain: a controller knows its own, any other machine checks accounts of its own.
            caller = f"{caller}@{domain}" if is_controller and domain else f"{short}\\{caller}"
        features = self._features(what, sort, action)
        if what.outcome == DONE:
            if what.sid:
                features = (*features, f"sign_in={plain(caller)}")
        else:
            hosts = [plain(what.workstation, 60)] if what.workstation else []
            if what.address:
                hosts.append(self.networks.host(what.address[:200]))
            features = (*features, *(f"host={one}" for one in hosts))
        return LogAct(plain(domain, 120) or "domain", plain(caller), features, what.sid, what.outcome)

    def _is_controller(self, account: str) -> bool:
        return any(account == one.partition(".")[0] for one in self._controllers)

    def _features(self, what: _WindowsRaw, sort: FeatureSort, action: str) -> tuple[str, ...]:
        client = what.process if what.process and what.outcome != DONE else what.package
        found = self.features(sort, action, address=what.address, client=client, credential=what.certificate)
        if what.assumed_by:
            found = (*found, f"assumed_by={plain(what.assumed_by, 128)}")
        return (*found, INTERACTIVE) if what.logon_type in _INTERACTIVE else found


def _action(what: _WindowsRaw, host: str, *, to_controller: bool, is_controller: bool) -> tuple[FeatureSort, str]:
    """Tickets and logons are for a machine or an account. What every account does at domain controllers is ``auth``."""
    if what.id in (LOGON, REFUSED_LOGON):
        logon = f"logon-{_TYPES.get(what.logon_type, 'other')}"
        if is_controller and what.logon_type == _NETWORK:
            return "read", f"auth:{logon}"
        return "secret", f"{_service(host)}:{logon}"
    if what.id == SERVICE_TICKET and what.target != "krbtgt" and not to_controller:
        return "secret", f"{_service(what.target)}:ticket"
    return "read", "auth:ntlm" if what.id == NTLM else "auth:kerberos"


def _service(name: str) -> str:
    return plain(name.replace(":", " "), 64) or "unknown"


def _place(event: WindowsEvent) -> tuple[str, str, int]:
    return event.computer, event.time, event.id


def _code(event: WindowsEvent) -> int:
    """The code of a refusal; 0 for success."""
    if event.id == LOGON:
        return 0
    text = event.data.get("SubStatus") or ""
    code = _hex(text) if event.id == REFUSED_LOGON else 0
    code = code or _hex(event.data.get("Status", ""))
    return code or (1 if event.id in (REFUSED_LOGON, REFUSED_TICKET) else 0)


def _hex(text: str) -> int:
    try:
        return int(text[:_MOST_DIGITS], 16 if text.lower().startswith("0x") else 10)
    except ValueError:
        return 0


def _sid(event: WindowsEvent) -> str:
    found = event.data.get("TargetUserSid") or event.data.get("TargetSid") or ""
    return found if _SID.fullmatch(found) and found != _NOBODY else ""


def _left_out(event: WindowsEvent) -> str | None:
    """The class of an event that says nothing of an account of the domain."""
    sid, name = _sid(event), event.data.get("TargetUserName", "").lower()
    host, domain = event.computer.partition(".")[0], event.data.get("TargetDomainName", "").lower()
    if (sid and not sid.startswith(_OF_DOMAIN)) or (name.endswith("$") and name.partition("@")[0] == f"{host}$"):
        return OWN
    if not name and not sid:
        return OWN
    return LOCAL if host and domain == host else None


def _raw(event: WindowsEvent, outcome: int) -> _WindowsRaw:
    data = event.data
    certificate = data.get("CertSerialNumber", "").lower().lstrip("0")
    address = data.get("IpAddress", "").lower().removeprefix("::ffff:")
    return _WindowsRaw(
        event.id,
        event.computer,
        _sid(event),
        _caller(event),
        data.get("ServiceName", "").lower().partition("/")[0].removesuffix("$"),
        data.get("LogonType", ""),
        _package(event),
        re.split(r"[\\/]", data.get("ProcessName", ""))[-1].lower(),
        "" if address in _LOCALHOST else address,
        (data.get("WorkstationName") or data.get("Workstation") or "").lower().lstrip("\\"),
        _assumer(event),
        certificate,
        outcome,
    )


def _caller(event: WindowsEvent) -> str:
    r"""The account as ``domain\name`` or ``name@domain``; without a domain its name alone."""
    name = event.data.get("TargetUserName", "").lower()
    domain = event.data.get("TargetDomainName", "").lower()
    if event.id in (TICKET, REFUSED_TICKET):  # a controller gives tickets to accounts of its own domain alone
        domain = event.computer.partition(".")[2] or domain
    if "\\" in name or "@" in name or not domain:
        return name
    return f"{name}@{domain}" if "." in domain else f"{domain}\\{name}"


def _package(event: WindowsEvent) -> str:
    """How it signed in: ``kerberos-aes256``, ``ntlm-v2``."""
    if event.id in _OF_CONTROLLERS:
        known = _ENCRYPTION.get(_hex(event.data.get("TicketEncryptionType", "")))
        return f"kerberos-{known}" if known else "kerberos"
    package = event.data.get("LmPackageName") or event.data.get("AuthenticationPackageName") or ""
    if event.id == NTLM:
        return "ntlm"
    return plain(package.lower().replace(" ", "-"), 25)


def _assumer(event: WindowsEvent) -> str:
    """Who signed in as the account: whoever delegates to it, or the account that began the logon."""
    data = event.data
    if (transmitted := data.get("TransmittedServices", "").lower()) and event.id in (LOGON, SERVICE_TICKET):
        return transmitted
    subject = data.get("SubjectUserSid", "")
    if event.id != LOGON or not subject.startswith(_OF_DOMAIN) or subject == data.get("TargetUserSid"):
        return ""
    name, domain = data.get("SubjectUserName", "").lower(), data.get("SubjectDomainName", "").lower()
    is_machine = name == f"{event.computer.partition('.')[0]}$"
    return "" if is_machine else f"{domain}\\{name}" if domain else name


class WindowsSecurityLog(FileLog):
    """Reads exported files. ``source``: the directory whose accounts the events are about."""

    spec: ClassVar[LogSpec] = SPEC
    layout: ClassVar[Layout] = Layout(
        endings=file_endings("xml", "json", "ndjson", "jsonl", "csv", "log", "txt", whole="evtx")
    )
    records: ClassVar[Records[Row]] = WindowsRecords()

    def counting(self, networks: Networks) -> WindowsCounting:
        """See ``FileLog``."""
        return WindowsCounting(networks)
