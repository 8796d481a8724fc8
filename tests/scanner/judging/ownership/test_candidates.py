"""Owner candidates: how signals lead to people, and how scores combine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from scanner.judging.ownership import tag_scores
from scanner.judging.ownership.candidates import KEPT, MOST_MEMBERS
from scanner.matching.keys import tag_name
from scanner.model import Entry, Origin, Ownership, RegistryVerdict
from scanner.registry.roster import Roster
from tests.factories import make_identity, make_person
from tests.scanner.judging.ownership.people import (
    REGISTERED,
    ROSTER,
    TODAY,
    UNREGISTERED,
    candidates,
    entry,
    judge,
    judge_all,
    likely,
    scores,
)


@pytest.mark.parametrize(
    ("tags", "people"),
    [
        pytest.param({"owner": "ada@example.com"}, [("ada@example.com", 0.9)], id="owner"),
        pytest.param(
            {"example.com/Owner-Email": "ADA@example.com"}, [("ada@example.com", 0.9)], id="as-people-write-it"
        ),
        pytest.param({"app:created_by": "E7"}, [("ada@example.com", 0.5)], id="creator"),
        pytest.param(
            {"created_by": "E7", "owner": "lea@example.com"},
            [("lea@example.com", 0.9), ("ada@example.com", 0.5)],
            id="best-first",
        ),
        pytest.param(
            {"a:contact": "lea@example.com", "b:contact": "E7"},
            [("ada@example.com", 0.7), ("lea@example.com", 0.7)],
            id="those-alike-by-e-mail",
        ),
        pytest.param({"created_by": "E7", "owner": "E7"}, [("ada@example.com", 0.9)], id="best-signal-of-each"),
        pytest.param({"owner": "E7", "requester": "E7"}, [("ada@example.com", 0.9)], id="whatever-comes-last"),
        pytest.param({"team": "core"}, [("team:core", 0.6), ("cyd@example.com", 0.24)], id="group-and-its-members"),
        pytest.param(
            {"owner": "bob@example.com"},
            [("ada@example.com", 0.72), ("team:core", 0.45)],
            id="manager-up-the-line-and-team",
        ),
        pytest.param({"owner": "team:empty"}, [("cyd@example.com", 0.72)], id="manager-of-an-empty-group"),
        pytest.param({"owner": "loop@example.com"}, [], id="managers-in-a-circle"),
        pytest.param({"owner": "mailto:ada@example.com"}, [("ada@example.com", 0.9)], id="e-mail-within"),
        pytest.param({"owner": "ada"}, [("ada@example.com", 0.9)], id="user-name"),
        pytest.param({"owner": "ada_at_example.com"}, [("ada@example.com", 0.9)], id="label-without-at"),
        pytest.param({"owner": "ada-at-other.example"}, [], id="label-of-somebody-else"),
        pytest.param(
            {"owner": "team:changing"},
            [("team:changing", 0.9), ("ada@example.com", 0.36), ("lea@example.com", 0.36)],
            id="a-group-of-several",
        ),
        pytest.param({"owner": "gus@example.com"}, [], id="not-on-the-roster"),
        pytest.param({"created_by": "terraform"}, [], id="a-machine"),
        pytest.param({"colour": "ada@example.com"}, [], id="a-tag-without-a-person"),
        pytest.param({"owner": ""}, [], id="empty"),
    ],
)
def test_candidates_from_tags(tags: dict[str, str], people: list[tuple[str, float]]) -> None:
    """Tags that name an active person, or a person who has left and leads to one close to them."""
    assert scores(candidates(make_identity(tags=tags))) == people


@pytest.mark.parametrize(
    ("attributes", "people"),
    [
        pytest.param({"sponsors": [{"email": "ADA@example.com"}]}, [("ada@example.com", 0.95)], id="sponsor"),
        pytest.param({"owners": [{"email": "ada@example.com"}]}, [("ada@example.com", 0.85)], id="owner"),
        pytest.param(
            {"owners": [{"email": "lea@example.com"}], "sponsors": [{"email": "ada@example.com"}]},
            [("ada@example.com", 0.95), ("lea@example.com", 0.85)],
            id="sponsor-before-owner",
        ),
        pytest.param(
            {"owners": [{"email": "ada@example.com"}], "sponsors": [{"email": "ada@example.com"}]},
            [("ada@example.com", 0.95)],
            id="both-are-one-signal",
        ),
        pytest.param({"owners": [{"id": "E7", "name": None, "email": None}]}, [("ada@example.com", 0.85)], id="by-id"),
        pytest.param(
            {"owners": [{"id": "0-0", "name": "E7", "email": "ada@elsewhere.example"}]},
            [("ada@example.com", 0.85)],
            id="by-whatever-is-on-the-roster",
        ),
        pytest.param(
            {"sponsors": [{"id": "core", "name": "core"}]},
            [("team:core", 0.95), ("cyd@example.com", 0.38)],
            id="a-group",
        ),
        pytest.param(
            {"owners": [{"email": "bob@example.com"}]}, [("ada@example.com", 0.68), ("team:core", 0.42)], id="has-left"
        ),
        pytest.param({"owners": [{"email": "gus@example.com", "name": "deploy-role"}]}, [], id="not-on-the-roster"),
        pytest.param(
            {"owners": ["ada@example.com", None, {"email": 7}, {}], "sponsors": "E7"}, [], id="of-another-shape"
        ),
    ],
)
def test_candidates_from_the_provider(attributes: dict[str, Any], people: list[tuple[str, float]]) -> None:
    """A sponsor is the strongest sign, then an owner; a value that is no list of people is ignored."""
    assert scores(candidates(make_identity(attributes=attributes))) == people


def test_a_sponsor_has_its_source_as_evidence() -> None:
    """The evidence names the provider."""
    [found] = candidates(make_identity(provider="azure", attributes={"sponsors": [{"email": "E7"}]}))

    assert found.evidence == "sponsor E7 with azure"


@pytest.mark.parametrize(
    ("facts", "candidates"),
    [
        pytest.param(
            {"technical_owner": ("E7",)},
            [("ada@example.com", 0.75, "technical_owner E7 in registry.csv:2")],
            id="technical-owner",
        ),
        pytest.param({"built_by": "E7"}, [("ada@example.com", 0.5, "built_by E7 in registry.csv:2")], id="builder"),
        pytest.param(
            {"owner": ("gus@x.y",), "backup_owner": ("E7",)},
            [("ada@example.com", 0.8, "backup_owner E7 in registry.csv:2")],
            id="backup-only-needs-an-owner-too",
        ),
        pytest.param(
            {"owner": ("eve@example.com",)},
            [("ada@example.com", 0.68, "owner eve@example.com in registry.csv:2, their manager")],
            id="manager-of-the-departed",
        ),
    ],
)
def test_candidates_from_the_entry(facts: dict[str, Any], candidates: list[tuple[str, float, str]]) -> None:
    """What the entry says of people beside its owner, with the place where it says so."""
    assert [
        (candidate.person, candidate.score, candidate.evidence) for candidate in judge(entry(**facts)).candidates
    ] == candidates


@pytest.mark.parametrize(("likelihood", "score"), [(0.9, 0.77), (0.75, 0.64), (0.74, 0.47), (0.5, 0.21)])
def test_candidates_from_an_entry_that_may_match(likelihood: float, score: float) -> None:
    """A suggested entry's owner is a candidate as far as the entry itself is; one that is unlikely counts for less."""
    retired = entry(("E7",), id="OLD", status="retired", origin=Origin(file="registry.csv", row=9))
    [found] = candidates(make_identity(), retired, registry=likely("OLD", likelihood))
    assert (found.person, found.score) == ("ada@example.com", score)
    assert found.evidence == "owner E7 in registry.csv:9, a possible match"


@pytest.mark.parametrize(("score", "found"), [(0.25, ["ada@example.com"]), (0.2, [])], ids=["just-likely", "unlikely"])
def test_who_is_hardly_likely_is_not_asked(score: float, found: list[str]) -> None:
    """An owner's 0.85 of what the entry is worth, which is its square where it is unlikely."""
    named = entry(("E7",), id="OLD")
    assert [
        candidate.person for candidate in candidates(make_identity(), named, registry=likely("OLD", score))
    ] == found


def test_the_owned_need_no_candidates() -> None:
    """An identity with an active owner has no candidates."""
    assert judge(entry(("E7",), technical_owner=("cyd@example.com",))).candidates == ()


@pytest.mark.parametrize(
    ("tag_keys", "expected"),
    [
        pytest.param({"Cost-Center-Owner": 0.3}, [("cyd@example.com", 0.3)], id="configured-replace-the-built-in"),
        pytest.param({}, [], id="none-wanted"),
        pytest.param(None, [("ada@example.com", 0.9)], id="built-in"),
    ],
)
def test_which_tags_count_is_configured(tag_keys: dict[str, float] | None, expected: list[tuple[str, float]]) -> None:
    """The organisation's own keys and scores replace the built-in ones."""
    identity = make_identity(tags={"owner": "E7", "acme:cost_center_owner": "cyd@example.com"})
    assert scores(candidates(identity, ownership=Ownership(tag_keys=tag_keys))) == expected


def test_the_page_names_every_built_in_tag() -> None:
    """What is documented is what is read."""
    page = Path(__file__).parents[4] / "docs" / "reference" / "owners.md"
    built_in = re.search(r"Built in are(.*?)\.\n", page.read_text(encoding="utf-8"), re.DOTALL)
    assert built_in is not None
    assert sorted(map(tag_name, re.findall(r"`(\w+)`", built_in[1]))) == sorted(tag_scores(None))


def test_signals_of_different_sorts_confirm_each_other() -> None:
    """A tag, a creator and an entry that name one person leave little uncertainty, and the evidence has all of them."""
    old = entry(("E7",), id="OLD", origin=Origin(file="registry.csv", row=9))
    identity = make_identity(tags={"owner": "E7"}, created_by="ada@example.com")
    (ada,) = candidates(identity, old, registry=likely("OLD", 0.5))
    assert (ada.person, ada.score) == ("ada@example.com", 0.96)
    assert ada.evidence == "tag owner=E7; created by ada@example.com; owner E7 in registry.csv:9, a possible match"


def test_signals_of_one_sort_repeat_each_other() -> None:
    """What one template wrote into three tags is no more certain for that."""
    identity = make_identity(tags={"owner": "E7", "contact": "E7", "maintainer": "ada@example.com"})
    (ada,) = candidates(identity)
    assert (ada.score, ada.evidence) == (0.9, "tag owner=E7")


def test_of_equal_signals_always_the_same_is_reported() -> None:
    """Which of them is a matter of the alphabet."""
    tags = {f"{prefix}:contact": "E7" for prefix in "hgfedcba"}
    (ada,) = candidates(make_identity(tags=tags))
    assert ada.evidence == "tag a:contact=E7"


def test_a_hint_through_a_leaver_counts_once() -> None:
    """A tag and an entry make it surer that it was Bob's, and his manager is his manager either way."""
    gone = entry(("bob@example.com",), id="NHI-1")
    ada, _ = candidates(make_identity(tags={"owner": "bob@example.com"}), gone, registry=REGISTERED)
    assert (ada.person, ada.score) == ("ada@example.com", 0.79)
    assert ada.evidence == ("tag owner=bob@example.com; owner bob@example.com in registry.csv:2, their manager")


def test_no_candidate_is_certain() -> None:
    """However much agrees, a score stays below 1."""
    ownership = Ownership(tag_keys={"owner": 1.0})
    assert scores(candidates(make_identity(tags={"owner": "E7"}), ownership=ownership)) == [("ada@example.com", 0.99)]


def test_a_contradicting_entry_has_a_say() -> None:
    """What another registry says of the same identity is worth asking about when the own owner is gone."""
    declared = RegistryVerdict(state="registered", entry="A", contradictions=("B",))
    entries = (entry(("gus@x.y",), id="A"), entry(("E7",), id="B"))
    assert scores(candidates(make_identity(), *entries, registry=declared)) == [("ada@example.com", 0.68)]


@pytest.mark.parametrize(
    ("created_by", "expected"),
    [
        pytest.param("ada@example.com", ["ada@example.com"], id="a-person"),
        pytest.param("arn:aws:sts::1:assumed-role/Admin/ada@example.com", ["ada@example.com"], id="a-session"),
        pytest.param("arn:aws:sts::1:assumed-role/terraform/run-1", [], id="a-terraform-role"),
        pytest.param("lea@example.com", ["lea@example.com"], id="about-to-leave"),
        pytest.param("bob@example.com", ["ada@example.com", "team:core"], id="gone"),
        pytest.param(None, [], id="unknown"),
    ],
)
def test_the_creator_is_a_candidate(created_by: str | None, expected: list[str]) -> None:
    """The creator is a candidate, unless it is a machine; who is gone leads to who is near."""
    found = candidates(make_identity(created_by=created_by))
    assert [one.person for one in found] == expected
    assert all(one.evidence.startswith(f"created by {created_by}") for one in found)


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        pytest.param("ada@example.com", [("ada@example.com", 0.3)], id="on-the-roster"),
        pytest.param("aws+prod@example.com", [], id="a-shared-mailbox"),
        pytest.param(["ada@example.com"], [], id="no-text"),
    ],
)
def test_the_contact_of_an_account_is_a_last_resort(contact: Any, expected: list[tuple[str, float]]) -> None:
    """The person who opened the account may know its users."""
    found = candidates(make_identity(attributes={"scope_contact": contact}))
    assert scores(found) == expected
    assert all(one.evidence.startswith(f"contact {contact} of ") for one in found)


def test_who_last_changed_it_is_a_weaker_candidate_than_its_creator() -> None:
    """Whoever changed the file of an agent may know it; both together are one sort of hint."""
    changed = candidates(make_identity(attributes={"changed_by": "ada@example.com"}))
    both = candidates(make_identity(created_by="ada@example.com", attributes={"changed_by": "ada@example.com"}))

    assert scores(changed) == [("ada@example.com", 0.45)]
    assert changed[0].evidence == "last changed by ada@example.com"
    assert scores(both) == [("ada@example.com", 0.55)]
    assert candidates(make_identity(attributes={"changed_by": ["ada@example.com"]})) == ()


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        pytest.param("shop, owner ada@example.com", [("ada@example.com", 0.81)], id="comment"),
        pytest.param("Contact: ADA@example.com.", [("ada@example.com", 0.63)], id="contact"),
        pytest.param("for ada@example.com", [("ada@example.com", 0.4)], id="mentioned"),
        pytest.param("owner nobody@elsewhere.test", [], id="not-on-the-roster"),
        pytest.param("owner Ada", [], id="a-name"),
        pytest.param("x" * 5_000 + " owner ada@example.com", [], id="beyond-the-first-part"),
    ],
)
def test_an_address_in_a_description_is_a_candidate(description: str, expected: list[tuple[str, float]]) -> None:
    """Such as the comment of a database role. Less than a tag; without a word for it, not enough to be asked first."""
    found = candidates(make_identity(description=description))

    assert [(person, round(score, 2)) for person, score in scores(found)] == expected


def test_evidence_says_who_is_about_to_leave() -> None:
    """The person who knows most can still be asked, but not for long."""
    (lea,) = candidates(make_identity(created_by="lea@example.com"))
    assert lea.evidence == "created by lea@example.com, about to leave"


def test_a_large_group_is_asked_as_a_group() -> None:
    """No member is preferred."""
    crowd = [make_person(f"p{number}@example.com", team="crowd") for number in range(MOST_MEMBERS + 1)]
    roster = Roster([make_person("team:crowd"), *crowd], TODAY)
    assert scores(candidates(make_identity(tags={"owner": "crowd"}), roster=roster)) == [("team:crowd", 0.9)]


def test_only_the_likeliest_are_kept() -> None:
    """A handful, best first, those alike by e-mail."""
    people = [make_person(f"p{number}@example.com") for number in range(KEPT + 2)]
    named = entry(tuple(person.email for person in reversed(people)), id="OLD")
    found = candidates(make_identity(), named, registry=likely("OLD", 0.5), roster=Roster(people, TODAY))
    assert [one.person for one in found] == [person.email for person in people[:KEPT]]


def taken_over(*owners: str) -> list[Entry]:
    """Entries that Bob built, of these owners."""
    return [entry((owner,), id=f"T{number}", built_by="bob@example.com") for number, owner in enumerate(owners)]


@pytest.mark.parametrize(
    ("owners", "expected"),
    [
        pytest.param(("cyd@example.com",) * 3, ("cyd@example.com", 0.38), id="all-of-it"),
        pytest.param(("cyd@example.com", "cyd@example.com", "E7"), ("cyd@example.com", 0.26), id="most-of-it"),
        pytest.param(("cyd@example.com",), ("cyd@example.com", 0.26), id="one-thing-says-little"),
        pytest.param(("lea@example.com", "bob@example.com"), None, id="only-who-stays"),
        pytest.param((), None, id="nothing"),
    ],
)
def test_a_successor_is_who_took_over_the_rest(owners: tuple[str, ...], expected: tuple[str, float] | None) -> None:
    """The owner of most entries that still name the leaver; the more there are, the higher the score."""
    roster = Roster([person for person in ROSTER.everybody if person.email != "team:core"], TODAY)
    orphan = entry(("bob@example.com",), id="NHI-1")
    found = candidates(make_identity(), orphan, *taken_over(*owners), registry=REGISTERED, roster=roster)
    assert [pair for pair in scores(found) if pair[0] != "ada@example.com"] == ([] if expected is None else [expected])


def test_of_equal_successors_always_the_same_is_reported() -> None:
    """Which of them is a matter of the alphabet."""
    heirs = [make_person(f"{name}@example.com") for name in "hgfedcba"]
    roster = Roster([make_person("bob@example.com", status="left"), *heirs], TODAY)
    orphan = entry(("bob@example.com",), id="NHI-1")
    shared = entry(tuple(one.email for one in heirs), id="T", built_by="bob@example.com")
    found = candidates(make_identity(), orphan, shared, registry=REGISTERED, roster=roster)
    assert [one.person for one in found] == ["a@example.com"]


def test_evidence_counts_what_a_successor_took_over() -> None:
    """How much of the leaver's is theirs now can be checked."""
    orphan = entry(("eve@example.com",), id="NHI-1")
    other = entry(("cyd@example.com",), id="T1", built_by="eve@example.com")
    (_, cyd) = candidates(make_identity(), orphan, other, registry=REGISTERED)
    assert cyd.evidence == "owner eve@example.com in registry.csv:2, who now owns 1 of their 1 other entry"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"owner": ("lea@example.com",), "technical_owner": ("E7",)}, ["ada@example.com"], id="leaving"),
        pytest.param({"owner": ("team:farewell",), "technical_owner": ("E7",)}, ["ada@example.com"], id="all-leaving"),
        pytest.param({"owner": ("team:changing",), "technical_owner": ("E7",)}, [], id="one-stays"),
    ],
)
def test_before_the_last_owner_leaves_others_are_suggested(facts: dict[str, Any], expected: list[str]) -> None:
    """They are no answer themselves."""
    people = [candidate.person for candidate in judge(entry(**facts)).candidates]
    assert [person for person in people if not person.startswith("team:")] == expected


def test_a_configured_machine_is_no_candidate() -> None:
    """Even one that HR lists as a person."""
    roster = Roster([make_person("jenkins-prod@example.com")], TODAY)
    identity = make_identity(tags={"owner": "jenkins-prod@example.com"})
    assert candidates(identity, roster=roster) != ()
    assert candidates(identity, roster=roster, ownership=Ownership(machines=("jenkins*",))) == ()


def deployed_from(address: str, key: str = "github:acme/shop/.github/workflows/ship.yml") -> list[tuple[str, float]]:
    """Candidates for what was deployed from that address, beside a workflow of acme/shop that Ada owns."""
    owners = [{"id": "ada@example.com", "name": None, "email": "ada@example.com"}]
    workflow = make_identity("ship.yml", key=key, attributes={"repository": "acme/shop", "owners": owners})
    account = make_identity("cart", attributes={"repository": address})
    subjects = [(account, UNREGISTERED), (workflow, UNREGISTERED)]
    return scores(judge_all(subjects, (), ROSTER, None)[account.key].candidates)


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/acme/shop", "https://github.com/Acme/Shop.git//deploy/prod", "git@github.com:acme/shop.git",
        "ssh://git@github.com:22/acme/shop.git", "https://github.com/acme/shop/",
    ],
)  # fmt: skip
def test_owners_of_the_repository_are_asked_about_what_it_deploys(address: str) -> None:
    """However its address is written."""
    assert deployed_from(address) == [("ada@example.com", 0.6)]


@pytest.mark.parametrize(
    "address", ["https://gitlab.com/acme/shop", "https://github.com/acme/shop-2", "acme/shop", "", "://///", "x" * 500]
)
def test_another_repository_says_nothing(address: str) -> None:
    """Of another host it only has the same name."""
    assert deployed_from(address) == []


def test_a_repository_of_an_own_server_is_known_by_its_host() -> None:
    """As keys of GitHub Enterprise Server have it."""
    key = "github:git.acme.example/acme/shop/.github/workflows/ship.yml"

    assert deployed_from("https://git.acme.example/acme/shop", key) == [("ada@example.com", 0.6)]
    assert deployed_from("https://github.com/acme/shop", key) == []
