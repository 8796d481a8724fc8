"""The columns of the registry and of the roster, and the headings that people use for them.

The headings are in the tables of ``scanner.languages``. A heading is listed only if it is unambiguous in such a list;
others (``service``, ``role``, ``category``) need the user's own ``columns``. Case, accents, blanks, hyphens and
punctuation are ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from scanner.languages import languages, words_by
from scanner.registry.tables.dates import DateOrder
from scanner.registry.tables.headings import Columns, Placement, normal

ACCOUNT = "account"
"""A separate heading: an identity, or, beside other ids, the cloud account of the identity."""

STAGE = "stage"
"""A separate heading: the lifecycle status, or the environment, depending on its cells."""

NAMING = frozenset({"identities", ACCOUNT, "name"})
"""The columns that name an identity; a registry needs at least one."""

OWNERS = ("owner", "technical_owner", "backup_owner")
LISTS = ("identities", ACCOUNT, *OWNERS, "systems", "permissions", "credentials", "high_consequence")
"""The registry's columns that contain lists."""
SEVERAL = ("status", "expires")
"""Columns with a single value for which a list can have several headings; the value closest to the end of life wins."""
DAYS = ("approved_on", "last_reviewed", "next_review", "expires", "created")
ENDS = frozenset({"expires", "left_on"})
"""Columns with a last day: a month there means its last one, and a word such as ``unbefristet`` that there is none."""
PLACED = NAMING | {"provider", "scope"}
"""The columns that say which identities an entry means: without one of them it could mean others, too."""

_OF_REGISTRY = words_by(lambda language: language.registry)
REGISTRY = Columns(
    {column: _OF_REGISTRY.get(column, ()) for column in (
        "id", "name", "kind", "purpose", "identities", ACCOUNT, "provider", "scope", *OWNERS, "team", "built_by",
        "status", STAGE, "environment", "systems", "permissions", "credentials", "max_credential_age", "blast_radius",
        "high_consequence", "human_in_the_loop", "baseline", "approved_by", "approved_on", "last_reviewed",
        "reviewed_by", "next_review", "expires", "created",
    )},
    lists=LISTS,
    several=SEVERAL,
    # Beside a better heading, a contact is not accountable, and an account or project is a display name.
    fallbacks=words_by(lambda language: language.fallbacks),
)  # fmt: skip


class Exports(Columns):
    """Columns for which exports have several headings; the first of those in ``preferred`` counts."""

    def __init__(
        self,
        synonyms: Mapping[str, Sequence[str]],
        *,
        preferred: Mapping[str, Sequence[str]],
        lists: Collection[str] = (),
        given: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(synonyms, lists=lists, given=given)
        self._preferred = preferred

    def explained(self, given: Mapping[str, str]) -> Exports:
        """Return these columns with the user's own headings."""
        return Exports(self._synonyms, preferred=self._preferred, lists=self._lists, given=given)

    def _place(self, headings: tuple[str, ...]) -> Placement:
        placement = super()._place(headings)
        columns, passed_over = dict(placement.columns), []
        for column in {column for column, _, _ in placement.clashes}:
            order = [normal(heading) for heading in self._preferred.get(column, ())]
            ranks = {at: _rank(order, headings[at]) for at in placement.columns[column]}
            best = min(ranks.values())
            columns[column] = tuple(at for at, rank in ranks.items() if rank == best)
            passed_over += [at for at, rank in ranks.items() if rank > best]
        return replace(
            placement,
            columns=columns,
            unknown=tuple(sorted((*placement.unknown, *passed_over))),
            clashes=tuple(clash for clash in placement.clashes if len(columns[clash[0]]) > 1),
        )


def _rank(order: Sequence[str], heading: str) -> int:
    """Return the position in the order; headings that are not in it come last."""
    return order.index(normal(heading)) if normal(heading) in order else len(order)


def day_order(heading: str) -> DateOrder | None:
    """Return the order of day and month under a heading of languages in which everybody writes the day first."""
    return _ORDERS.get(normal(heading))


def _orders() -> dict[str, DateOrder | None]:
    orders: dict[str, DateOrder | None] = {}
    for language in languages().values():
        for words in (*language.registry.values(), *language.people.values()):
            for word in map(normal, language.spellings(words)):
                orders[word] = language.dates if orders.get(word, language.dates) == language.dates else None
    return orders


_ORDERS = _orders()
_OF_PEOPLE = words_by(lambda language: language.people)
PEOPLE = Exports(
    {column: _OF_PEOPLE.get(column, ()) for column in (
        "email", "id", "name", "first_name", "last_name", "status", "left_on", "manager", "team", "aliases", "members",
    )},
    lists={"aliases", "members"},
    preferred={column: words for column, words in _OF_PEOPLE.items() if column != "email"},
)  # fmt: skip
