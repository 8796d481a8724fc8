"""Load config.toml as records. This opens no source, registry or store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from scanner.config.serving import ServeSettings
from scanner.config.settings import (
    DEFAULT_STORE,
    ActivitySettings,
    AgentSettings,
    EngineSettings,
    ExemptSettings,
    LogEntry,
    LogTable,
    MatchingSettings,
    OwnershipSettings,
    PolicySettings,
    ReportSettings,
    ReviewSettings,
    SourceSettings,
    StoreSettings,
    log_entry,
    unknown_source,
)
from scanner.errors import ConfigError
from scanner.model import ActivityPolicy, Exemption, Ownership, Policy
from scanner.model.reviews import ReviewPolicy
from scanner.notify.settings import Channel, read_channels
from scanner.notify.tickets.settings import Target, read_targets
from scanner.redaction.shapes import public_id
from scanner.registry.lists import ListSource
from scanner.registry.tables.parsing import parse_toml
from scanner.registry.vocabulary import OF_ENTRIES, OF_PEOPLE, wrong_values
from scanner.rules.controls.frameworks import ControlSettings
from scanner.strict import Document, decode, read_settings
from scanner.suppressions.acknowledgements import AlarmSettings

DEFAULT_FILE = "config.toml"
R = TypeVar("R", bound=Channel | Target)

_SQLITE_FILE = "sqlite:///"


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    store: StoreSettings = StoreSettings()
    registry: tuple[ListSource, ...] = ()
    people: tuple[ListSource, ...] = ()
    source: tuple[dict[str, Any], ...] = ()
    policy: PolicySettings = PolicySettings()
    controls: ControlSettings = ControlSettings()
    matching: MatchingSettings = MatchingSettings()
    ownership: OwnershipSettings = OwnershipSettings()
    engine: EngineSettings = EngineSettings()
    exempt: tuple[ExemptSettings, ...] = ()
    alarms: AlarmSettings = AlarmSettings()
    notify: tuple[dict[str, Any], ...] = ()
    tickets: tuple[dict[str, Any], ...] = ()
    report: tuple[ReportSettings, ...] = ()
    log: tuple[LogTable, ...] = ()
    activity: ActivitySettings = ActivitySettings()
    agents: AgentSettings = AgentSettings()
    review: ReviewSettings = ReviewSettings()
    serve: ServeSettings = ServeSettings()


class Config(Struct, frozen=True, kw_only=True):
    """The whole config, with defaults, and with relative paths resolved from the file's folder."""

    document: Document = Document(file=DEFAULT_FILE)
    store_url: str = DEFAULT_STORE
    keep_days: int | None = None
    registry: tuple[ListSource, ...] = ()
    people: tuple[ListSource, ...] = ()
    sources: tuple[SourceSettings, ...] = ()
    policy: Policy = Policy()
    frameworks: frozenset[str] | None = None
    matching: MatchingSettings = MatchingSettings()
    ownership: Ownership = Ownership()
    engine: EngineSettings = EngineSettings()
    exemptions: tuple[Exemption, ...] = ()
    acknowledged: tuple[Path, ...] = ()
    channels: tuple[Channel, ...] = ()
    tickets: tuple[Target, ...] = ()
    reports: tuple[ReportSettings, ...] = ()
    logs: tuple[LogEntry, ...] = ()
    activity: ActivityPolicy = ActivityPolicy()
    agents_lock: Path | None = None
    review: ReviewPolicy = ReviewPolicy()
    serve: ServeSettings = ServeSettings()


def load_config(path: Path | None) -> Config:
    """The config in that file; ``None``: ./config.toml if it exists, else the defaults.

    Raises ConfigError with file, line and key.
    """
    if path is None:
        default = Path(DEFAULT_FILE)
        if not default.exists():
            return Config(acknowledged=AlarmSettings().paths(default.parent))
        path = default
    text = read_settings(path, "`muster init` creates one")
    data = parse_toml(str(path), text, ConfigError)
    document = Document(file=str(path), text=text)
    base = path.parent
    file = decode(data, _File, document, base=base)
    # Workers of a cluster start in other folders.
    sources = _sources(file.source, document, base if file.engine.dask is None else base.absolute())
    channels = read_channels(file.notify, document, base)
    targets = read_targets(file.tickets, document, base, [channel.name for channel in channels])
    return Config(
        document=document,
        store_url=resolve_database_url(file.store.url, base),
        keep_days=file.store.keep_days,
        registry=_lists(file.registry, "registry", OF_ENTRIES, document, base),
        people=_lists(file.people, "people", OF_PEOPLE, document, base),
        sources=sources,
        policy=msgspec.convert(msgspec.structs.asdict(file.policy), Policy),
        frameworks=file.controls.frameworks,
        matching=file.matching,
        ownership=file.ownership.as_declared,
        engine=file.engine,
        exemptions=tuple(one.as_declared for one in file.exempt),
        acknowledged=file.alarms.paths(base),
        channels=_linking(channels, file.serve),
        tickets=_linking(targets, file.serve),
        reports=file.report,
        logs=_logs(file.log, sources, document, base),
        activity=msgspec.convert(msgspec.structs.asdict(file.activity), ActivityPolicy),
        agents_lock=file.agents.lock,
        review=ReviewPolicy(on=file.review.on, days=file.review.days),
        serve=file.serve,
    )


def _linking(receivers: Sequence[R], serve: ServeSettings) -> tuple[R, ...]:
    """The channels or ticket systems, with links to the served page unless they name another."""
    return tuple(
        receiver if receiver.public_url is not None else msgspec.structs.replace(receiver, public_url=serve.public_url)
        for receiver in receivers
    )


def notification_settings(path: Path | None) -> tuple[tuple[Channel, ...], str]:
    """The valid channels and the store's URL of a config that may be invalid, to notify of that."""
    path = path or Path(DEFAULT_FILE)
    try:
        text = read_settings(path, "")
        data = parse_toml(str(path), text, ConfigError)
    except ConfigError:
        return (), DEFAULT_STORE
    channels: dict[str, Channel] = {}
    tables = data.get("notify")
    for table in tables if isinstance(tables, list) else ():
        try:
            (channel,) = read_channels([table], Document(file=str(path), text=text), path.parent)
        except (ConfigError, TypeError, ValueError):  # an invalid channel cannot be notified
            continue
        channels.setdefault(channel.name, channel)
    store = data.get("store")
    url = store.get("url") if isinstance(store, dict) else None
    return tuple(channels.values()), resolve_database_url(url if isinstance(url, str) else DEFAULT_STORE, path.parent)


def resolve_database_url(url: str, base: Path) -> str:
    """Resolve a relative SQLite path from the folder of the config."""
    name = url.removeprefix(_SQLITE_FILE)
    if not url.startswith(_SQLITE_FILE) or name in ("", ":memory:") or name.startswith("/"):
        return url
    return f"{_SQLITE_FILE}{base / name}"


def _lists(
    lists: Sequence[ListSource],
    key: str,
    vocabulary: Mapping[str, tuple[str, ...] | None],
    document: Document,
    base: Path,
) -> tuple[ListSource, ...]:
    """The lists, with relative paths resolved. Raises ConfigError where ``values`` say what no column can mean."""
    for index, source in enumerate(lists):
        for path, message, fix in wrong_values(source.values, vocabulary):
            raise document.problem(message, (key, index, "values", *path), fix)
    return tuple(
        one if one.url is None else msgspec.structs.replace(one, url=resolve_database_url(one.url, base))
        for one in lists
    )


def _sources(tables: tuple[dict[str, Any], ...], document: Document, base: Path) -> tuple[SourceSettings, ...]:
    sources: dict[str, SourceSettings] = {}
    for index, table in enumerate(tables):
        settings = dict(table)
        kind = settings.pop("type", None)
        if not isinstance(kind, str):
            raise document.problem("a source needs a type", ("source", index), 'such as type = "aws"')
        name = settings.pop("name", kind)
        if not isinstance(name, str) or not name:
            raise document.problem("a source's name must be text", ("source", index, "name"))
        name = public_id(name)
        if name in sources:
            raise document.problem(
                f"two sources are called {name}", ("source", index, "name"), 'give each its own name: name = "…"'
            )
        at = Document(file=document.file, text=document.text, path=("source", index))
        sources[name] = SourceSettings(name=name, type=kind, settings=settings, document=at, base=base)
    return tuple(sources.values())


def _logs(
    tables: Sequence[LogTable], sources: Sequence[SourceSettings], document: Document, base: Path
) -> tuple[LogEntry, ...]:
    """The logs by name. No source may have the same name, because coverage, gaps and notifications refer to it."""
    names = {source.name for source in sources}
    logs: dict[str, LogEntry] = {}
    for index, table in enumerate(tables):
        name = public_id(table.name or table.type)
        if name in logs or name in names:
            other = "log" if name in logs else "source"
            raise document.problem(
                f"a {other} is called {name}, too", ("log", index, "name"), 'give each its own name: name = "…"'
            )
        at = Document(file=document.file, text=document.text, path=("log", index))
        logs[name] = log_entry(table, at, base, name)
        if wrong := unknown_source(logs[name], names):
            raise wrong
    return tuple(logs.values())
