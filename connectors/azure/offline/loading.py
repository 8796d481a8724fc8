"""Reads files and collects what they list. An unusable file affects no other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import structs

from connectors.azure.offline import recognise as r
from connectors.azure.offline.export import GUID, Export
from connectors.azure.offline.recognise import Listed, Row
from connectors.azure.offline.shapes import in_camel_case, is_powershell, merged, moments
from connectors.core.offline import MAX_BYTES, Unreadable, content_of, files_in, json_values, name_in, text_of

CUT_AT = 100
"""The number of applications and service principals that the command line lists without ``--all``."""
_CUT = frozenset({r.SERVICE_PRINCIPALS, r.APPLICATIONS})
_SUBTYPES = frozenset({r.AGENTS, r.BLUEPRINTS, r.BLUEPRINT_PRINCIPALS})
_SECRETS = "it holds the values of secrets, which Muster does not need: delete it"
_OLD = (
    "it is in the form of Azure AD Graph, which is retired: write it again with the Azure command line 2.37 or newer, "
    "or with Microsoft Graph's PowerShell"
)
_TOO_MUCH = "its JSON is nested too deeply, or has a number that is too large"
_OWNERLESS = "it does not say whose rows these are: put the object's id into the file's name"
_SPONSORS, _MEMBERS = "sponsors", "transitiveMembers"
_NAMELESS = (r.FEDERATED, r.INHERITABLE)
"""Relations that the rows tell."""
# Words in the name of a file, for lists of objects related to the object whose id is in the name.
_WORDS = (
    ("sponsor", _SPONSORS),
    ("member", _MEMBERS),
    ("federated", r.FEDERATED),
    ("inheritable", r.INHERITABLE),
    ("held", r.HELD_BY),
    ("owner", r.OWNERS),
)


def open_export(root: Path) -> Export:
    """Read every file, the oldest first. Raises OSError if the folder cannot be read."""
    export = Export()
    for written_at, path in sorted((path.stat().st_mtime, path) for path in files_in(root)):
        name = name_in(root, path)
        try:
            used = [_add(export, found, list_name, name) for found, list_name in _documents(path)]
        except (Unreadable, RecursionError) as error:
            export.unusable.append((name, str(error) if isinstance(error, Unreadable) else _TOO_MUCH))
            continue
        if any(used):
            export.files += 1
            export.written_at = max(export.written_at, datetime.fromtimestamp(written_at, UTC))
        else:
            export.unknown.append(name)
    now = datetime.now(UTC)
    rows = (row for some in export.rows.values() for row in some.values())
    export.dated_at = max((at for row in rows for at in moments(row) if at <= now), default=None)
    return export


def _documents(path: Path) -> Iterator[tuple[Listed, str | None]]:
    """The lists in a file, with their rows. Raises Unreadable."""
    values = list(json_values(text_of(content_of(path, MAX_BYTES))))
    are_lines = len(values) > 1 and all(isinstance(one, Mapping) and "value" not in one for one in values)
    for found in map(r.listed, [values] if are_lines else values):
        rows = [in_camel_case(row) if is_powershell(row) else row for row in found.rows]
        if any(map(r.holds_secrets, rows)):
            raise Unreadable(_SECRETS)
        if any(map(r.is_of_old_graph, rows)):
            raise Unreadable(_OLD)
        if not _can_be_sent(rows):
            raise Unreadable(_TOO_MUCH)
        by_name: dict[str | None, list[Row]] = defaultdict(list)
        for row in rows:
            by_name[_name(found, row)].append(row)
        cut = found.name is None and len(rows) == CUT_AT
        for name, some in by_name.items():
            only_part = name in _SUBTYPES and name != found.name and len(by_name) > 1
            goes_on = found.goes_on or only_part or (cut and name in _CUT)
            yield structs.replace(found, rows=some, goes_on=goes_on), name
        if not rows:
            yield found, found.name


def _can_be_sent(rows: Sequence[Row]) -> bool:
    try:
        msgspec.json.encode(rows)
    except (OverflowError, ValueError, RecursionError):
        return False
    return True


def _name(found: Listed, row: Row) -> str | None:
    """The name of the list from the answer's metadata, or from the row."""
    reported = r.name_of(row)
    if found.name is None or (reported in _SUBTYPES and found.name in _CUT):
        return reported
    return found.name


def _add(export: Export, found: Listed, name: str | None, path: str) -> bool:
    """Add the rows of a document; returns whether any is used. ``name``: the list. Raises Unreadable."""
    if found.of is not None and found.relation is not None:
        return _relate(export, found.of, found.relation, found.rows)
    if name == r.HELD_BY:
        return _add_holders(export, found.rows)
    if name == r.RELATED and any(isinstance(row.get(one), list) for one in r.SHOWN for row in found.rows):
        return _add_shown(export, found.rows)
    if name in (*_NAMELESS, r.RELATED) or (name is None and not found.rows):
        return _add_related(export, found.rows, name, path)
    return name is not None and _add_list(export, found, name)


def _add_list(export: Export, found: Listed, name: str) -> bool:
    kept = export.rows[name]
    for row in found.rows:
        key = str(row.get("id") or row.get("kid") or f"without an id, number {len(kept)}").lower()
        kept[key] = merged(kept.get(key, {}), row)
    if found.is_list and not found.goes_on:
        export.whole.add(name)
    return True


def _add_related(export: Export, rows: Sequence[Row], name: str | None, path: str) -> bool:
    """Add rows that do not name their object: the name of the file does."""
    owner = next(iter(GUID.findall(path)), None)
    reported = next((relation for word, relation in _WORDS if word in path.lower()), None)
    if owner is not None and (rows or reported is not None):
        return _relate(export, owner, name if name in _NAMELESS else reported or r.OWNERS, rows)
    if rows:
        raise Unreadable(_OWNERLESS)
    export.empty.append(path.lower())
    return True


def _add_holders(export: Export, rows: Sequence[Row]) -> bool:
    """Add permissions on APIs. The list of one API is complete; the list of one client is not."""
    apis = {str(row.get("resourceId")) for row in rows}
    relation = r.HELD_BY if len(apis) == 1 else f"{r.HELD_BY} in part"
    for row in rows:
        _relate(export, str(row.get("resourceId")), relation, [row])
    return True


def _add_shown(export: Export, rows: Sequence[Row]) -> bool:
    """Add rows of an id and its related objects."""
    for row in rows:
        for relation in r.SHOWN:
            if isinstance(some := row.get(relation), list):
                _relate(export, str(row.get("id")), relation, r.listed(some).rows)
    return True


def _relate(export: Export, of: str, relation: str, rows: Sequence[Row]) -> bool:
    kept = export.related.setdefault((of.lower(), relation.lower()), {})
    for row in rows:
        kept[str(row.get("id") or row.get("name") or len(kept)).lower()] = row
    return True
