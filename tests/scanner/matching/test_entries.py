"""What becomes of each entry, and when a place counts as completely read."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from scanner.matching.declared import MOST_ALIKE
from scanner.matching.entries import judge_entries
from scanner.matching.ladder import match
from scanner.matching.places import Places, SourceRef
from scanner.model import Coverage, CoverageStatus, Entry, EntryAssessment, Identity
from tests.factories import ACCOUNT, make_coverage, make_entry, make_identity

TODAY = date(2026, 11, 25)
PAST = date(2026, 11, 24)
ARN = make_identity().key
PROD = SourceRef(name="prod", provider="aws")
VAULT = SourceRef(name="hub", provider="vault")


def judge(
    entry: Entry,
    *identities: Identity,
    coverage: tuple[Coverage, ...] = (make_coverage(),),
    sources: tuple[SourceRef, ...] = (PROD,),
) -> EntryAssessment:
    (verdict,) = judge_entries(
        [entry],
        match(identities, [entry], tag_keys=(), today=TODAY),
        {identity.key: identity for identity in identities},
        coverage,
        sources=sources,
        today=TODAY,
    )
    return verdict


ALIVE = make_identity()
DISABLED = make_identity(enabled=False)
GAP = (make_coverage(status="denied"),)


@pytest.mark.parametrize(
    ("facts", "identity", "coverage", "state"),
    [
        pytest.param({}, ALIVE, (), "found", id="active-and-there"),
        pytest.param({}, ALIVE, GAP, "found", id="what-was-seen-is-found-under-a-gap-too"),
        pytest.param({}, DISABLED, (), "found", id="active-and-disabled"),
        pytest.param({}, None, None, "not_found", id="active-and-gone"),
        pytest.param({}, None, GAP, "not_evaluated", id="active-under-a-gap"),
        pytest.param({"status": "retired"}, ALIVE, None, "retired_but_alive", id="retired-and-there"),
        pytest.param({"expires": PAST}, ALIVE, None, "retired_but_alive", id="expired-and-there"),
        pytest.param({"expires": TODAY}, ALIVE, None, "found", id="last-day"),
        pytest.param({"status": "retired"}, DISABLED, None, "retired", id="retired-and-disabled"),
        pytest.param({"status": "retired"}, None, None, "retired", id="retired-and-gone"),
        pytest.param({"expires": PAST}, None, None, "retired", id="expired-and-gone"),
        pytest.param({"status": "retired"}, None, GAP, "not_evaluated", id="retired-under-a-gap"),
        pytest.param({"status": "suspended"}, ALIVE, None, "suspended", id="suspended-and-there"),
        pytest.param({"status": "suspended"}, None, GAP, "suspended", id="suspended-under-a-gap"),
        pytest.param(
            {"status": "suspended", "expires": PAST}, ALIVE, None, "retired_but_alive", id="suspended-but-expired"
        ),
        pytest.param({"status": "proposed"}, ALIVE, None, "proposed", id="proposed-and-there"),
        pytest.param({"status": "proposed"}, None, None, "proposed", id="proposed-and-not-there"),
    ],
)
def test_states_in_their_order(
    facts: dict[str, Any], identity: Identity | None, coverage: tuple[Coverage, ...] | None, state: str
) -> None:
    """Retired but alive, suspended, proposed, found, not evaluated, retired, not found: the first that holds."""
    found = () if identity is None else (identity,)
    read = (make_coverage(),) if coverage is None else coverage
    assert judge(make_entry(ARN, **facts), *found, coverage=read).state == state


@pytest.mark.parametrize(
    ("facts", "identity", "evidence"),
    [
        ({"status": "retired"}, ALIVE, f"retired, yet {ARN} is enabled"),
        ({"expires": PAST}, ALIVE, f"expired {PAST}, yet {ARN} is enabled"),
        ({"expires": PAST}, DISABLED, f"expired {PAST}, and no enabled identity matches"),
    ],
    ids=["retired", "expired", "expired-and-disabled"],
)
def test_an_entry_that_has_ended_says_how(facts: dict[str, Any], identity: Identity, evidence: str) -> None:
    """The evidence has the day, unless the registry itself calls the entry retired."""
    assert judge(make_entry(ARN, **facts), identity).evidence == evidence


def test_an_identity_of_unknown_activity_counts_as_enabled() -> None:
    """Without information whether it is enabled, the identity of a retired entry counts as alive."""
    assert judge(make_entry(ARN, status="retired"), make_identity(enabled=None)).state == "retired_but_alive"


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        pytest.param({}, "found", id="agrees"),
        pytest.param({"owner": ("bob@example.com",)}, "found", id="names-another-owner"),
        pytest.param({"status": "retired"}, "retired_but_alive", id="says-that-it-is-gone"),
        pytest.param({"expires": PAST}, "retired_but_alive", id="has-expired"),
        pytest.param({"status": "proposed"}, "proposed", id="not-approved-there-yet"),
    ],
)
def test_an_entry_of_another_registry_keeps_its_own_state(facts: dict[str, Any], state: str) -> None:
    """What a second list says of an identity is judged as if it stood alone, though a stronger entry registers it."""
    entries = [make_entry(ARN, registry="sheet"), make_entry(ALIVE.name, id="C", registry="cmdb", **facts)]
    matching = match([ALIVE], entries, tag_keys=(), today=TODAY)
    _, other = sorted(
        judge_entries(entries, matching, {ARN: ALIVE}, (make_coverage(),), sources=(PROD,), today=TODAY),
        key=lambda one: one.entry.registry == "cmdb",
    )

    assert (other.state, other.identities) == (state, (ARN,))


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("complete", "not_found"),
        ("partial", "not_evaluated"),
        ("denied", "not_evaluated"),
        ("failed", "not_evaluated"),
        ("skipped", "not_evaluated"),
        ("not_offered", "not_evaluated"),
        ("off", "not_evaluated"),
    ],
)
def test_only_a_complete_listing_proves_absence(status: CoverageStatus, state: str) -> None:
    """Nothing is called gone unless the one section that lists its kind was read to the end."""
    assert judge(make_entry(ARN), coverage=(make_coverage(status=status),)).state == state


USERS, ROLES = make_coverage(), make_coverage(section="iam.roles", kinds=("role",))
KEYS_DENIED = make_coverage(section="iam.keys", kinds=(), status="denied")
ROLES_DENIED = make_coverage(section="iam.roles", kinds=("role",), status="denied")
OTHER = make_coverage(scope="999999999999", section="iam.users", status="denied")
UNLISTED = make_coverage(scope="*", section="organization", kinds=(), status="denied")
HUB = make_coverage(source="hub", provider="vault", scope="hub", section="approle", kinds=("approle",))
TEAM = make_coverage(
    source="hub", provider="vault", scope="hub/team", section="approle", kinds=("approle",), status="denied"
)


@pytest.mark.parametrize(
    ("text", "facts", "coverage", "sources", "state"),
    [
        pytest.param(ARN, {}, (USERS, ROLES_DENIED), (PROD,), "not_found", id="the-arn-is-a-users"),
        pytest.param(ARN.replace("user", "role"), {}, (USERS, ROLES_DENIED), (PROD,), "not_evaluated", id="a-roles"),
        pytest.param(ARN, {}, (USERS, OTHER), (PROD,), "not_found", id="another-account-has-the-gap"),
        pytest.param(ARN, {}, (USERS, KEYS_DENIED), (PROD,), "not_found", id="a-section-without-identities"),
        pytest.param(ARN, {}, (USERS, UNLISTED), (PROD,), "not_found", id="its-own-account-was-listed"),
        pytest.param(ARN, {}, (OTHER,), (PROD,), "not_evaluated", id="account-not-scanned"),
        pytest.param(ARN, {}, (HUB,), (VAULT,), "not_evaluated", id="provider-not-configured"),
        pytest.param(ARN, {}, (HUB,), (PROD, VAULT), "not_evaluated", id="source-not-scanned"),
        pytest.param("arn:aws:iam::*:user/app-*", {}, (USERS,), (PROD,), "not_found", id="pattern-over-all-accounts"),
        pytest.param("arn:aws:iam::*:user/app-*", {}, (USERS, OTHER), (PROD,), "not_evaluated", id="and-one-unread"),
        pytest.param("gone", {}, (USERS, ROLES), (PROD,), "not_found", id="bare-name"),
        pytest.param("gone", {}, (USERS, ROLES_DENIED), (PROD,), "not_evaluated", id="bare-name-any-kind"),
        pytest.param("gone", {}, (USERS, UNLISTED), (PROD,), "not_evaluated", id="bare-name-accounts-not-listed"),
        pytest.param("gone", {}, (USERS, HUB), (PROD, VAULT), "not_found", id="bare-name-all-sources"),
        pytest.param("gone", {}, (USERS, HUB, TEAM), (PROD, VAULT), "not_evaluated", id="bare-name-one-scope-unread"),
        pytest.param("gone", {}, (USERS,), (PROD, VAULT), "not_evaluated", id="bare-name-one-source-not-scanned"),
        pytest.param("gone", {"provider": "AWS"}, (USERS,), (PROD, VAULT), "not_found", id="provider-narrows"),
        pytest.param("gone", {"scope": ACCOUNT}, (USERS, OTHER), (PROD,), "not_found", id="scope-narrows"),
        pytest.param("gone", {"scope": "nowhere"}, (USERS,), (PROD,), "not_evaluated", id="scope-not-scanned"),
        pytest.param("AKIAABCDEFGHIJKLMNOP", {}, (USERS, TEAM), (PROD, VAULT), "not_found", id="an-access-key-is-aws"),
        pytest.param("vault://hub/approle/x", {}, (HUB, TEAM), (VAULT,), "not_found", id="key-in-a-read-scope"),
        pytest.param("vault://hub/team/approle/x", {}, (HUB, TEAM), (VAULT,), "not_evaluated", id="longest-scope"),
        pytest.param("vault://hubble/approle/x", {}, (HUB,), (VAULT,), "not_evaluated", id="a-scope-is-no-mere-prefix"),
        pytest.param(
            "vault://hub/team/approle/x",
            {},
            (HUB, make_coverage(source="hub", provider="vault", scope="*", section="namespaces", status="denied")),
            (VAULT,),
            "not_evaluated",
            id="deeper-scopes-not-listed",
        ),
    ],
)
def test_absence_needs_a_completely_read_place(
    text: str,
    facts: dict[str, Any],
    coverage: tuple[Coverage, ...],
    sources: tuple[SourceRef, ...],
    state: str,
) -> None:
    """An entry is not found only if every place it points to was completely read for its kind."""
    assert judge(make_entry(text, **facts), coverage=coverage, sources=sources).state == state


def test_every_id_of_an_entry_must_have_been_looked_for() -> None:
    """One unread place among several keeps the entry from being called gone, and is named."""
    verdict = judge(make_entry(ARN, "vault://hub/team/approle/x"), coverage=(USERS, TEAM), sources=(PROD, VAULT))
    assert (verdict.state, verdict.evidence) == ("not_evaluated", "hub hub/team approle: denied")


def test_a_place_read_by_one_of_two_sources_is_read() -> None:
    """An export with a gap takes nothing from a complete live reading of the same account."""
    export = make_coverage(source="export", status="partial")
    sources = (SourceRef(name="export", provider="aws"), PROD)
    assert judge(make_entry(ARN), coverage=(export, USERS), sources=sources).state == "not_found"


def test_entries_come_sorted_with_their_identities() -> None:
    """The assessments are in the order of the entries' ids, each with the keys it matches."""
    entries = [make_entry("b*", id="2"), make_entry(ARN, id="1"), make_entry("svc-b*", id="3")]
    identities = [make_identity(), make_identity("bob"), make_identity("bea")]
    judged = judge_entries(
        entries,
        match(identities, entries, tag_keys=(), today=TODAY),
        {identity.key: identity for identity in identities},
        (),
        sources=(),
        today=TODAY,
    )
    assert [(one.entry.id, one.state, one.identities) for one in judged] == [
        ("1", "found", (ARN,)),
        ("2", "found", (make_identity("bea").key, make_identity("bob").key)),
        ("3", "found", ()),
    ]


@pytest.mark.parametrize(
    ("coverage", "rungs"),
    [
        pytest.param(make_coverage(status="denied", rungs=("key", "name")), {"key", "name"}, id="gap"),
        pytest.param(make_coverage(status="complete", rungs=("key", "name")), set(), id="complete"),
        pytest.param(make_coverage(status="off", rungs=("credential",)), set(), id="off-is-no-gap"),
        pytest.param(make_coverage(status="denied", rungs=("key",), scope="9"), set(), id="another-scope"),
        pytest.param(make_coverage(status="denied", rungs=("key",), kinds=("role",)), set(), id="another-kind"),
        pytest.param(make_coverage(status="denied", rungs=("key",), kinds=("*",)), {"key"}, id="any-kind"),
        pytest.param(make_coverage(status="denied", rungs=("key",), kinds=()), {"key"}, id="facts-of-all"),
    ],
)
def test_a_gap_takes_rungs_from_its_scope(coverage: Coverage, rungs: set[str]) -> None:
    """What a section feeds is missing in its own scope, and only while it has a gap."""
    assert Places([coverage]).missing_rungs("prod", ACCOUNT, "user") == rungs


def test_an_access_key_is_only_missing_where_keys_were_listed() -> None:
    """An entry that names a credential waits for the section that lists credentials; one that names a user does not."""
    keys = make_coverage(section="iam.access_keys", status="denied", kinds=(), rungs=("credential",))
    coverage = (make_coverage(), keys)

    assert judge(make_entry("AKIAIOSFODNN7EXAMPLE"), coverage=coverage, sources=(PROD,)).state == "not_evaluated"
    assert judge(make_entry("svc-gone", provider="aws"), coverage=coverage, sources=(PROD,)).state == "not_found"


def test_an_outranked_entry_is_not_called_missing() -> None:
    """The identity that it names exists; the evidence says that another entry matches it on a stronger rung."""
    identity = make_identity("svc-a", aliases=("svc-a@example.com",))
    entries = (
        make_entry(identity.key, id="1"),
        make_entry("svc-a@example.com", id="2"),
        make_entry("svc-*", id="3"),
        make_entry("gone-*", id="4", provider="aws", scope=identity.scope),
    )
    matching = match([identity], entries, tag_keys=(), today=TODAY)
    judged = judge_entries(
        entries,
        matching,
        {identity.key: identity},
        [make_coverage()],
        sources=(SourceRef(name="prod", provider="aws"),),
        today=TODAY,
    )

    assert [(one.entry.id, one.state) for one in judged] == [
        ("1", "found"),
        ("2", "found"),
        ("3", "found"),
        ("4", "not_found"),
    ]
    assert judged[1].evidence == f"names {identity.key}, which another entry matches on the same or a stronger rung"


def test_a_list_of_any_kind_that_could_not_be_read_may_hold_anything() -> None:
    """One source's complete reading of a place is no word about what another one could not read."""
    unread = make_coverage(source="other", provider="file", scope="*", status="failed", kinds=("*",))
    listed = make_coverage(source="list", provider="acme", scope="s1", kinds=("*",))
    sources = tuple(
        SourceRef(name=name, provider=of) for name, of in (("prod", "aws"), ("list", "file"), ("other", "file"))
    )
    judged = judge_entries(
        (
            make_entry("gone", id="1", provider="acme", scope="s1"),
            make_entry("gone", id="2", provider="aws", scope=ACCOUNT),
        ),
        match([], (), tag_keys=(), today=TODAY),
        {},
        [make_coverage(), listed, unread],
        sources=sources,
        today=TODAY,
    )

    assert [one.state for one in judged] == ["not_evaluated", "not_found"]


@pytest.mark.parametrize(("kind", "read"), [("user", True), ("role", False), ("group", False), (None, False)], ids=str)
def test_completely_read_depends_on_the_kind(kind: str | None, *, read: bool) -> None:
    """A kind is read when every section that lists it is; no kind means all of them."""
    assert Places([USERS, ROLES_DENIED]).completely_read("prod", ACCOUNT, kind) is read


def test_a_gap_of_a_section_that_lists_others_may_hide_facts() -> None:
    """A listing of policies lists some identities, and adds facts to others."""
    assert Places([USERS, ROLES_DENIED]).uncertain("prod", ACCOUNT, "user")
    assert not Places([USERS, ROLES]).uncertain("prod", ACCOUNT, "user")


def test_stored_secrets_are_no_identities() -> None:
    """A denied listing of secrets does not hide that an identity is gone."""
    secrets = make_coverage(section="secrets", kinds=("secret",), status="denied")
    assert judge(make_entry("gone"), coverage=(USERS, secrets)).state == "not_found"


def test_a_row_that_is_repeated_very_often_is_compared_a_few_times() -> None:
    """Beyond the first of very many entries that say the same, entries match what these match."""
    identities = [make_identity(f"svc-{number}") for number in range(3)]
    entries = [make_entry("svc-*", id=f"E{number:03}") for number in range(10 * MOST_ALIKE)]
    matched = match(identities, entries, tag_keys=(), today=TODAY)

    assert {verdict.state for verdict in matched.verdicts.values()} == {"ambiguous"}
    assert {len(verdict.candidates) for verdict in matched.verdicts.values()} == {MOST_ALIKE}
    assert f"{MOST_ALIKE} or more live entries match it" in (matched.verdicts[identities[0].key].evidence or "")
    judged = judge_entries(entries, matched, {one.key: one for one in identities}, (), sources=(), today=TODAY)
    assert {one.state for one in judged} == {"found"}


def test_live_entries_come_first_among_very_many() -> None:
    many = [make_entry("svc-a", id=f"A{number:03}", status="retired") for number in range(10 * MOST_ALIKE)]
    live = make_entry("svc-a", id="Z")
    identity = make_identity("svc-a")
    verdict = match([identity], [*many, live], tag_keys=(), today=TODAY).verdicts[identity.key]
    assert (verdict.state, verdict.entry) == ("registered", "Z")
