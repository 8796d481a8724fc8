"""GitHub's audit log, as it is exported and streamed, or asked for live.

Source: "Audit log events for your organization", "Streaming the audit log for your enterprise", and "Identifying audit
log events performed by an access token".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

from msgspec import Struct, field

from connectors.core.contract import Connector
from connectors.core.offline import Unreadable
from connectors.logs import LogSpec
from connectors.logs.content import Records
from connectors.logs.events import Event, EventCounting, LogAct
from connectors.logs.folders import Layout
from connectors.logs.live import LiveLog, LiveSource
from connectors.logs.names import Networks, plain
from scanner.model.activity import PERSON, FeatureSort

SPEC = LogSpec(
    name="github_audit",
    title="GitHub audit log",
    provider="github",
    permissions=("organization_administration: read (App), or read:audit_log (token)",),
    is_live=True,
    blind_spots=(
        "Calls of the API, unless the stream was set to have them.",
        "Git events older than a week, and all of them in exports without Git events.",
        "Addresses, unless the organization shows them.",
        "Refused calls.",
    ),
    unlogged=("api:*", "git:*"),
)
_LAYOUT = Layout(
    dated=(re.compile(r"(?:^|/)(?P<year>\d{4})/(?P<month>\d\d)/(?P<day>\d\d)/\d\d/\d\d/[^/]+$"),),
    unique_names=True,
)
"""Files of a stream in a bucket: ``YYYY/MM/DD/HH/MM/UUID.json.log.gz``, of all organizations."""
COPILOT = "copilot-swe-agent[bot]"
"""The App of GitHub's coding agent. The log names it as its page does."""
_COPILOT = "Copilot"
_READ_TYPES = frozenset({"access", "authentication"})
_READS = re.compile(r"git:(?:clone|fetch)|api:request|.*:(?:download\w*|access\w*|view\w*|read\w*|list\w*|.*_viewed)")
_SECRETS = re.compile(r".*:\w*recovery_codes?_(?:viewed|downloaded|printed|generated|used)")
_CHANGED: Mapping[str, str] = {
    # The member that names the subject of an event, by category.
    "org": "user",
    "team": "user",
    "repo": "user",
    "business": "user",
    "personal_access_token": "user",
    "org_credential_authorization": "user",
    "integration": "integration",
    "integration_installation": "integration",
    "integration_installation_request": "integration",
}


class _AuditLocation(Struct, gc=False, frozen=True):
    country: str | None = field(default=None, name="country_code")


class GithubEntry(Struct, gc=False, frozen=True):
    """One event, as far as it is read. Times are milliseconds since 1970."""

    action: str
    timestamp: int | float | str | None = field(default=None, name="@timestamp")
    created: int | float | str | None = field(default=None, name="created_at")
    id: str | None = field(default=None, name="_document_id")
    actor: str | None = None
    address: str | None = field(default=None, name="actor_ip")
    location: _AuditLocation | None = field(default=None, name="actor_location")
    user_agent: str | None = None
    org: str | list[str] | None = None
    business: str | None = None
    kind: str | None = field(default=None, name="operation_type")
    token_id: int | str | None = None
    hashed_token: str | None = None
    deploy_key: str | None = field(default=None, name="deploy_key_fingerprint")
    user: str | None = None
    integration: str | None = None
    by_agent: Any = field(default=None, name="actor_is_agent")


class _GithubAuditRaw(NamedTuple):
    scope: str
    actor: str
    action: str
    kind: str
    address: str
    user_agent: str
    country: str
    credential: str
    changed: str
    on_behalf_of: str


class GithubAuditCounting(EventCounting[GithubEntry]):
    """Counts the events of one unit."""

    def event(self, record: GithubEntry) -> Event | str | None:
        """See ``EventCounting``. Raises Unreadable for an event without a time."""
        when = record.timestamp if record.timestamp is not None else record.created
        if when is None:
            raise Unreadable("one of its records is not an event")
        by_agent = record.by_agent is True or record.by_agent == "true"  # then the user is who made it act
        named = "" if by_agent else _CHANGED.get(record.action.partition(".")[0], "")
        orgs = [record.org] if isinstance(record.org, str) else record.org or []
        raw = _GithubAuditRaw(
            next(iter(orgs), None) or record.business or "",
            COPILOT
            if by_agent and record.actor == _COPILOT
            else record.actor or (f"deploy_key:{record.deploy_key}" if record.deploy_key else ""),
            record.action,
            record.kind or "",
            record.address or "",
            (record.user_agent or "")[:400],
            (record.location.country if record.location else None) or "",
            str(record.token_id) if record.token_id else record.hashed_token or record.deploy_key or "",
            (getattr(record, named) if named else None) or "",
            f"{PERSON}{record.user}" if by_agent and record.user and record.user != record.actor else "",
        )
        return Event(_time(when), record.id or "", raw)

    def act(self, raw: Any) -> LogAct:
        """See ``EventCounting``."""
        what: _GithubAuditRaw = raw
        scope = plain(what.scope.lower(), 64) or "github"
        if not what.actor:
            return LogAct(scope, by_provider=True)
        action = action_of(what.action)
        sort = sort_of(action, what.kind)
        features = self.features(
            sort,
            action,
            address=what.address,
            user_agent=what.user_agent,
            region=what.country,
            credential=what.credential,
            on_behalf_of=what.on_behalf_of,
        )
        changed = (plain(what.changed),) if what.changed and sort == "write" else ()
        return LogAct(scope, plain(what.actor), features, changed=changed)


def _time(when: float | str) -> str:
    if isinstance(when, str):
        return when
    try:
        return f"{datetime.fromtimestamp(when / 1000, UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    except (ValueError, OverflowError, OSError) as error:
        raise Unreadable("the time of a record is not a time") from error


@lru_cache(maxsize=20_000)
def action_of(name: str) -> str:
    """``category:action``, such as ``repo:create`` of ``repo.create``."""
    category, _, action = name.lower().partition(".")
    return f"{plain(category.replace(':', '.'), 64) or 'unknown'}:{plain(action, 100) or 'unknown'}"


@lru_cache(maxsize=20_000)
def sort_of(action: str, kind: str) -> FeatureSort:
    """``kind``: GitHub's ``operation_type``, which not all events have."""
    if _SECRETS.fullmatch(action):
        return "secret"
    if kind and not action.startswith(("git:", "api:")):
        return "read" if kind in _READ_TYPES else "write"
    return "read" if _READS.fullmatch(action) else "write"


class GithubAuditLog(LiveLog):
    """Reads exports, answers of the API, and what a stream wrote, copied to a folder or in S3; or asks GitHub."""

    spec: ClassVar[LogSpec] = SPEC
    layout: ClassVar[Layout] = _LAYOUT
    records: ClassVar[Records[GithubEntry]] = Records(GithubEntry, ("entries",))

    def counting(self, networks: Networks) -> GithubAuditCounting:
        """See ``FileLog``."""
        return GithubAuditCounting(networks)

    def live(self, source: Connector | None) -> LiveSource:
        """See ``LiveLog``."""
        from connectors.github.logs.live import OrganizationLog, connector_of

        return OrganizationLog(connector_of(source))
