"""What the last scan knew of places where this one may have missed something: it stands until somebody looks again.

Nothing under a gap is gone, mended or new. Pure, like everything between the connectors and the reports.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from scanner.inventory import Inventory, as_last_known
from scanner.matching.places import Places
from scanner.model import Assessment, Coverage, EntryAssessment, Finding, StoredSecret
from scanner.rules.catalog import RULES_ON_DECLARATION, entry_fingerprints


class Remembered(Struct, frozen=True, kw_only=True):
    """What the last scan knew of places that were not read this time, and which findings it had.

    ``known``: fingerprints of the last scan's findings; None on a store's first scan, when nothing is new.
    """

    assessments: tuple[Assessment, ...] = ()
    secrets: tuple[StoredSecret, ...] = ()
    entries: tuple[EntryAssessment, ...] = ()
    findings: tuple[Finding, ...] = ()
    known: frozenset[str] | None = None


def filled(inventory: Inventory, last: Mapping[str, Assessment], places: Places) -> Inventory:
    """Facts that a gap kept from us, as the last scan knew them: a key that was not listed is not gone."""
    identities = tuple(
        as_last_known(one, last[one.key].identity)
        if one.key in last and places.doubtful(one.source, one.scope, one.kind)
        else one
        for one in inventory.identities
    )
    return msgspec.structs.replace(inventory, identities=identities)


def not_rechecked(last: Mapping[str, Assessment], seen: set[str], places: Places) -> list[Assessment]:
    """The last verdicts of identities that were not seen, and whose place was not completely read."""
    return [
        msgspec.structs.replace(one, rechecked=False)
        for key, one in last.items()
        if key not in seen and not places.completely_read(one.identity.source, one.identity.scope, one.identity.kind)
    ]


def with_unread_secrets(
    found: Sequence[StoredSecret], remembered: Sequence[StoredSecret], places: Places
) -> tuple[StoredSecret, ...]:
    unread = [one for one in remembered if not places.completely_read(one.source, one.scope, "secret")]
    every = {secret.key: secret for secret in (*unread, *found)}
    return tuple(every[key] for key in sorted(every))


def or_as_last_known(judged: EntryAssessment, last: EntryAssessment | None) -> EntryAssessment:
    """An entry that could not be evaluated keeps what the last scan knew of it."""
    if judged.state != "not_evaluated" or last is None or last.state == "not_evaluated":
        return judged
    return msgspec.structs.replace(last, entry=judged.entry, rechecked=False)


def kept_findings(
    found: Sequence[Finding],
    fresh: Sequence[Assessment],
    carried: Sequence[Assessment],
    entries: Sequence[EntryAssessment],
    remembered: Remembered,
) -> list[Finding]:
    """The last scan's findings that this one could not look into again: a gap is no reason to call anything mended."""
    last = {one.identity.key for one in remembered.assessments}
    kept = {fingerprint for one in carried for fingerprint in one.findings}
    kept |= {fingerprint for one in entries if not one.rechecked for fingerprint in entry_fingerprints(one.entry.id)}
    doubtful = {one.identity.key for one in fresh} & last
    judged = {finding.fingerprint for finding in found}
    return [
        msgspec.structs.replace(finding, new=False, rechecked=False)
        for finding in remembered.findings
        if finding.fingerprint not in judged
        and (finding.fingerprint in kept or (finding.identity in doubtful and finding.rule not in RULES_ON_DECLARATION))
    ]


def vanished_scopes(carried: Sequence[Assessment], coverage: Sequence[Coverage]) -> list[str]:
    """Scopes that a scanned source no longer lists: announced, and nothing in them is called gone."""
    scanned = {one.source for one in coverage if one.scope != "*"}
    listed = {(one.source, one.scope) for one in coverage}
    gone = Counter(
        (one.identity.source, one.identity.scope)
        for one in carried
        if one.identity.source in scanned and (one.identity.source, one.identity.scope) not in listed
    )
    return [
        f"source {source} no longer lists {scope}: its {count} identities are shown as last seen"
        for (source, scope), count in sorted(gone.items())
    ]
