"""The ladder: the entry of each identity, the rung, and what never matches."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.matching.keys import url_id
from scanner.matching.ladder import Matching, match
from scanner.model import RUNGS, Entry, EntryStatus, Identity, Origin, RegistryVerdict, Rung
from tests.factories import ACCOUNT, make_credential, make_entry, make_identity

TODAY = date(2026, 11, 25)
TAG = "muster:entry"
ARN = f"arn:aws:iam::{ACCOUNT}:user/svc-billing"


def run(identities: list[Identity], entries: list[Entry]) -> Matching:
    return match(identities, entries, tag_keys=(TAG,), today=TODAY)


def judge(identity: Identity, *entries: Entry) -> RegistryVerdict:
    return run([identity], list(entries)).verdicts[identity.key]


def entry(entry_id: str, *identities: str, row: int = 2, **facts: Any) -> Entry:
    return make_entry(*identities, id=entry_id, origin=Origin(file="registry.csv", row=row), **facts)


FULL = make_identity(
    unique_id="AIDAEXAMPLE",
    aliases=("billing@example.com",),
    tags={TAG: "NHI-1"},
    credentials=(make_credential(),),
)


@pytest.mark.parametrize(
    ("declared", "rung", "evidence"),
    [
        pytest.param(entry("E", ARN), "key", f"key {ARN} = registry.csv:2", id="key"),
        pytest.param(entry("E", "AIDAEXAMPLE"), "unique_id", "unique_id AIDAEXAMPLE = registry.csv:2", id="unique-id"),
        pytest.param(
            entry("E", "AKIAEXAMPLE1"), "credential", "credential AKIAEXAMPLE1 = registry.csv:2", id="credential"
        ),
        pytest.param(entry("NHI-1", "other"), "tag", f"tag {TAG}=NHI-1 = registry.csv:2", id="tag"),
        pytest.param(
            entry("E", "Billing@Example.com"), "alias", "alias billing@example.com = registry.csv:2", id="alias"
        ),
        pytest.param(entry("E", " SVC-Billing "), "name", "name svc-billing = registry.csv:2", id="name"),
        pytest.param(entry("E", "svc-*"), "glob", "glob svc-* = registry.csv:2", id="glob-on-name"),
        pytest.param(
            entry("E", "arn:aws:iam::*:user/svc-*"),
            "glob",
            "glob arn:aws:iam::*:user/svc-* = registry.csv:2",
            id="glob-on-key",
        ),
        pytest.param(entry("E", "*@example.com"), "glob", "glob *@example.com = registry.csv:2", id="glob-on-alias"),
    ],
)
def test_each_rung_registers_with_its_evidence(declared: Entry, rung: Rung, evidence: str) -> None:
    """One entry that names the identity in one way registers it by that rung."""
    assert judge(FULL, declared) == RegistryVerdict(
        state="registered",
        entry=declared.id,
        rung=rung,
        evidence=evidence,
    )


NAMED_BY = {
    "key": ARN,
    "unique_id": "AIDAEXAMPLE",
    "credential": "AKIAEXAMPLE1",
    "tag": "unrelated",
    "alias": "billing@example.com",
    "name": "svc-billing",
    "glob": "svc-bill*",
}


@pytest.mark.parametrize(("stronger", "weaker"), list(pairwise(RUNGS)))
def test_the_stronger_rung_decides(stronger: str, weaker: str) -> None:
    """Of two entries that hit on different rungs the stronger rung's wins."""
    ids = {rung: "NHI-1" if rung == "tag" else f"by-{rung}" for rung in (stronger, weaker)}
    verdict = judge(FULL, *(entry(ids[rung], NAMED_BY[rung]) for rung in (weaker, stronger)))

    assert (verdict.state, verdict.rung, verdict.entry) == ("registered", stronger, ids[stronger])


def test_the_runner_up_is_kept() -> None:
    """A registered identity still shows which other entries would have represented it, and why, live ones first."""
    retired = entry("C", "billing@example.com", row=4, status="retired")
    verdict = judge(FULL, entry("A", ARN), entry("B", "svc-billing", row=3), retired)

    assert verdict.entry == "A"
    assert [(candidate.entry, candidate.score, candidate.evidence) for candidate in verdict.candidates] == [
        ("B", 0.85, "name svc-billing = registry.csv:3"),
        ("C", 0.45, "alias billing@example.com = registry.csv:4 (retired)"),
    ]


@pytest.mark.parametrize(("status", "shown"), [("active", 3), ("proposed", 4)])
def test_only_the_nearest_runners_up_are_kept(status: EntryStatus, shown: int) -> None:
    """Three beside the entry that decides; where none does, the first proposed one comes before them."""
    first = entry("A", ARN, status=status)
    others = [entry(f"B{row}", "svc-billing", row=row, status="proposed") for row in range(3, 9)]

    assert len(judge(FULL, first, *others).candidates) == shown


def test_a_name_that_is_anothers_id_is_nobodys_name() -> None:
    """Whichever id of the other it is."""
    bearer = make_identity("bot", key="k", provider="unheard-of")
    facts: tuple[dict[str, Any], ...] = (
        {"key": "app:7"}, {"unique_id": "app:7"}, {"aliases": ("app:7",)},
        {"credentials": (make_credential("bot", "app:7"),)},
    )  # fmt: skip
    imitator = make_identity("app:7", key="other", provider="unheard-of")
    for its_id in facts:
        owner = msgspec.structs.replace(bearer, **its_id)
        verdicts = run([imitator, owner], [entry("E", "app:7")]).verdicts
        assert (verdicts["other"].state, verdicts[owner.key].entry) == ("unregistered", "E"), its_id


def test_two_live_entries_on_the_deciding_rung_are_ambiguous() -> None:
    """Two live entries are never chosen between; both are candidates."""
    verdict = judge(FULL, entry("B", ARN, row=3), entry("A", ARN))

    assert (verdict.state, verdict.entry, verdict.rung) == ("ambiguous", None, "key")
    assert [candidate.entry for candidate in verdict.candidates] == ["A", "B"]


def test_one_entry_that_names_it_twice_is_no_ambiguity() -> None:
    """Several texts of one entry are one entry."""
    assert judge(FULL, entry("A", ARN, ARN, "svc-billing")).state == "registered"


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"status": "retired"}, "(retired)"),
        ({"status": "suspended"}, "(suspended)"),
        ({"expires": date(2026, 11, 24)}, "(expired 2026-11-24)"),
    ],
    ids=["retired", "suspended", "expired"],
)
def test_live_entries_outrank_all_others_on_a_rung(facts: dict[str, Any], why: str) -> None:
    """Beside a live entry one that is not live is no ambiguity; alone it registers, and says what it is."""
    dead = entry("A", ARN, **facts)
    alone = judge(FULL, dead)

    assert judge(FULL, dead, entry("B", ARN)).entry == "B"
    assert (alone.state, alone.entry) == ("registered", "A")
    assert (alone.evidence or "").endswith(why)


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([], id="alone"),
        pytest.param([entry("B", ARN, status="proposed", row=9)], id="two"),
        pytest.param([entry("B", "svc-*", status="proposed", row=9)], id="with-a-pattern"),
        pytest.param([entry("B", "svc-billing", status="proposed", row=9, registry="cmdb")], id="of-two-registries"),
    ],
)
def test_a_proposed_entry_registers_no_identity(others: list[Entry]) -> None:
    """Proposing is not approving: it is the first candidate, and no more."""
    matching = run([FULL], [entry("A", ARN, status="proposed"), *others])
    verdict = matching.verdicts[FULL.key]

    assert (verdict.state, verdict.entry, verdict.rung) == ("unregistered", None, None)
    assert (verdict.proposed, verdict.proposed_by) == ("A", "key")
    assert [candidate.entry for candidate in verdict.candidates] == ["A", *(other.id for other in others)]
    assert verdict.candidates[0].evidence == f"key {ARN} = registry.csv:2 (proposed)"
    assert matching.identities_of["A"] == (FULL.key,)


@pytest.mark.parametrize(
    "weaker",
    [
        pytest.param(entry("B", "svc-billing"), id="name"),
        pytest.param(entry("B", "svc-*"), id="pattern"),
        pytest.param(entry("B", "svc-billing", status="retired"), id="retired"),
    ],
)
def test_a_proposed_entry_never_hides_one_that_was_approved(weaker: Entry) -> None:
    """Also one on a weaker rung: it registers as if nothing had been proposed."""
    verdict = judge(FULL, entry("A", ARN, status="proposed"), weaker)

    assert (verdict.state, verdict.entry, verdict.proposed) == ("registered", "B", None)
    assert [candidate.entry for candidate in verdict.candidates] == ["A"]


_GUID = "3f2a9d10-1111-4222-8333-444455556666"
_SERVICE_ACCOUNT = "etl@demo.iam.gserviceaccount.com"
_ENTITY: dict[str, Any] = {
    "provider": "vault",
    "scope": "hub",
    "kind": "entity",
    "key": "vault://hub/identity/entity/id/e1",
}
_ROW: dict[str, Any] = {"provider": "saas", "scope": "acme", "kind": "bot", "key": "saas:acme:bot"}


@pytest.mark.parametrize(
    ("declared", "claimant"),
    [
        pytest.param(ARN, make_identity("bot", **_ENTITY, aliases=(ARN,)), id="arn-as-an-alias"),
        pytest.param(ARN, make_identity("bot", **_ROW | {"key": ARN}), id="arn-as-the-key-of-a-row"),
        pytest.param(
            "arn:aws:iam::*:user/svc-*", make_identity("bot", **_ENTITY, aliases=(ARN,)), id="pattern-of-arns"
        ),
        pytest.param("**svc-billing", make_identity("bot", **_ENTITY, aliases=(ARN,)), id="pattern-of-anything"),
        pytest.param(
            "AROAEXAMPLEEXAMPLE12", make_identity("bot", **_ROW, unique_id="AROAEXAMPLEEXAMPLE12"), id="unique-id"
        ),
        pytest.param(
            "AKIAEXAMPLEEXAMPLE12",
            make_identity("bot", **_ROW, credentials=(make_credential("bot", "AKIAEXAMPLEEXAMPLE12"),)),
            id="access-key",
        ),
        pytest.param(
            "AROAEXAMPLEEXAMPLE12",
            make_identity("bot", **_ROW | {"provider": "azure"}, aliases=("aroaexampleexample12",)),
            id="in-another-case",
        ),
        pytest.param(
            _SERVICE_ACCOUNT, make_identity("bot", **_ENTITY, aliases=(_SERVICE_ACCOUNT,)), id="service-account"
        ),
        pytest.param(_SERVICE_ACCOUNT, make_identity(_SERVICE_ACCOUNT, **_ROW), id="service-account-as-a-name"),
        pytest.param(
            "vault://hub/auth/approle/role/etl",
            make_identity("bot", **_ROW | {"key": "vault://hub/auth/approle/role/etl"}),
            id="vault-path",
        ),
    ],
)
def test_ids_bind_to_the_provider_that_issues_them(declared: str, claimant: Identity) -> None:
    """An identity that claims another provider's id is not registered by it, on any rung."""
    assert judge(claimant, entry("E", declared)).state == "unregistered"


@pytest.mark.parametrize("issuer", ["azure", "gcp"])
@pytest.mark.parametrize("declared", [_GUID, "113344556677889900112"])
@pytest.mark.parametrize("how", ["alias", "unique_id"])
def test_an_id_without_a_form_belongs_to_the_cloud_that_has_it(issuer: str, declared: str, how: str) -> None:
    """In any position of the list; a Vault alias is often the id of an Entra object."""
    claims: dict[str, Any] = {"aliases": (declared,)} if how == "alias" else {"unique_id": declared}
    claimant = make_identity("bot", **_ENTITY, **claims)
    owner = make_identity("app", key=f"{issuer}://t/app", provider=issuer, scope="t", unique_id=declared)

    for seen in ([claimant, owner], [owner, claimant]):
        verdicts = run(seen, [entry("E", declared)]).verdicts
        assert (verdicts[claimant.key].state, verdicts[owner.key].entry) == ("unregistered", "E")
    assert judge(claimant, entry("E", declared)).entry == "E"
    assert run([claimant, owner], [entry("E", declared, provider="vault")]).verdicts[claimant.key].entry == "E"


def test_several_entries_that_are_not_live_are_no_ambiguity() -> None:
    """Only live entries can be ambiguous; of others the one closest to live matches, and the evidence names all."""
    matching = run([FULL], [entry("A", ARN, status="retired"), entry("B", ARN, status="suspended")])

    assert matching.verdicts[FULL.key].entry == "B"
    assert matching.identities_of == {"A": (FULL.key,), "B": (FULL.key,)}


def test_an_entry_is_live_through_its_last_day() -> None:
    """It expires when that day has passed."""
    verdict = judge(FULL, entry("A", ARN, expires=TODAY), entry("B", ARN, expires=date(2026, 11, 24)))
    assert (verdict.state, verdict.entry) == ("registered", "A")


@pytest.mark.parametrize(
    ("facts", "hit"),
    [
        ({}, True),
        ({"provider": "AWS"}, True),
        ({"provider": "aws", "scope": ACCOUNT}, True),
        ({"provider": "vault"}, False),
        ({"scope": "999999999999"}, False),
        ({"provider": "aws", "scope": "999999999999"}, False),
    ],
    ids=["anywhere", "provider", "scope", "other-provider", "other-scope", "both-but-other-scope"],
)
@pytest.mark.parametrize("rung", RUNGS)
def test_provider_and_scope_narrow_every_rung(rung: str, facts: dict[str, Any], *, hit: bool) -> None:
    """An entry for another place never matches, on no rung."""
    declared = entry("NHI-1" if rung == "tag" else "E", NAMED_BY[rung], **facts)
    assert judge(FULL, declared).state == ("registered" if hit else "unregistered")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("rogue-bot-exfil", "bot", id="part-of-a-name"),
        pytest.param("bot", "rogue-bot-exfil", id="name-is-a-part"),
        pytest.param("svc-billing ", "svc-billing", id="trailing-space"),
        pytest.param("svc-billing\u200b", "svc-billing", id="zero-width"),
        pytest.param("svc-b\u0456lling", "svc-billing", id="cyrillic-i"),
        pytest.param("\uff53vc-billing", "svc-billing", id="fullwidth-s"),
        pytest.param("\u017fvc-billing", "svc-billing", id="long-s"),
        pytest.param("svc_billing", "svc-billing", id="another-separator"),
        pytest.param("svc-billing\n", "svc-billing", id="line-break"),
        pytest.param("evil", "*", id="a-star-alone"),
        pytest.param("evil", "**", id="two-stars-alone"),
        pytest.param("evil", "", id="nothing"),
        pytest.param(
            f"arn:aws:iam::{ACCOUNT}:role/admin", f"arn:aws:iam::{ACCOUNT}:role/admin", id="named-like-an-arn"
        ),
        pytest.param(
            f"arn:aws:iam::{ACCOUNT}:role/app-x", f"arn:aws:iam::{ACCOUNT}:role/app-*", id="named-to-fit-a-pattern"
        ),
    ],
)
def test_adversarial_names_never_register(name: str, text: str) -> None:
    """Naming an identity after a declared one has no effect."""
    rogue = make_identity(name, key="vault://cluster/approle/x", provider="vault", scope="cluster")
    assert judge(rogue, entry("E", text)).state == "unregistered"


@given(name=st.text(min_size=1), text=st.text(alphabet=st.characters(exclude_characters="*\\"), min_size=1))
def test_only_an_equal_name_registers(name: str, text: str) -> None:
    """With any texts, without a pattern an ASCII name matches only itself, ignoring case."""
    verdict = judge(make_identity(name, key="k"), entry("E", text))
    if verdict.state == "registered" and text.isascii():
        assert name.lower() == text.strip().lower() or text.strip() == "k"


@pytest.mark.parametrize(
    ("key", "provider", "text", "hit"),
    [
        pytest.param("arn:aws:iam::1:role/App", "aws", "arn:aws:iam::1:role/app", False, id="arn"),
        pytest.param("vault://c/approle/App", "vault", "vault://c/approle/app", False, id="path"),
        pytest.param("0AE1-22FF", "azure", "0ae1-22ff", True, id="guid"),
        pytest.param("Etl@P.iam.gserviceaccount.com", "gcp", "etl@p.iam.gserviceaccount.com", True, id="e-mail"),
        pytest.param("arn:aws:iam::1:role/App-x", "aws", "arn:aws:iam::1:role/app-*", False, id="arn-pattern"),
        pytest.param(
            "Etl@P.iam.gserviceaccount.com", "gcp", "etl@*.iam.gserviceaccount.com", True, id="e-mail-pattern"
        ),
    ],
)
def test_ids_are_compared_as_their_provider_compares(key: str, provider: str, text: str, *, hit: bool) -> None:
    """ARNs and paths to the letter, GUIDs and e-mails but for case."""
    identity = make_identity("unrelated", key=key, provider=provider, scope="1")
    assert judge(identity, entry("E", text)).state == ("registered" if hit else "unregistered")


@pytest.mark.parametrize(("provider", "hit"), [("aws", True), ("unheard-of", False)])
def test_patterns_of_names_are_compared_as_the_provider_compares_names(provider: str, *, hit: bool) -> None:
    """AWS lets no two names differ only in case, though its ids may; of an unknown provider that is unknown."""
    identity = make_identity("SVC-App", key="k", provider=provider)
    assert judge(identity, entry("E", "svc-*")).state == ("registered" if hit else "unregistered")


@pytest.mark.parametrize(
    ("tags", "declared", "state"),
    [
        pytest.param({TAG: "NHI-1"}, entry("NHI-1", "x"), "registered", id="configured-key"),
        pytest.param({TAG: "nhi-1"}, entry("NHI-1", "x"), "registered", id="labels-are-lower-case"),
        pytest.param({"entry": "NHI-1"}, entry("NHI-1", "x"), "unregistered", id="another-key"),
        pytest.param({TAG: "NHI-1 x"}, entry("NHI-1", "x"), "unregistered", id="not-the-whole-value"),
        pytest.param({TAG: "registry.csv:2"}, entry("registry.csv:2", "x", has_own_id=False), "unregistered", id="row"),
        pytest.param({TAG: "NHI-1"}, entry("NHI-1", "x", scope="9"), "unregistered", id="another-scope"),
        pytest.param(
            {TAG: "NHI-1"}, entry("NHI-1", "arn:aws:iam::9:role/x"), "unregistered", id="arn-in-another-account"
        ),
        pytest.param({TAG: "NHI-1"}, entry("NHI-1", f"arn:aws:iam::{ACCOUNT}:role/x"), "registered", id="same-account"),
    ],
)
def test_tags_register_no_identity_by_accident(tags: dict[str, str], declared: Entry, state: str) -> None:
    """Only configured keys count, only with a whole id of the entry's own, and only where the entry lives."""
    assert judge(make_identity("svc", tags=tags), declared).state == state


def test_a_tag_names_the_id_as_written_before_any_other() -> None:
    """Two ids that differ only in case are two entries, and only a label in lower case can mean either."""
    verdict = judge(make_identity("svc", tags={TAG: "NHI-1"}), entry("NHI-1", "x"), entry("nhi-1", "x", row=3))
    assert (verdict.state, verdict.entry) == ("registered", "NHI-1")


def test_a_name_is_nobodys_id() -> None:
    """Of two with the same name, which an entry has, both are registered, though an id matches one of them too."""
    one, other = make_identity("app/7", key="k-1"), make_identity("app/7", key="k-2")
    verdicts = run([one, other], [entry("E", "k-1", "app/7")]).verdicts
    assert [verdicts[key].rung for key in ("k-1", "k-2")] == ["key", "name"]


def test_a_password_is_no_id() -> None:
    """A password's id is but its user's name, so it is not the credential rung that finds it."""
    identity = make_identity(credentials=(make_credential("svc-billing", "svc-billing", kind="password"),))
    assert judge(identity, entry("E", "svc-billing")).rung == "name"


def test_the_most_specific_pattern_wins() -> None:
    """Of several patterns, the one with most literal text matches; the next is the runner-up."""
    verdict = judge(FULL, entry("A", "svc-*"), entry("B", "svc-bill*"), entry("C", "**billing"))

    assert (verdict.entry, verdict.evidence) == ("B", "glob svc-bill* = registry.csv:2")
    assert [candidate.entry for candidate in verdict.candidates] == ["A", "C"]


def test_equally_specific_patterns_are_ambiguous() -> None:
    """Two entries with the same pattern are ambiguous, in any order."""
    assert judge(FULL, entry("A", "svc-*"), entry("B", "svc-*")).state == "ambiguous"


def test_a_large_or_boundless_pattern_is_noticed() -> None:
    """A pattern over 1 % of the estate is named with its place; one without a letter is refused."""
    identities = [make_identity(f"app-{number}") for number in range(198)]
    few = [make_identity("svc-1"), make_identity("svc-2")]
    matching = run([*identities, *few], [entry("A", "app-*"), entry("B", "svc-*", row=3), entry("C", "**", row=4)])

    assert matching.notices == (
        "registry.csv:4: the pattern ** would match everything and was not used",
        "patterns that match over 1% of the 200 identities: app-* in registry.csv:2 for 198",
    )


@pytest.mark.parametrize(("patterns", "more"), [(5, ""), (6, "; and 1 more")])
def test_of_many_large_patterns_the_largest_are_named(patterns: int, more: str) -> None:
    """In one notice, however many there are."""
    identities = [make_identity(f"app{one}-{number}") for one in range(patterns) for number in range(20 + one)]
    entries = [entry(f"E{one}", f"app{one}-*", row=one) for one in range(patterns)]
    (notice,) = run(identities, entries).notices

    named = [f"app{one}-* in registry.csv:{one} for {20 + one}" for one in reversed(range(patterns))]
    assert notice.endswith(f"identities: {'; '.join(named[:5])}{more}")


@pytest.mark.parametrize(("covered", "noticed"), [(19, False), (20, True)])
def test_a_pattern_of_a_small_estate_is_not_large(covered: int, noticed: bool) -> None:
    """One percent of fifty identities would be any pattern at all."""
    identities = [make_identity(f"{'app' if number < covered else 'svc'}-{number}") for number in range(50)]

    assert bool(run(identities, [entry("A", "app-*")]).notices) is noticed


WORDS = st.sampled_from(["app", "App", "etl", "app-etl"])
IDENTITIES = st.lists(
    st.builds(
        lambda name, scope, alias: make_identity(
            name, key=f"arn:aws:iam::{scope}:user/{name}", scope=scope, aliases=(alias,), tags={TAG: f"E{alias[0]}"}
        ),
        WORDS,
        st.sampled_from(["1", "2"]),
        st.sampled_from(["0@x.y", "1@x.y"]),
    ),
    max_size=5,
    unique_by=lambda identity: identity.key,
)
TEXTS = st.one_of(
    WORDS, st.sampled_from(["app-*", "a*", "**etl", "arn:aws:iam::1:user/app", "arn:aws:iam::*:user/**", "0@X.Y"])
)
ENTRIES = st.lists(
    st.tuples(
        st.lists(TEXTS, min_size=1, max_size=2),
        st.sampled_from([None, "1"]),
        st.sampled_from(["active", "active", "retired", "suspended"]),
    ),
    max_size=6,
).map(
    lambda rows: [
        entry(f"E{number}", *texts, row=number, scope=scope, status=status)
        for number, (texts, scope, status) in enumerate(rows)
    ]
)


@given(identities=IDENTITIES, entries=ENTRIES, dice=st.randoms(use_true_random=False))
def test_input_order_does_not_matter(identities: list[Identity], entries: list[Entry], dice: Random) -> None:
    """Shuffled entries and identities give the same verdicts, matches and notices."""
    expected = run(identities, entries)
    dice.shuffle(identities)
    dice.shuffle(entries)
    assert run(identities, entries) == expected


@given(identities=IDENTITIES, entries=ENTRIES)
def test_an_exact_key_always_beats_a_pattern(identities: list[Identity], entries: list[Entry]) -> None:
    """With any other entries, an entry with the exact key is found, or is among those found."""
    exact = [entry(f"X{number}", identity.key) for number, identity in enumerate(identities)]
    matching = run(identities, [*entries, *exact])
    for declared, identity in zip(exact, identities, strict=True):
        verdict = matching.verdicts[identity.key]

        assert verdict.rung == "key"
        assert declared.id in (verdict.entry, *(candidate.entry for candidate in verdict.candidates))


def cmdb(entry_id: str, *identities: str, **facts: Any) -> Entry:
    """An entry of another registry."""
    origin = Origin(file="cmdb.csv", row=9)
    return make_entry(*identities, **{"id": entry_id, "registry": "cmdb", "origin": origin, **facts})


def test_registries_that_agree_are_one_declaration() -> None:
    """The entry with an owner matches, the others agree, and the identity is found for each of them."""
    matching = run([FULL], [cmdb("C", ARN, owner=()), entry("A", ARN, registry="sheet")])
    verdict = matching.verdicts[FULL.key]

    assert (verdict.state, verdict.entry, verdict.rung) == ("registered", "A", "key")
    assert (verdict.agreeing, verdict.contradictions, verdict.candidates) == (("C",), (), ())
    assert matching.identities_of == {"A": (FULL.key,), "C": (FULL.key,)}


@pytest.mark.parametrize(
    ("one", "other", "first"),
    [
        pytest.param({"owner": ()}, {}, "C", id="whoever-names-an-owner"),
        pytest.param({"registry": "b"}, {"registry": "a"}, "C", id="then-by-registry"),
        pytest.param({"registry": "a"}, {"registry": "b"}, "A", id="by-registry-the-other-way"),
    ],
)
def test_who_speaks_for_agreeing_registries(one: dict[str, Any], other: dict[str, Any], first: str) -> None:
    """An entry with an owner goes first, then the registry's name decides."""
    assert judge(FULL, entry("A", ARN, **{"registry": "sheet", **one}), cmdb("C", ARN, **other)).entry == first


@pytest.mark.parametrize(
    ("exact", "pattern", "agreeing"),
    [
        pytest.param({"owner": ()}, {}, ("C",), id="it says the owner that the exact one lacks"),
        pytest.param({"owner": ("bob@example.com",)}, {}, (), id="not where the exact one says another"),
        pytest.param({"owner": (), "status": "retired"}, {}, (), id="a retired exact one stays retired"),
        pytest.param({"owner": ()}, {"status": "retired"}, (), id="not one that is not live"),
        pytest.param({"owner": ()}, {"status": "proposed"}, (), id="not one that is not approved"),
        pytest.param({"owner": (), "unread": ("owner",)}, {}, (), id="not where the exact one's owner is unreadable"),
    ],
)
def test_a_pattern_of_another_registry_completes_an_exact_entry(
    exact: dict[str, Any], pattern: dict[str, Any], agreeing: tuple[str, ...]
) -> None:
    """It contradicts nothing: an exact entry speaks for itself."""
    verdict = judge(
        FULL, entry("A", ARN, registry="terraform", **exact), cmdb("C", "arn:aws:iam::*:user/**", **pattern)
    )

    assert (verdict.state, verdict.entry, verdict.rung) == ("registered", "A", "key")
    assert (verdict.agreeing, verdict.contradictions) == (agreeing, ())


def test_the_most_specific_pattern_completes_an_exact_entry() -> None:
    """Of two that are equally specific and contradict each other, neither does; nor does one of the same registry."""
    exact = entry("A", ARN, registry="terraform", owner=())
    broad, narrow = cmdb("B", "arn:aws:iam::*", owner=("bob@example.com",)), cmdb("C", f"{ARN[:-2]}*")
    other = entry("D", f"{ARN[:-2]}*", registry="teams", owner=("bob@example.com",))

    assert judge(FULL, exact, broad, narrow).agreeing == ("C",)
    assert judge(FULL, exact, narrow, other).agreeing == ()
    assert judge(FULL, exact, entry("E", f"{ARN[:-2]}*", registry="terraform")).agreeing == ()


def test_registries_that_contradict_each_other_are_ambiguous() -> None:
    """None is chosen, and the evidence names both places and their differences."""
    verdict = judge(
        FULL,
        entry("A", ARN, registry="sheet", environment="prod"),
        cmdb("C", ARN, environment="dev", owner=("bob@example.com",)),
    )

    assert (verdict.state, verdict.entry, verdict.contradictions) == ("ambiguous", None, ("A", "C"))
    assert verdict.evidence == "key: cmdb.csv:9 and registry.csv:2 differ in environment, owner"
    assert [candidate.entry for candidate in verdict.candidates] == ["A", "C"]


def test_an_ambiguity_within_one_registry_is_no_contradiction() -> None:
    """Two live entries of one list stay ambiguous, whatever a second list says."""
    verdict = judge(FULL, entry("A", ARN, registry="sheet"), entry("B", ARN, registry="sheet"), cmdb("C", ARN))

    assert (verdict.state, verdict.contradictions) == ("ambiguous", ())
    assert verdict.evidence == "key: 3 live entries match it"


@pytest.mark.parametrize(
    ("weaker", "agreeing", "contradictions"),
    [
        pytest.param(cmdb("C", "svc-billing"), ("C",), (), id="agrees"),
        pytest.param(cmdb("C", "svc-billing", owner=("bob@example.com",)), (), ("C",), id="another-owner"),
        pytest.param(cmdb("C", "svc-billing", status="retired"), (), ("C",), id="retired-there"),
        pytest.param(cmdb("C", "svc-billing", expires=date(2026, 1, 1)), (), ("C",), id="expired-there"),
        pytest.param(cmdb("C", ARN, status="proposed"), (), ("C",), id="proposed-there-by-the-same-rung"),
        pytest.param(cmdb("NHI-1", "unrelated", owner=()), (), (), id="a-tag-can-be-copied"),
        pytest.param(cmdb("C", "svc-*", owner=()), ("C",), (), id="patterns-complete-it"),
        pytest.param(cmdb("C", "svc-billing", scope="9"), (), (), id="elsewhere"),
    ],
)
def test_other_registries_are_heard_on_weaker_rungs(
    weaker: Entry, agreeing: tuple[str, ...], contradictions: tuple[str, ...]
) -> None:
    """The strongest rung registers it; an entry of another registry on a weaker one agrees or contradicts."""
    matching = run([FULL], [entry("A", ARN, registry="sheet"), weaker])
    verdict = matching.verdicts[FULL.key]

    assert (verdict.state, verdict.entry) == ("registered", "A")
    assert (verdict.agreeing, verdict.contradictions) == (agreeing, contradictions)
    assert set(matching.identities_of) == {"A", *agreeing, *contradictions}


def test_a_contradiction_says_where_and_in_what() -> None:
    """Contradictions of another registry are among the candidates, with rung, place and columns."""
    verdict = judge(
        FULL, entry("A", ARN, registry="sheet"), cmdb("C", "svc-billing", kind="agent", owner=("bob@example.com",))
    )

    assert [candidate.evidence for candidate in verdict.candidates] == [
        "name svc-billing = cmdb.csv:9, differs in owner"
    ]


def test_a_registry_that_cannot_decide_says_nothing() -> None:
    """Two live rows of another list, on a weaker rung, neither agree nor contradict."""
    verdict = judge(
        FULL, entry("A", ARN, registry="sheet"), cmdb("C", "svc-billing"), cmdb("D", "svc-billing", owner=("b@x.y",))
    )

    assert (verdict.agreeing, verdict.contradictions) == ((), ())
    assert [candidate.entry for candidate in verdict.candidates] == ["C", "D"]


def test_less_specific_patterns_of_another_registry_are_heard() -> None:
    """Each registry answers with its own most specific pattern."""
    verdict = judge(
        FULL, entry("A", "svc-bill*", registry="sheet"), cmdb("C", "svc-*", environment="dev"), cmdb("D", "s*")
    )

    assert (verdict.entry, verdict.agreeing) == ("A", ("C",))


def test_the_roster_decides_whether_two_owners_are_one() -> None:
    """Two ways to write a person, or a group and its member, are no contradiction."""
    meant = {"Ada L.": ("ada@example.com",), "team:x": ("team:x", "ada@example.com")}
    entries = [entry("A", ARN, registry="sheet", owner=("Ada L.",)), cmdb("C", ARN, owner=("team:x",))]

    def who(text: str) -> tuple[str, ...]:
        return meant[text]

    assert judge(FULL, *entries).state == "ambiguous"
    assert match([FULL], entries, tag_keys=(), today=TODAY, who=who).verdicts[FULL.key].agreeing == ("A",)


REGISTRIES = st.lists(
    st.tuples(
        TEXTS,
        st.sampled_from(["", "cmdb", "state"]),
        st.sampled_from(["active", "active", "retired", "suspended"]),
        st.sampled_from([(), ("ada",), ("bob",)]),
        st.sampled_from([None, "prod", "dev"]),
    ),
    max_size=6,
).map(
    lambda rows: [
        entry(f"E{number}", text, row=number, registry=registry, status=status, owner=owner, environment=environment)
        for number, (text, registry, status, owner, environment) in enumerate(rows)
    ]
)


@given(identities=IDENTITIES, entries=REGISTRIES, dice=st.randoms(use_true_random=False))
def test_input_order_does_not_matter_with_several_registries(
    identities: list[Identity], entries: list[Entry], dice: Random
) -> None:
    """Shuffled entries of several registries give the same verdicts and matches."""
    expected = run(identities, entries)
    dice.shuffle(identities)
    dice.shuffle(entries)
    assert run(identities, entries) == expected


@given(identities=IDENTITIES, entries=ENTRIES)
def test_an_agreeing_registry_changes_no_registration(identities: list[Identity], entries: list[Entry]) -> None:
    """A copy of the whole list under another name agrees wherever the list itself can decide."""
    untagged = [msgspec.structs.replace(identity, tags={}) for identity in identities]
    copies = [msgspec.structs.replace(one, id=f"copy-{one.id}", registry="copy") for one in entries]
    alone, together = run(untagged, entries), run(untagged, [*entries, *copies])
    for key, verdict in alone.verdicts.items():
        other = together.verdicts[key]
        copied = (f"copy-{verdict.entry}",) if verdict.entry else ()

        assert (other.state, other.entry, other.rung) == (verdict.state, verdict.entry, verdict.rung)
        assert (other.agreeing, other.contradictions) == (copied, ())


@pytest.mark.parametrize(
    ("declared", "also_by"),
    [(entry("NHI-1", "svc"), "name"), (entry("NHI-1", "other"), None), (entry("NHI-1", "other", name="svc"), None)],
    ids=["named", "not named", "only a title"],
)
def test_a_tag_is_not_alone_where_the_entry_names_the_identity(declared: Entry, also_by: str | None) -> None:
    """The tag decides, as the stronger rung, and the evidence names the other one."""
    others = entry("NHI-2", "svc", status="retired")
    verdict = match([make_identity("svc", tags={TAG: "NHI-1"})], [declared, others], tag_keys=(TAG,), today=TODAY)

    [found] = verdict.verdicts.values()
    assert (found.entry, found.rung, found.also_by) == ("NHI-1", "tag", also_by)


CLIENT, WORKLOAD = "https://Agents.example.com/triage/client.json", "spiffe://Example.org/ns/bots/sa/Triage"


@pytest.mark.parametrize(
    ("alias", "declared"),
    [
        (CLIENT, CLIENT),
        (CLIENT, "HTTPS://agents.EXAMPLE.com:443/triage/client.json"),
        ("https://agents.example.com", "https://agents.example.com/"),
        ("https://agents.example.com:8443/c", "https://agents.example.com:8443/c"),
        ("https://agents.example.com/c?v=1", "https://AGENTS.example.com/c?v=1"),
        (WORKLOAD, "spiffe://example.org/ns/bots/sa/Triage"),
    ],
)
def test_an_id_that_is_a_url_is_compared_as_one(alias: str, declared: str) -> None:
    """Of a client-id metadata document, or of SPIFFE: on the rung of unique ids."""
    assert judge(make_identity(aliases=(alias,)), entry("E", declared)).rung == "unique_id"
    assert judge(make_identity(unique_id=alias), entry("E", declared)).rung == "unique_id"


@pytest.mark.parametrize(
    ("alias", "declared"),
    [
        (CLIENT, "https://agents.example.com/Triage/client.json"),
        (CLIENT, "http://agents.example.com/triage/client.json"),
        (CLIENT, "https://agents.example.com:8443/triage/client.json"),
        (CLIENT, "https://agents.example.com.evil.example/triage/client.json"),
        (CLIENT, "https://user@agents.example.com/triage/client.json"),
        (CLIENT, "https://agents.example.com/triage/client.json#x"),
        (CLIENT, "https://agents.example.com/triage/client.json/"),
        (CLIENT, "agents.example.com/triage/client.json"),
        ("https://agents.example.com/c?v=1", "https://agents.example.com/c?v=2"),
        ("https://\u0430gents.example.com/c", "https://agents.example.com/c"),
        (WORKLOAD, "spiffe://example.org/ns/bots/sa/triage"),
        (WORKLOAD, "spiffe://example.com/ns/bots/sa/Triage"),
        (WORKLOAD, "https://example.org/ns/bots/sa/Triage"),
        (WORKLOAD, "/ns/bots/sa/Triage"),
    ],
)
def test_another_url_is_another_id(alias: str, declared: str) -> None:
    """By scheme, host, port, path or query; a look-alike host is another host."""
    assert judge(make_identity(aliases=(alias,)), entry("E", declared)).state == "unregistered"


@given(st.text(max_size=80) | st.from_regex(r"(https|SPIFFE)://[A-Za-z.]{1,20}(:[0-9]{1,5})?/?[a-zA-Z/?%#]{0,20}"))
def test_a_compared_url_stays_as_it_is(text: str) -> None:
    """It is a URL in its only form, or the text is no URL."""
    found = url_id(text)

    assert found is None or url_id(found) == found
