"""What became of the registry's entries. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from scanner.model import Change, EntryAssessment, EntryState

_STEPS: Mapping[EntryState, str] = {
    "not_found": "Find out whether it is gone for good; then retire the entry.",
    "retired_but_alive": "Switch the identity off, or take the entry back into use.",
}
"""By what an entry became."""


def entry_changes(
    pairs: Sequence[tuple[EntryAssessment | None, EntryAssessment | None]], names: Mapping[str, str]
) -> Iterator[Change]:
    """Entries that are new, gone, or in another state; by id. ``names``: of old ids that are called otherwise now.

    One that could not be evaluated again keeps its last state, so it is none of these.
    """
    old = {names.get(one.entry.id, one.entry.id): one for one, _ in pairs if one is not None}
    new = {one.entry.id: one for _, one in pairs if one is not None}
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        shown = after or before
        assert shown is not None
        if before is None or after is None or before.state != after.state:
            yield Change(
                subject="entry",
                change="joined" if before is None else "left" if after is None else "moved",
                key=shown.entry.id,
                name=shown.entry.name or "; ".join(shown.entry.identities),
                provider=shown.entry.provider,
                scope=shown.entry.scope,
                kind=shown.entry.kind,
                aspect="state",
                before=_told(before),
                after=_told(after),
                ask=next(iter(shown.entry.owner), None),
                next_step=None if after is None else _STEPS.get(after.state),
            )


def _told(one: EntryAssessment | None) -> str | None:
    return None if one is None else one.state.replace("_", " ")
