"""Load what the organisation declares: registry, roster, exemptions, acknowledgements."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from scanner.app.acknowledging import listed_acknowledgements, served_acknowledgements
from scanner.app.cut_lists import cut_lists_of
from scanner.config.agents_lock import read_lock
from scanner.config.load import Config
from scanner.errors import Problem, RegistryError
from scanner.judging.last_known.shrunk import LEAVERS, ROWS
from scanner.judging.last_known.unread_lists import CELLS, CELLS_OF_PEOPLE, warnings_of
from scanner.judging.pipeline import LIST_TYPE, Declared
from scanner.matching.places import SourceRef
from scanner.model import Entry, Input, InputRole, Origin, Ownership
from scanner.redaction.masking import mask, mask_with_warning
from scanner.redaction.redact import redact
from scanner.redaction.shapes import MASK
from scanner.registry.editing.lint import LintReport, lint_lists
from scanner.registry.entries import load_registry
from scanner.registry.lists import ListSource, find_files
from scanner.registry.roster.people import People, load_people
from scanner.store.store import Store
from scanner.text import either, without_surrogates

UNKNOWN_NAMED = 20


class LoadedLists(Struct, frozen=True, kw_only=True):
    """Registry, roster and other declarations, with warnings to print.

    ``besides_lint``: those of the warnings that linting the lists does not give.
    """

    declared: Declared
    warnings: tuple[str, ...]
    besides_lint: tuple[str, ...] = ()


class Named(Protocol):
    """The part of a source that loading the lists needs."""

    @property
    def name(self) -> str:
        """The source's name."""

    @property
    def ref(self) -> SourceRef:
        """How registry entries refer to the source."""


def _export_of(source: Named) -> Path | None:
    """The file or folder that a source is read from instead of its provider."""
    path: Path | str | None = getattr(getattr(source, "settings", None), "from_files", None)
    return None if path is None else Path(path)


def load_lists(config: Config, sources: Sequence[Named], *, strict: bool) -> LoadedLists:
    """Load the registry and the roster. Raises RegistryError, which lists every invalid place.

    Unless ``strict``, unreadable rows and cells are set aside, each with a warning.
    """
    warnings: list[str] = []
    wrong: list[Problem] = []
    exports = [path for source in sources if (path := _export_of(source)) is not None]
    registry = people = None
    file = config.document.file
    ownership = mask_with_warning(config.ownership, f"{file}: [ownership]")
    now = datetime.now(UTC)
    if config.registry:
        # The later of the UTC and the local day: no user's calendar is ahead of both.
        with _noting(wrong):
            registry = load_registry(config.registry, strict=strict, today=max(now.date(), now.astimezone().date()))
            warnings += map(str, registry.warnings)
            warnings += warnings_of(ROWS, registry.unread)
            warnings += warnings_of(CELLS, registry.cells)
    if config.people:
        with _noting(wrong):
            people = load_people(config.people, strict=strict)
            warnings += map(str, people.warnings)
            warnings += warnings_of(LEAVERS, people.unread)
            warnings += warnings_of(CELLS_OF_PEOPLE, people.cells)
    if wrong:
        raise RegistryError(*wrong)
    if people is not None:
        warnings += _unknown_people(registry.entries if registry else (), people, ownership)
    configured = {source.name: SourceRef(name=source.name, provider=source.type) for source in config.sources}
    configured |= {source.name: source.ref for source in sources}
    declared = Declared(
        entries=None if registry is None else tuple(map(mask, registry.entries)),
        unread=() if registry is None else tuple(map(mask, registry.unread)),
        unread_cells=() if registry is None else tuple(map(mask, registry.cells)),
        people=None if people is None else people.people,
        unread_people=() if people is None else people.unread,
        unread_cells_of_people=() if people is None else people.cells,
        ends=(*(registry.ends if registry else ()), *(people.ends if people else ())),
        exemptions=tuple(
            mask_with_warning(exemption, f"{file}: [[exempt]] {number}")
            for number, exemption in enumerate(config.exemptions, start=1)
        ),
        acknowledgements=listed_acknowledgements(config.acknowledged, now.date()),
        policy=config.policy,
        activity=config.activity,
        review=config.review,
        ownership=ownership,
        tag_keys=config.matching.tag_keys,
        sources=tuple(configured[name] for name in sorted(configured)),
        inputs=tuple(map(mask, inputs_of(config, exports))),
        frameworks=config.frameworks,
        agents_lock=None if config.agents_lock is None else read_lock(config.agents_lock),
    )
    besides = () if people is None else _unknown_people((), people, ownership)
    return LoadedLists(declared=declared, warnings=tuple(warnings), besides_lint=tuple(besides))


def lint_configured(
    config: Config, lists: Sequence[ListSource], people: Sequence[ListSource], providers: Iterable[str]
) -> LintReport:
    """Check these lists for what the config scans, and compare how they end with the last scan in its store.

    ``providers``: the types of sources that there are.
    """
    # A list may have identities of any provider, and without sources it is unknown what will be scanned.
    anything = not config.sources or any(source.type == LIST_TYPE for source in config.sources)
    return lint_lists(
        lists,
        people,
        policy=config.policy,
        providers=None if anything else [name for name in providers if name != LIST_TYPE],
        today=datetime.now(UTC).date(),
        cut=cut_lists_of(config.store_url),
    )


def with_served(store: Store, declared: Declared) -> Declared:
    """The declarations with the acknowledgements of the served page."""
    served = store.retrying(lambda: served_acknowledgements(store))
    return replace(declared, acknowledgements=(*declared.acknowledgements, *served))


@contextmanager
def _noting(problems: list[Problem]) -> Iterator[None]:
    """Collects the problems of one list, so that those of the other are reported at once."""
    try:
        yield
    except RegistryError as error:
        problems.extend(error.problems)


def _unknown_people(entries: Sequence[Entry], people: People, ownership: Ownership) -> list[str]:
    """Warnings for owners and members who are not on the roster, mostly because of a typing error.

    None, if they may be in a part of the roster that cannot be read.
    """
    roster = people.roster(date.max)
    if roster.hides_names:
        return []
    named: list[tuple[Origin | str, str, str]] = [
        ("[[ownership.rule]]", "owner", rule.owner) for rule in ownership.rules
    ]
    named += [("[ownership.platforms]", "owner", owner) for owner in ownership.platforms.values()]
    accountable = ((entry.origin, text) for entry in entries for text in (*entry.owner, *entry.backup_owner))
    named += [(origin, "owner", name) for origin, text in accountable for name in roster.apart(text)]
    named += [(person.origin, "member", text) for person in people.people for text in person.members or ()]
    unknown = [
        f"{origin}: {role} {text} {roster.meaning(text).why_unresolved}"
        for origin, role, text in named
        if not roster.resolve(text)
    ]
    more = len(unknown) - UNKNOWN_NAMED
    return [
        *unknown[:UNKNOWN_NAMED],
        *([f"and {more} more who {either(more, 'is', 'are')} not on the roster"] if more > 0 else []),
    ]


# --- The inputs of a scan, for audits: the config and the lists, each with the hash of its bytes ---


def inputs_of(config: Config, exports: Iterable[Path] = ()) -> tuple[Input, ...]:
    """The config if there is a file, the files of registry and roster in the config's order, then those of exports.

    ``exports``: files, and folders with files, that sources are read from.
    """
    return tuple(_inputs(config, exports))


def _inputs(config: Config, exports: Iterable[Path]) -> Iterator[Input]:
    if config.document.text:
        yield _file("config", Path(config.document.file), text=_public_text(config))
    for source in config.registry:
        yield from _list("registry", source)
    for source in config.people:
        yield from _list("people", source)
    for export in exports:
        for file in _files_of(export.expanduser()):
            yield _file("export", file)


def _files_of(export: Path) -> list[Path]:
    try:
        return sorted(file for file in export.rglob("*") if file.is_file()) if export.is_dir() else [export]
    except OSError:
        return [export]


def _public_text(config: Config) -> str:
    """The config's text without secrets. A webhook's address is one, so only its host remains."""
    text = config.document.text
    for channel in config.channels:
        if isinstance(url := getattr(channel, "url", None), str):
            scheme, _, rest = url.partition("://")
            host = rest.partition("/")[0].partition("?")[0]
            if url not in text:  # written with escapes, so its end in the text is unknown
                return f"# left out: the address of the channel {channel.name} cannot be masked in it\n"
            text = text.replace(url, f"{scheme}://{host}/{MASK}")
    return redact(text)


def _list(role: InputRole, source: ListSource) -> Iterator[Input]:
    if source.path is None:
        yield Input(role=role, name=source.name)
        return
    try:
        files = find_files(source.path)
    except RegistryError:  # it existed when it was read
        files = [source.path]
    for file in files:
        yield _file(role, file)


def _file(role: InputRole, file: Path, *, text: str | None = None) -> Input:
    return Input(role=role, name=without_surrogates(str(file)), sha256=_sha256(file), text=text)


def _sha256(file: Path) -> str | None:
    """The file's hash; None if it is gone, or a pipe, which cannot be read twice."""
    try:
        if not file.is_file():
            return None
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        return None
