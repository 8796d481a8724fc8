"""``[[notify]]``: channels for messages, with a type for each kind of receiver."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeAlias, TypeVar

from msgspec import Struct, field

from connectors.core.address import check_url
from scanner.errors import did_you_mean
from scanner.model import Severity
from scanner.redaction.redact import SecretRef
from scanner.redaction.shapes import public_id
from scanner.strict import Document, KeyPath, decode

LONGEST_TIMEOUT = 300
"""Maximum timeout in seconds."""
MOST_FINDINGS = 40
"""Slack takes 50 blocks: 40 findings, a headline and the text below."""


class _Channel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of all types.

    ``only``: ``new`` findings, or all that are ``open``. ``rules``: only findings of these rules, if any are named.
    ``blindness``: report sections that can no longer be read. ``appeared``: report identities that are seen for the
    first time without an entry, whatever the severity of their findings. ``heartbeat``: send a message also without
    news. ``report_url``: the address of the report. ``public_url``: that of the served page, by default
    the one of ``[serve]``. ``timeout``: seconds for one attempt.
    """

    type: ClassVar[str]

    name: str = ""
    min_severity: Severity = "medium"
    only: Literal["new", "open"] = "new"
    rules: tuple[str, ...] = ()
    blindness: bool = True
    appeared: bool = True
    heartbeat: bool = False
    max_findings: int = 20
    report_url: str | None = None
    public_url: str | None = None
    timeout: float = 10

    def __post_init__(self) -> None:
        if not 1 <= self.max_findings <= MOST_FINDINGS:
            raise ValueError(f"max_findings is a number from 1 to {MOST_FINDINGS}")
        if not 0 < self.timeout <= LONGEST_TIMEOUT:
            raise ValueError(f"timeout is a number of seconds, at most {LONGEST_TIMEOUT}")
        if self.report_url is not None:
            check_url(self.report_url, insecure_http=True, query=True)
        if self.public_url is not None:
            check_url(self.public_url, insecure_http=True)


class WebhookChannel(_Channel, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A program that accepts ``muster.notice/1`` as JSON. ``secret``: signs the messages."""

    type: ClassVar[str] = "webhook"

    url: SecretRef | str
    secret: SecretRef | None = None
    to: Literal["owners", "all"] = "owners"
    insecure_http: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.url, str):
            check_url(self.url, insecure_http=self.insecure_http, query=True)


class _ChatChannel(_Channel, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A chat. Its address allows posting, so it is a secret and given by reference."""

    url: SecretRef
    to: Literal["owners", "all"] = "owners"
    insecure_http: bool = False


class SlackChannel(_ChatChannel, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Slack incoming webhook."""

    type: ClassVar[str] = "slack"


class TeamsChannel(_ChatChannel, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Teams workflow that starts when a webhook request is received."""

    type: ClassVar[str] = "teams"


class EmailChannel(_Channel, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An SMTP server. ``to``: the owners, or these addresses. ``unowned_to``: for findings without an owner."""

    type: ClassVar[str] = "email"

    host: str
    port: int | None = None
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    ca_file: Path | None = None
    username: str | None = None
    password: SecretRef | None = None
    sender: str = field(name="from")
    to: Literal["owners"] | tuple[str, ...] = "owners"
    unowned_to: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.to == "owners" and self.unowned_to is None:
            raise ValueError("unowned_to is missing: it receives findings without an owner")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        if self.tls == "none" and self.password is not None:
            raise ValueError('a password is not sent in clear text: use tls = "starttls" or "implicit"')
        for address in filter(None, (self.sender, self.unowned_to, *(() if self.to == "owners" else self.to))):
            if not is_address(address):
                raise ValueError(f"{address!r} is not an e-mail address")
        if self.to == ():
            raise ValueError('to is empty: name addresses, or "owners"')

    @property
    def server_port(self) -> int:
        """The port; the default depends on ``tls``."""
        return self.port or {"starttls": 587, "implicit": 465, "none": 25}[self.tls]


HttpChannel: TypeAlias = WebhookChannel | SlackChannel | TeamsChannel
Channel: TypeAlias = HttpChannel | EmailChannel
_TYPES: Mapping[str, type[Channel]] = {
    kind.type: kind for kind in (WebhookChannel, SlackChannel, TeamsChannel, EmailChannel)
}


def is_address(text: str) -> bool:
    """Whether it is an e-mail address: ASCII, with one ``@`` between printable text without blanks."""
    local, _, domain = text.partition("@")
    plain = text.isascii() and text.isprintable() and not set(' ,;:<>()[]"\\') & set(text)
    return plain and bool(local and domain) and "@" not in domain


class NamedSetting(Protocol):
    """What the tables of a kind have in common."""

    @property
    def name(self) -> str:
        """A name, which messages and the store use."""

    @property
    def rules(self) -> tuple[str, ...]:
        """Ids of rules; empty for all."""


N = TypeVar("N", bound=NamedSetting)


class Kinds(Struct, Generic[N], frozen=True):
    """A list of tables in the config: its key, the settings by ``type``, and the meaning of ``type``."""

    key: str
    types: Mapping[str, type[N]]
    says: str


_CHANNELS: Kinds[Channel] = Kinds("notify", _TYPES, "type says how to notify")


def read_channels(tables: Sequence[Mapping[str, Any]], document: Document, base: Path) -> tuple[Channel, ...]:
    """The channels of the config. Raises ConfigError with line and key."""
    return read_named(_CHANNELS, tables, document, base)


def read_named(
    kinds: Kinds[N],
    tables: Sequence[Mapping[str, Any]],
    document: Document,
    base: Path,
    taken: Collection[str] = (),
) -> tuple[N, ...]:
    """The settings in tables, each with a name of its own. ``taken``: names in use. Raises ConfigError."""
    found: dict[str, N] = {}
    for index, table in enumerate(tables):
        path = (kinds.key, index)
        settings = dict(table)
        kind = settings.pop("type", None)
        if kind not in kinds.types:
            fix = did_you_mean(str(kind), list(kinds.types)) or f"there are: {', '.join(kinds.types)}"
            raise document.problem(kinds.says, (*path, "type"), fix)
        settings.setdefault("name", kind)
        if isinstance(settings["name"], str):
            settings["name"] = public_id(settings["name"])  # the name is used in the store and in messages
        at = Document(file=document.file, text=document.text, path=path)
        one = decode(settings, kinds.types[kind], at, base=base)
        if not one.name.strip() or not one.name.isprintable():
            raise document.problem("a name is text on one line", (*path, "name"))
        if one.name in found or one.name in taken:
            fix = 'give each its own name: name = "…"'
            raise document.problem(f"two channels or ticket systems are called {one.name}", (*path, "name"), fix)
        _check_rules(one.rules, document, (*path, "rules"))
        found[one.name] = one
    return tuple(found.values())


def _check_rules(wanted: Sequence[str], document: Document, path: KeyPath) -> None:
    """Raises for an unknown rule, since a filter by it would never match."""
    if not wanted:
        return
    from scanner.rules.catalog import RULES

    known = [rule.id for rule in RULES]
    for rule in wanted:
        if rule not in known:
            raise document.problem(f"there is no rule {rule}", path, did_you_mean(rule, known))
