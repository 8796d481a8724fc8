"""What the readings share: whose a service account is, and what one project of a unit lacks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec import Raw

from connectors.core.contract import Meter, Scope
from connectors.gcp.client.payloads import Project
from connectors.gcp.each import if_wanted, of_each
from connectors.gcp.reader import GcpReader
from connectors.gcp.spec import SPEC
from connectors.gcp.units import GcpUnit as Unit
from connectors.gcp.units import ProjectRef, tags_of
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.errors import Denied, SourceError, Unreachable
from scanner.model import Coverage
from tests.connectors.gcp.conftest import Place

PROD, DEV = ProjectRef(id="acme-prod", number="1111"), ProjectRef(id="acme-dev", number="2222")


@pytest.fixture
def reader(start: Callable[[Cloud], Place]) -> GcpReader:
    place = start(Cloud())
    unit = Unit(kind="organization", name="organizations/1", bulk=True, projects=(PROD, DEV))
    return GcpReader(
        place.api(), Scope(source="prod", spec=SPEC, id=unit.scope_id, context=unit), Meter(), place.settings()
    )


@pytest.mark.parametrize(
    ("email", "home", "project"),
    [
        ("a@acme-prod.iam.gserviceaccount.com", PROD, "acme-prod"),
        ("1111-compute@developer.gserviceaccount.com", PROD, "acme-prod"),
        ("acme-dev@appspot.gserviceaccount.com", DEV, "acme-dev"),
        ("a@vendor.iam.gserviceaccount.com", None, "vendor"),
        ("9-compute@developer.gserviceaccount.com", None, "-"),
        ("service-1111@gcp-sa-pubsub.iam.gserviceaccount.com", PROD, "-"),
        ("ada@example.com", None, "-"),
        ("", None, "-"),
    ],
)
def test_an_account_s_address_says_its_project(
    reader: GcpReader, email: str, home: ProjectRef | None, project: str
) -> None:
    """By id or number; an agent of Google's is of none of ours."""
    assert reader.home_of(email) == home
    assert reader.account_key(email) == f"//iam.googleapis.com/projects/{project}/serviceAccounts/{email}"


def test_a_project_has_the_gaps_of_its_unit(reader: GcpReader) -> None:
    """And those of its own; not its neighbours'."""
    reader.skipped("apikeys.keys", "why")
    dev = reader.of_project(DEV)
    dev.skipped("storage.hmac_keys", "why")
    reader.take_gaps(dev)
    prod = reader.of_project(PROD)

    assert prod.lacks(PROD, "apikeys.keys")
    assert not prod.lacks(PROD, "storage.hmac_keys")
    assert reader.of_project(DEV).lacks(DEV, "storage.hmac_keys")


def test_an_optional_section_is_off_unless_asked_for(reader: GcpReader) -> None:
    """For the unit and each project, once; what was asked for is read."""
    name = "iam.oauth_clients"
    reported = [one for one in if_wanted(name, lambda _: iter(()))(reader) if isinstance(one, Coverage)]

    assert [(one.scope, one.status) for one in reported] == [
        ("organizations/1", "off"),
        ("acme-prod", "off"),
        ("acme-dev", "off"),
    ]
    assert list(if_wanted("iam.policies", lambda _: iter(()))(reader)) == []
    assert len(list(reader.of_project(PROD).off(name))) == 1


@pytest.mark.parametrize(
    ("refused", "asked"),
    [
        ({}, "abcd"),
        ({"a": Denied("no")}, "a"),
        ({"b": Denied("no")}, "abcd"),
        ({"a": Unreachable("x")}, "abcd"),
    ],
)
def test_of_many_none_but_the_first_is_asked_if_that_is_denied(
    reader: GcpReader, refused: dict[str, SourceError], asked: str
) -> None:
    """A right is usually the project's; answers come in order, refusals among them."""

    def ask(name: str) -> str:
        if name in refused:
            raise refused[name]
        return name.upper()

    found = list(of_each(reader, "abcd", ask))

    assert found == [(name, refused.get(name, name.upper())) for name in asked]


def test_labels_of_a_project_are_distinguished() -> None:
    """A thing's own come first, and none of the project's can represent one of them."""
    project = ProjectRef(id="p", number="1", labels={"owner": "ada", "env": "prod"})

    assert tags_of(project, {"owner": "grace"}) == {"owner": "grace", "project:owner": "ada", "project:env": "prod"}
    assert tags_of(ProjectRef(id="p", number="1")) == {}


@pytest.mark.parametrize(
    ("fields", "depth"),
    [
        ('"name": "projects/1", "projectId": "p"', 200_000),
        ('"name": "projects/1", "projectId": null', 900),
        ('"name": "projects/1", "projectId": null', 200_000),
    ],
)
def test_a_row_that_is_nested_too_deeply_is_malformed(reader: GcpReader, fields: str, depth: int) -> None:
    """With nulls in it or without, whichever reading of it finds out."""
    section = reader.scope.section("iam.policies")
    row = f'{{{fields}, "deep": {"[" * depth}{"]" * depth}}}'

    assert reader.row(section, Raw(row.encode()), Project) is None
    assert (section.coverage.status, "could not be read" in str(section.coverage.detail)) == ("partial", True)
