"""Where an identity is other than declared, and all that is no drift."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.judging.drift import drift_of
from scanner.matching.keys import tag_name
from scanner.model import Drift, Entry, Identity
from scanner.registry.roster import Roster
from tests.factories import NOW, make_entry, make_identity, make_person

ROSTER = Roster(
    [
        make_person("ada@example.com", manager="boss@example.com", team="payments", aliases=("alovelace",)),
        make_person("bob@example.com"),
        make_person("boss@example.com"),
        make_person("eve@example.com", status="left"),
        make_person("team:payments", name="payments"),
    ],
    NOW.date(),
)
OWNER_TAGS = ("owner", "owneremail")


def drift(identity: Identity, entry: Entry, roster: Roster | None = ROSTER) -> list[tuple[str, str, str]]:
    found = drift_of(identity, entry, roster, owner_tags=OWNER_TAGS, now=NOW)
    return [(one.aspect, one.declared, one.found) for one in found]


@pytest.mark.parametrize(
    ("tags", "declared"),
    [
        pytest.param({"owner": "ada@example.com"}, {}, id="the-owner"),
        pytest.param({"owner": "ALovelace"}, {}, id="by-another-name"),
        pytest.param({"owner": "boss@example.com"}, {}, id="their-manager"),
        pytest.param({"owner": "ada@example.com"}, {"owner": ("boss@example.com",)}, id="the-managers-report"),
        pytest.param({"owner": "payments"}, {}, id="their-group"),
        pytest.param({"owner": "ada@example.com"}, {"owner": ("team:payments",)}, id="a-member"),
        pytest.param({"owner": "bob@example.com"}, {"backup_owner": ("bob@example.com",)}, id="the-backup"),
        pytest.param({"owner": "bob@example.com"}, {"technical_owner": ("bob@example.com",)}, id="the-technical-owner"),
        pytest.param(
            {"owner": "bob@example.com"},
            {"owner": ("boss@example.com",), "team": "payments"} | {"technical_owner": ("bob@example.com",)},
            id="beside-a-team",
        ),
        pytest.param({"owner": "ada@example.com", "Owner-Email": "bob@example.com"}, {}, id="one-tag-suffices"),
        pytest.param({"owner": "mallory"}, {}, id="not-on-the-roster"),
        pytest.param({"owner": "eve@example.com"}, {}, id="a-leaver"),
        pytest.param({"owner": "bob@example.com"}, {"owner": ("Ada L.",)}, id="an-unknown-declared-owner"),
        pytest.param({"owner": "bob@example.com"}, {"owner": ()}, id="no-owner-declared"),
        pytest.param({"cost-center": "bob@example.com"}, {}, id="another-tag"),
        pytest.param({"owner": ""}, {}, id="an-empty-tag"),
    ],
)
def test_an_owner_tag_that_fits_is_no_drift(tags: dict[str, str], declared: dict[str, Any]) -> None:
    """A declared owner, a person close to them, or one that is not certain."""
    assert drift(make_identity(tags=tags), make_entry("svc-billing", **declared)) == []


def test_a_tag_that_names_another_person_is_drift() -> None:
    """Evidence has the tag and the declared owners."""
    identity = make_identity(tags={"example.com/Owner": "bob@example.com"})
    entry = make_entry("svc-billing")

    assert drift(identity, entry) == [("owner", "ada@example.com", "tag example.com/Owner=bob@example.com")]
    assert drift(identity, entry, roster=None) == []


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        pytest.param({"environment": "staging", "tags": {"env": "prod"}}, "staging", id="the-provider-says-so"),
        pytest.param({"tags": {"Environment": "dev"}}, "tag Environment=dev", id="a-tag"),
        pytest.param({"name": "svc-etl-dev"}, "by its name, svc-etl-dev", id="its-name"),
        pytest.param({"name": "svc-etl-dev", "tags": {"env": "Production"}}, None, id="the-tag-goes-first"),
        pytest.param({"name": "svc-etl-dev", "tags": {"env": "blue"}}, None, id="an-unknown-tag"),
        pytest.param({"name": "svc-etl-dev", "environment": "blue"}, None, id="an-unknown-environment"),
        pytest.param({"name": "svc-etl-dev", "unread": ("tags",)}, None, id="tags-were-not-read"),
        pytest.param({"tags": {"env": "dev", "stage": "prod"}}, None, id="one-of-two-tags-fits"),
        pytest.param({"environment": "PRD"}, None, id="a-synonym"),
        pytest.param({}, None, id="nothing-says"),
    ],
)
def test_environment(facts: dict[str, Any], found: str | None) -> None:
    """What the provider says goes before tags, and tags before the name."""
    identity = make_identity(facts.pop("name", "svc-billing"), **facts)
    expected = [] if found is None else [("environment", "prod", found)]

    assert drift(identity, make_entry("svc-billing", environment="prod")) == expected


def test_an_entry_that_says_nothing_has_no_drift() -> None:
    """Without an environment declared, none can differ."""
    assert drift(make_identity("svc-dev", tags={"env": "dev"}), make_entry("svc-dev")) == []


def test_all_aspects_come_in_one_order() -> None:
    """Owner first, then environment."""
    identity = make_identity(tags={"owner": "bob@example.com", "env": "dev"})
    found = drift_of(identity, make_entry("x", environment="prod"), ROSTER, owner_tags=OWNER_TAGS, now=NOW)

    assert found == (
        Drift(aspect="owner", declared="ada@example.com", found="tag owner=bob@example.com"),
        Drift(aspect="environment", declared="prod", found="tag env=dev"),
    )


@pytest.mark.parametrize("key", ["owner-email", "example.com/Owner-Email", "app:owner_email", "OwnerEmail"])
def test_tags_are_recognised_without_prefix_case_and_punctuation(key: str) -> None:
    """One name however a team writes it."""
    assert tag_name(key) == "owneremail"
