"""CloudTrail's records: who acted, what was done, and what it meant for others. No request parameter is kept.

Source of the shapes: CloudTrail's user guide, "CloudTrail record contents".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias, cast

import msgspec
from msgspec import Raw, Struct, field

from connectors.aws.logs.actions import COPY, OTHER, OWN, PROVIDER, Action, is_denied, member, role_account
from connectors.aws.logs.callers import MCP_SERVICE, NO_CALLER, Caller, Who, caller_of, host_of, is_copy, on_behalf_of
from connectors.aws.logs.hosts import Hosts, is_hosted
from connectors.core.offline import Unreadable
from connectors.logs.folders import Layout, Redelivery
from connectors.logs.names import INTERACTIVE_CLIENTS, Networks, client_of, plain
from connectors.logs.spoilt import WRONG
from connectors.logs.tally import DENIED, DONE, FAILED, HOURS, MOST_RAW, NO_TIME, Counted, Counting, LogProfile, Row
from scanner.model.activity import BY_PROVIDER
from scanner.text import either

_ID = attrgetter("event_id")
_DAY = r"(?P<year>\d{4})/(?P<month>\d\d)/(?P<day>\d\d)"
_BRANCH = r"(?:^|/)AWSLogs/(?:o-[a-z0-9]+/)?(?P<scope>\d{12})/CloudTrail/(?P<part>[a-z0-9-]+)/"
LAYOUT = Layout(
    dated=(
        re.compile(_BRANCH + _DAY + "/[^/]+$"),
        re.compile(
            r"(?P<scope>\d{12})_CloudTrail_(?P<part>[a-z0-9-]+)_(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)T\d{4}Z_[^/]*$"
        ),
        re.compile(
            r"/region=(?P<part>[a-z0-9-]+)/accountid=(?P<scope>\d{12})"
            r"/eventday=(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)/[^/]+$",
            re.IGNORECASE,
        ),
    ),
    left_out=re.compile(
        r"/CloudTrail-(?:Digest|Insight|Aggregated)/|_CloudTrail-(?:Digest|Insight|Aggregated)_"
        r"|(?:^|/)AWSLogs/(?:o-[a-z0-9]+/)?\d{12}/(?!CloudTrail/|$)"
    ),
    branch=re.compile(_BRANCH + "$"),
    redelivery=Redelivery(
        stamp=re.compile(r"_\d{8}T(?P<hour>\d\d)(?P<minute>\d\d)Z_[^/]*$"),
        when=attrgetter("event_time"),
        which=_ID,
    ),
    unique_names=True,
)
"""An account's trail and an organization's; copies that have kept nothing but the files' names; Security Lake."""

_Flag = bool | str | None
_EVENT_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
_TOOL = re.compile(r"[\w.:@-]{1,128}", re.ASCII)
_CALL, _OF_SERVICES = "AwsApiCall", "AwsServiceEvent"
_OF_OTHERS = frozenset({"AwsCloudTrailInsight", "AwsVpceEvent"})
"""Types of events that are about other events: what is unusual, and what passed an endpoint."""
_APART = {
    OTHER: "about other events (Insights, network activity)",
    COPY: "as copies for another account than the caller's",
    PROVIDER: BY_PROVIDER,
}
"""The classes of events that are in no profile."""
_MOST_ACTIONS = 50_000
_OFF_HOST = ("mark=off_host",)
_BY_MCP = "tool=aws-mcp"
_NOTHING = Raw(b"null")
_WHO = msgspec.json.Decoder(Who | None)
_MOST_WHOS, _LONGEST_WHO = 10_000, 4096
"""Callers that are kept decoded, and the bytes of each; those of real events have a few hundred."""
_THE_CALLER = "\0"


class Event(Struct, gc=False, frozen=True):
    """One record, as far as it is read. ``who``: a caller's are mostly the same bytes, so each is decoded once."""

    event_time: str = field(name="eventTime")
    event_source: str = field(name="eventSource")
    event_name: str = field(name="eventName")
    event_id: str = field(name="eventID")
    who: Raw = field(default=_NOTHING, name="userIdentity")
    region: str | None = field(default=None, name="awsRegion")
    address: str | None = field(default=None, name="sourceIPAddress")
    user_agent: str | None = field(default=None, name="userAgent")
    error_code: str | None = field(default=None, name="errorCode")
    read_only: _Flag = field(default=None, name="readOnly")
    request: Raw = field(default=_NOTHING, name="requestParameters")
    response: Raw = field(default=_NOTHING, name="responseElements")
    event_type: str | None = field(default=None, name="eventType")
    recipient: str | None = field(default=None, name="recipientAccountId")
    endpoint: str | None = field(default=None, name="vpcEndpointId")
    from_console: _Flag = field(default=None, name="sessionCredentialFromConsole")


class _Detail(NamedTuple):
    """The relevant facts in the request and the response of an event."""

    target: str = ""
    target_id: str = ""
    decrypted: bool = False
    tool: str = ""
    changed: tuple[str, ...] = ()
    instance: str = ""
    login_failed: bool = False


_NO_DETAIL = _Detail()


class _Key(NamedTuple):
    """The common facts of similar events. ``identity``: the caller and its key."""

    action: Action
    identity: object
    address: str | None
    user_agent: str | None
    region: str | None
    error_code: str | None
    endpoint: str | None
    read_only: _Flag
    from_console: _Flag
    invoked_by: str | None
    acting: str
    detail: _Detail
    on_behalf_of: str


_Known: TypeAlias = tuple[Who, tuple[str | None, str | None], str]
"""A caller, its identity, and on whose behalf it acts."""


class _Client(NamedTuple):
    """The facts in a user agent."""

    feature: str
    is_interactive: bool
    is_hosted: bool


class CloudTrailCounting(Counting):
    """Counts the records of one unit. ``networks``: what addresses are called."""

    def __init__(self, networks: Networks) -> None:
        super().__init__()
        self._network = lru_cache(maxsize=20_000)(lambda address: f"network={networks.name(address)}")
        self._hosts = Hosts(networks)
        self._region = ""
        self._seen: set[int] = set()
        self._actions: dict[tuple[str, str], Action] = {}
        self._whos: dict[bytes, _Known] = {}
        self._callers: dict[tuple[object, ...], tuple[Caller, str]] = {}
        self._apart: Counter[tuple[str, str | None]] = Counter()

    def begin(self, name: str) -> None:
        """In another region no event is delivered again: its ids need not be known."""
        found = LAYOUT.part(name)
        if found != self._region:
            self._region = found
            self._seen.clear()

    def take(self, records: Sequence[Event]) -> None:  # noqa: C901  # a call a record is a tenth of the time
        """See ``Counting``."""
        actions, whos, apart, hours = self._actions, self._whos, self._apart, HOURS
        rows, day = dict[int, Row](), ""
        before = len(self._seen)
        for event in self._new(records):
            try:
                action = actions.get((event.event_source, event.event_name)) or self._action(event)
                who, identity, behalf = whos.get(bytes(event.who)) or self._who(event.who)
                acting = OWN
                if event.event_type != _CALL or who.account_id != event.recipient or who.invoked_by is not None:
                    acting = _acting(event, who)
                    if not action.matters_to[acting]:
                        apart[acting, event.recipient or who.account_id] += 1
                        continue
                detail = self._detail(event, action, who) if action.reads else _NO_DETAIL
                key = (
                    action, identity, event.address, event.user_agent, event.region, event.error_code, event.endpoint,
                    event.read_only, event.from_console, who.invoked_by, acting, detail, behalf,
                )  # fmt: skip
                time = event.event_time
                if time[:10] != day:
                    rows, day = self.raw.rows_of(time), time[:10]
                row = rows.get(at := hash(key))
                if row is None:
                    rows[at] = [1, hours[time[11:13]], time, time, event.event_id, (key, who, event.recipient)]
                else:
                    row[1] |= hours[time[11:13]]
                    row[0] += 1
                    if time > row[3]:
                        row[3] = time
                    elif time < row[2]:
                        row[2], row[4] = time, event.event_id
            except (*WRONG, KeyError) as error:
                self._refuse(event, Unreadable(NO_TIME) if isinstance(error, KeyError) else error)
                continue
            if acting is not OWN:
                apart[acting, event.recipient or who.account_id] += 1
        self.events += len(self._seen) - before
        self.raw.relieve()
        if len(self._callers) > MOST_RAW:
            self._callers.clear()

    def _new(self, records: Sequence[Event]) -> Iterable[Event]:
        """Those of an id that was not seen yet; mostly all of them."""
        numbers = set(map(hash, map(_ID, records)))
        if len(numbers) < len(records) or not self._seen.isdisjoint(numbers):
            return self._once(records)
        self._seen |= numbers
        return records

    def _once(self, records: Sequence[Event]) -> Iterator[Event]:
        for event in records:
            number = hash(event.event_id)
            if number not in self._seen:
                self._seen.add(number)
                yield event

    def _who(self, raw: Raw) -> _Known:
        """The caller, and what is known of it. Raises what a wrong one causes."""
        content = bytes(raw)
        who = _WHO.decode(content) or NO_CALLER
        # The id of a key alone would do for real events. Where logs were anonymised, many callers share one.
        identity = who.access_key_id, who.arn or who.principal_id or who.user_name or who.type
        found = who, identity, "" if who.on_behalf_of is None else on_behalf_of(who)
        if len(content) <= _LONGEST_WHO:
            if len(self._whos) >= _MOST_WHOS:
                self._whos.clear()
            self._whos[content] = found
        return found

    def _refuse(self, event: Event, error: Exception) -> None:
        """Its id is not taken: the event may follow as it should be."""
        self._seen.discard(hash(event.event_id))
        self.spoilt.refused(event, error, event.event_time)

    def _detail(self, event: Event, action: Action, who: Who) -> _Detail:
        if action.becomes:
            self._follow(event, who)
        return _detail(event, action)

    def _follow(self, event: Event, who: Who) -> None:
        """Credentials that a host obtains with its own, directly or in a chain, belong to that host, too."""
        host = host_of(who) or self._hosts.asker(who.access_key_id or "")
        if host and not event.error_code and not event.endpoint:
            given = member(_decoded(event.response), "credentials.accessKeyId")
            self._hosts.asked((given or "")[:40], host, event.address or "", event.event_time[:10])

    def finish(self) -> None:
        """Work out what has been counted: the tally and the changes are whole then. Raises Unreadable."""
        super().finish()
        for (acting, account), number in self._apart.items():
            self.left_out[plain(account or "unknown", 64), _APART[acting]] += number
            self.by_provider += number if acting == PROVIDER else 0
            self.events -= 0 if acting == PROVIDER else number
        for use in self._hosts.elsewhere():
            use.profile.count(_OFF_HOST, use.counted, use.outcome)

    def left_out_besides(self, scope: str, day: str) -> str:
        """Uses of temporary credentials of hosts that were not compared with where their host is."""
        del scope  # one unit is of one account
        uses = self._hosts.left_out[day]
        return f"where {either(uses, 'a use', f'{uses:,} uses')} of hosts' credentials came from" if uses else ""

    def _action(self, event: Event) -> Action:
        if len(self._actions) >= _MOST_ACTIONS:
            self._actions.clear()
        names = event.event_source, event.event_name
        return self._actions.setdefault(names, Action(*names))

    def _explain(self, counted: Counted) -> None:
        raw, who, recipient = cast("tuple[tuple[Any, ...], Who, str | None]", counted.held)
        key = _Key._make(raw)
        code = key.error_code
        outcome = DENIED if key.detail.login_failed else DONE if not code else DENIED if is_denied(code) else FAILED
        if not _EVENT_ID.fullmatch(counted.event_id):
            counted = counted._replace(event_id="")
        day = counted.first[:10]
        at = day, recipient, key.identity, key.invoked_by
        known = self._callers.get(at)
        if known is None:
            caller, scope = caller_of(who), plain(recipient or who.account_id or "unknown", 64)
            known = self._callers[at] = caller, scope
        caller, scope = known
        if key.detail is not _NO_DETAIL:
            self._tell_others(key, caller, scope, counted, outcome)
        if key.acting in (OWN, PROVIDER):
            self.days.add((scope, day))
        if key.acting == OWN:
            self.counted[scope] += counted.events
            self._count(key, caller, self.tally.of(scope, day, caller.name, caller.unique_id), counted, outcome)

    def _count(self, key: _Key, caller: Caller, profile: LogProfile, counted: Counted, outcome: int) -> None:
        """Count the event in the caller's profile."""
        by_mcp = key.invoked_by == MCP_SERVICE  # its address is not the host's
        client = _client(key.user_agent or "")
        reads = None if key.read_only is None else _is_true(key.read_only)
        sort = "secret" if key.detail.decrypted else key.action.sorts[reads]
        features = [
            key.action.features[sort],
            client.feature,
            f"network={plain(key.endpoint, 40)}" if key.endpoint else self._network(key.address or ""),
        ]
        if key.region:
            features.append(_region(key.region))
        if caller.key:
            features.append(f"credential={caller.key}")
        if key.detail.tool:
            features.append(f"tool={key.detail.tool}")
        if by_mcp:
            features.append(_BY_MCP)
        if key.on_behalf_of:
            features.append(f"on_behalf_of={key.on_behalf_of}")
        if client.is_interactive or key.action.is_login or (key.from_console and _is_true(key.from_console)):
            features.append("mark=interactive")
        profile.acted(counted, outcome)
        profile.count(features, counted, outcome)
        if (
            caller.session
            and not (key.endpoint or by_mcp)
            and (caller.host or client.is_hosted or caller.session in self._hosts)
        ):
            self._hosts.seen(
                caller.session, caller.host, key.address or "", client.is_hosted, counted, outcome, profile
            )  # fmt: skip

    def _tell_others(self, key: _Key, caller: Caller, scope: str, counted: Counted, outcome: int) -> None:
        """Count the event for the role that was assumed, and for identities and workloads that were changed.

        Only the log of the role's own account records who assumed it.
        """
        by = plain(key.invoked_by or caller.name, 128) if key.acting == PROVIDER else caller.name
        role, day = key.detail.target, counted.first[:10]
        if role and role_account(role) == scope:
            self.tally.of(scope, day, role, key.detail.target_id).count((f"assumed_by={by}",), counted, outcome)
            self.days.add((scope, day))
        if outcome != DONE:
            return
        for each in key.detail.changed:
            target = caller.name if each == _THE_CALLER else plain(each)
            self.changed(scope, target, key.action.name, by, counted)
        if key.action.moves:
            self._hosts.moved(key.detail.instance)


def _acting(event: Event, who: Who) -> str:
    """Who calls: the caller itself, AWS on its behalf, or the caller in the copy of the resource's owner."""
    if event.event_type in _OF_OTHERS:
        return OTHER
    if is_copy(who, event.recipient):
        return COPY
    by_service = who.invoked_by is not None and who.invoked_by != MCP_SERVICE
    if by_service or who.type == "AWSService" or event.event_type == _OF_SERVICES:
        return PROVIDER
    return OWN


@lru_cache(maxsize=200)
def _region(name: str) -> str:
    return f"region={plain(name, 32)}"


@lru_cache(maxsize=20_000)
def _client(user_agent: str) -> _Client:
    family = client_of(user_agent)
    return _Client(f"client={family}", family in INTERACTIVE_CLIENTS, is_hosted(user_agent))


def _is_true(flag: _Flag) -> bool:
    return flag is True or (isinstance(flag, str) and flag.lower() == "true")


def _decoded(raw: Raw) -> Any:
    held = msgspec.json.decode(raw)
    if isinstance(held, str) and held.startswith("{"):  # as it stands in tables of Athena
        try:
            return msgspec.json.decode(held)
        except msgspec.DecodeError:
            return None
    return held


def _detail(event: Event, action: Action) -> _Detail:
    request = _decoded(event.request)
    target = target_id = tool = ""
    changed: tuple[str, ...] = ()
    if action.becomes:
        target = member(request, "roleArn") or member(request, "targetPrincipal") or ""
        if not event.error_code:
            assumed = member(_decoded(event.response), "assumedRoleUser.assumedRoleId")
            target_id = (assumed or "").partition(":")[0]
    if action.tools:
        tool = next((tool_name(text) for path in action.tools if (text := member(request, path))), "")
    if action.changes and not event.error_code:
        changed = _changed(action, request, event)
    decrypted = action.if_decrypted and isinstance(request, dict) and _is_true(request.get("withDecryption"))
    return _Detail(
        target=plain(target) if target else "",
        target_id=plain(target_id, 64),
        decrypted=decrypted,
        tool=tool,
        changed=changed,
        instance=((member(request, "instanceId") or "") if action.moves else "")[:64],
        login_failed=action.is_login and member(_decoded(event.response), "ConsoleLogin") == "Failure",
    )


def _changed(action: Action, request: Any, event: Event) -> tuple[str, ...]:
    found: list[str] = []
    response: Any = None
    for path in action.changes:
        if path == "caller":
            found += () if found else (_THE_CALLER,)
            continue
        if path.startswith("response."):
            response = _decoded(event.response) if response is None else response
            text = member(response, path.removeprefix("response."))
        else:
            text = member(request, path)
        if text is not None and text not in found:
            found.append(text[:1024])
    return tuple(found)


def tool_name(text: str) -> str:
    """The name of a model, agent or tool: of an ARN, the part after the last slash."""
    name = text.rpartition("/")[2] if text.startswith("arn:") else text
    return name if _TOOL.fullmatch(name) else plain(name, 128)
