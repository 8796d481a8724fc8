"""Sections as a connector declares them in its ``sections.toml``, and the spec that is made from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec import Struct

from connectors.core.contract import Section, Spec
from scanner.catalog import read_table
from scanner.model import OtherRecord, Rung
from scanner.model.providers import read_providers


class SectionRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section; connectors add their requests. ``title``, ``without``, ``kinds``, ``rungs``: see ``Section``.

    ``needs``: the setting that switches it on; empty: it is always read. ``after``: the sections that it depends on.
    ``records``: what else its rows are. ``entrance``: it lists where to read. See ``Spec``.
    """

    title: str
    without: str
    kinds: tuple[str, ...] = ()
    rungs: tuple[Rung, ...] = ()
    needs: str = ""
    optional: bool = False
    after: tuple[str, ...] = ()
    records: tuple[OtherRecord, ...] = ()
    entrance: bool = False


def spec_of(
    package: str,
    title: str,
    settings: type[Struct],
    rows: Mapping[str, SectionRow],
    permissions: Callable[[str], tuple[str, ...]],
    *,
    extra: str | None = None,
) -> Spec:
    """The spec of a connector: its sections in the order of ``rows``. ``permissions``: of a section.

    ``extra``: of its driver; by default, it has the connector's name.
    """
    name = package.rpartition(".")[2]
    records: dict[OtherRecord, tuple[str, ...]] = {}
    for section, row in rows.items():
        for record in row.records:
            records[record] = (*records.get(record, ()), section)
    return Spec(
        name=name,
        title=title,
        settings=settings,
        kinds=tuple(dict.fromkeys(kind for row in rows.values() for kind in row.kinds if kind != "secret")),
        sections=tuple(
            Section(
                name=section,
                title=row.title,
                permissions=permissions(section),
                without=row.without,
                kinds=row.kinds,
                rungs=row.rungs,
                optional=row.optional or bool(row.needs),
            )
            for section, row in rows.items()
        ),
        extra=extra or name,
        depends_on={section: row.after for section, row in rows.items() if row.after},
        entrances=tuple(section for section, row in rows.items() if row.entrance),
        records=records,
        providers=read_providers(package, name),
    )


T = TypeVar("T")


def read_sections(package: str, shape: type[T]) -> T:
    """The table ``sections.toml`` of a connector. Raises msgspec.ValidationError with its line or key."""
    return read_table(package, "sections.toml", shape)
