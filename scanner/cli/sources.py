"""Sources on the command line: a name in the config, or ``TYPE[:key=value[,key=value]…]``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from connectors.catalog import connector_catalog
from connectors.logs import log_catalog
from scanner.config.load import Config
from scanner.config.settings import LogEntry, LogTable, SourceSettings, log_entry
from scanner.errors import UsageError, did_you_mean
from scanner.strict import Document, decode


def named_sources(config: Config, wanted: Sequence[str]) -> tuple[SourceSettings, ...]:
    """The sources named on the command line, or all of the config's. Raises UsageError; no I/O.

    History is by name, so each name is unique, also among sources of the config that are not scanned.
    """
    if not wanted and not config.sources:
        hint = f"name a source, such as aws:profile=audit, or add a [[source]] to {config.document.file}"
        raise UsageError("there is nothing to scan", hint=hint)
    if not wanted:
        return config.sources
    configured = {source.name: source for source in config.sources}
    taken = set(configured)
    chosen: list[SourceSettings] = []
    for text in dict.fromkeys(wanted):
        source = configured.get(text) or _ad_hoc(text, taken)
        taken.add(source.name)
        chosen.append(source)
    return tuple(chosen)


def named_logs(config: Config, wanted: Sequence[str]) -> tuple[LogEntry, ...]:
    """The audit logs named on the command line, or all of the config's. Raises UsageError and ConfigError; no I/O."""
    if not wanted and not config.logs:
        raise UsageError(
            "there is no log to read", hint="name one, such as cloudtrail:path=logs/,source=prod, or add a [[log]]"
        )
    configured = {entry.name: entry for entry in config.logs}
    taken = {*configured, *(source.name for source in config.sources)}
    chosen: list[LogEntry] = []
    for text in dict.fromkeys(wanted) or configured:
        entry = configured.get(text) or _ad_hoc_log(text, taken, configured)
        taken.add(entry.name)
        chosen.append(entry)
    return tuple(chosen)


def _ad_hoc_log(text: str, taken: Collection[str], configured: Collection[str]) -> LogEntry:
    kind, _, rest = text.partition(":")
    types = log_catalog().names
    if kind not in types:
        known = sorted({*configured, *types})
        raise UsageError(
            f"there is no log and no log type called {kind}",
            hint=did_you_mean(kind, known) or f"there are: {', '.join(known)}",
        )
    name = f"{kind} on the command line"
    table = decode({"type": kind, **_pairs(text, rest)}, LogTable, Document(file=name))
    own = table.name or _free_name(kind, taken)
    if own in taken:
        raise UsageError(f"{text}: another log or source is called {own}", hint="give it its own name: name=…")
    return log_entry(table, Document(file=name), Path.cwd(), own)


def _ad_hoc(text: str, taken: Collection[str]) -> SourceSettings:
    kind, _, rest = text.partition(":")
    catalog = connector_catalog()
    if kind not in catalog.names:
        known = sorted({*taken, *catalog.names})
        raise UsageError(
            f"there is no source and no connector called {kind}",
            hint=did_you_mean(kind, known) or f"known: {', '.join(known)}",
        )
    pairs = _pairs(text, rest)
    name = pairs.pop("name", None) or _free_name(kind, taken)
    if name in taken:
        raise UsageError(f"{text}: another source is called {name}", hint="give it another name: name=…")
    return SourceSettings(
        name=name,
        type=kind,
        settings=_as_settings(pairs, catalog.load(kind).spec.settings, text),
        document=Document(file=f"{name} on the command line"),
        base=Path.cwd(),
        strict=False,
    )


def _pairs(text: str, rest: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for pair in filter(None, rest.split(",")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"{text}: {pair} is not key=value", hint="write TYPE:key=value,key=value")
        if key.strip() in pairs:
            raise UsageError(f"{text}: {key.strip()} is given twice", hint="write several values as key=a+b")
        pairs[key.strip()] = value
    return pairs


def _free_name(kind: str, taken: Collection[str]) -> str:
    """The type, with a number if the name is taken: ``aws-2``."""
    if kind not in taken:
        return kind
    return next(name for number in count(2) if (name := f"{kind}-{number}") not in taken)


def _as_settings(pairs: Mapping[str, str], settings: type[Struct], text: str) -> dict[str, Any]:
    """Convert texts to the settings' types: lists are split at ``+``, secrets are references."""
    kinds = {field.encode_name: msgspec.inspect.type_info(field.type) for field in msgspec.structs.fields(settings)}
    kind = text.partition(":")[0]
    return {key: _value(value, kinds.get(key), f"{kind}: {key}") for key, value in pairs.items()}


def _value(value: str, kind: msgspec.inspect.Type | None, where: str) -> Any:
    options = kind.types if isinstance(kind, msgspec.inspect.UnionType) else (kind,)
    for option in options:
        if isinstance(option, msgspec.inspect.LiteralType) and value in option.values:
            return value
        if isinstance(option, msgspec.inspect.VarTupleType | msgspec.inspect.ListType):
            return value.split("+")
        if isinstance(option, msgspec.inspect.StructType):
            how, colon, place = value.partition(":")
            if not colon or how not in ("env", "file"):
                raise UsageError(f"{where} would put a secret on the command line", hint="write env:NAME or file:PATH")
            return {how: place}
    return value
