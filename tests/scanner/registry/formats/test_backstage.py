"""Backstage catalogs as registry and roster."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from scanner.errors import RegistryError
from scanner.model import Origin
from scanner.registry.entries import load_registry
from scanner.registry.lists import ListSource
from scanner.registry.roster import Roster
from scanner.registry.roster.people import load_people
from tests.scanner.registry.formats.reading import entries_of, facts, people_of, written

CATALOG = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: Payments-API
  description: Takes the money
  tags: [go, pci]
  annotations:
    eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/payments
    backstage.io/kubernetes-id: payments-api
    backstage.io/kubernetes-namespace: shop
    github.com/project-slug: example/payments
    kubernetes.io/aws-assume-role: arn:aws:iam::123456789012:role/backstage
spec:
  type: service
  lifecycle: production
  owner: group:default/payments
  system: checkout
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata:
  name: ada
  annotations:
    github.com/user-login: ada-l
spec:
  profile: {displayName: Ada Lovelace, email: ada@example.com}
  memberOf: [payments]
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata:
  name: Payments
spec:
  type: team
  profile: {displayName: Payments team, email: payments@example.com}
  children: [payments-ops]
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: payments-ops}
spec: {type: team, parent: payments, children: [], members: [user:default/bob]}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: bob}
spec: {memberOf: []}
---
"""


def entity(kind: str, spec: str, annotations: str = "{}") -> str:
    return (
        f"apiVersion: backstage.io/v1alpha1\nkind: {kind}\n"
        f"metadata: {{name: x, annotations: {annotations}}}\nspec: {spec}\n"
    )


def test_one_catalog_is_registry_and_roster(tmp_path: Path) -> None:
    """Components are entries, users and groups people, and the owner of the one is found among the other."""
    source = ListSource(path=written(tmp_path, "catalog-info.yaml", CATALOG))

    registry, people = load_registry([source]), load_people([source])

    (entry,) = registry.entries
    assert facts(
        entry, "id", "has_own_id", "name", "kind", "purpose", "identities", "owner", "environment", "status", "systems"
    ) == {
        "id": "component:default/payments-api",
        "has_own_id": False,
        "name": "Payments-API",
        "kind": "service",
        "purpose": "Takes the money",
        "identities": ("arn:aws:iam::123456789012:role/payments", "system:serviceaccount:shop:payments-api"),
        "owner": ("team:payments",),
        "environment": "prod",
        "status": "active",
        "systems": ("checkout",),
    }
    assert entry.extra == {"spec.type": "service", "spec.lifecycle": "production", "metadata.tags": "go; pci"}
    assert entry.origin == Origin(file=str(tmp_path / "catalog-info.yaml"), row=1)
    assert registry.warnings == people.warnings == ()
    roster = Roster(people.people, date(2026, 11, 25))
    owner = roster.resolve(entry.owner[0])
    assert owner is not None
    assert [person.email for person in roster.active_members(owner)] == ["ada@example.com", "user:default/bob"]


def test_users_and_groups_are_people(tmp_path: Path) -> None:
    """A group has the members that any of the four places name, nested groups among them."""
    people = people_of(tmp_path, "org.yaml", CATALOG)

    assert list(people) == ["ada@example.com", "team:payments", "team:payments-ops", "user:default/bob"]
    assert facts(people["ada@example.com"], "id", "name", "aliases", "team", "members") == {
        "id": "user:default/ada",
        "name": "Ada Lovelace",
        "aliases": ("ada", "ada-l"),
        "team": "payments",
        "members": None,
    }
    assert facts(people["team:payments"], "id", "name", "aliases", "members") == {
        "id": "group:default/payments",
        "name": "Payments team",
        "aliases": ("payments@example.com",),
        "members": ("user:default/ada", "team:payments-ops"),
    }
    assert people["team:payments-ops"].members == ("user:default/bob",)


@pytest.mark.parametrize(
    ("core", "other", "kind", "member"),
    [
        pytest.param("{members: [x]}", "{}", "User", "user:default/x", id="members"),
        pytest.param("{members: [bob]}", "{}", "User", "bob", id="a person of another list"),
        pytest.param("{}", "{memberOf: ['group:core']}", "User", "user:default/x", id="memberOf"),
        pytest.param("{children: [x]}", "{}", "Group", "team:x", id="children"),
        pytest.param("{}", "{parent: core}", "Group", "team:x", id="parent"),
    ],
)
def test_each_place_that_names_a_member_counts(tmp_path: Path, core: str, other: str, kind: str, member: str) -> None:
    """One of the four is enough."""
    group = f"apiVersion: backstage.io/v1\nkind: Group\nmetadata: {{name: core}}\nspec: {core}\n"

    people = people_of(tmp_path, "org.yaml", f"{group}---\n{entity(kind, other)}")

    assert people["team:core"].members == (member,)


def test_groups_and_their_members_may_be_in_different_files(tmp_path: Path) -> None:
    """All files of a folder are one catalog."""
    written(tmp_path, "groups.yaml", "apiVersion: backstage.io/v1\nkind: Group\nmetadata: {name: core}\nspec: {}\n")
    written(
        tmp_path,
        "users.yaml",
        "apiVersion: backstage.io/v1\nkind: User\nmetadata: {name: eve}\nspec: {memberOf: [core]}\n",
    )

    people = load_people([ListSource(path=tmp_path)]).people

    assert [(person.email, person.members) for person in people] == [
        ("team:core", ("user:default/eve",)),
        ("user:default/eve", None),
    ]


def test_a_user_of_two_namespaces_is_one_person(tmp_path: Path) -> None:
    """The same address is the same person, under both names."""
    user = "apiVersion: backstage.io/v1\nkind: User\nmetadata: {{name: guest{}}}\nspec: {{profile: {{email: {}}}}}\n"
    text = "---\n".join([user.format("", "g@example.com"), user.format(", namespace: dev", "G@example.com")])

    people = people_of(tmp_path, "u.yaml", text)

    assert facts(people["g@example.com"], "id", "aliases") == {
        "id": "user:default/guest",
        "aliases": ("guest", "user:dev/guest", "dev/guest"),
    }
    assert len(people) == 1


@pytest.mark.parametrize(
    ("kind", "spec", "annotations", "identities"),
    [
        pytest.param("Component", "{type: service}", "{}", ("x",), id="a service goes by its name"),
        pytest.param("Component", "{type: library}", "{}", None, id="a library is no identity"),
        pytest.param("Resource", "{type: aws-role}", "{}", ("x",), id="a role goes by its name"),
        pytest.param("Resource", "{type: database}", "{}", None, id="a database is none"),
        pytest.param("API", "{type: openapi}", "{}", None, id="an interface is none"),
        pytest.param("System", "{}", "{}", None, id="a system is none"),
        pytest.param("Location", "{targets: [./x]}", "{}", None, id="a location is none"),
        pytest.param("User", "{}", "{}", None, id="a person is none"),
        pytest.param("API", "{}", "{amazon.com/iam-user-arn: 'arn:aws:iam::123456789012:user/x*'}",
                     (r"arn:aws:iam::123456789012:user/x\*",), id="a star in an ARN is no pattern"),
        pytest.param("Component", "{type: library}", "{iam.gke.io/gcp-service-account: a@p.iam.gserviceaccount.com}",
                     ("a@p.iam.gserviceaccount.com",), id="google"),
        pytest.param("Component", "{}", "{azure.workload.identity/client-id: 4f1c}", ("4f1c",), id="azure"),
        pytest.param("Component", "{}", "{iam.amazonaws.com/role: etl}", ("etl",), id="kube2iam"),
        pytest.param("Component", "{}", "{example.com/role: 'arn:aws:iam::123456789012:role/a/b'}",
                     ("arn:aws:iam::123456789012:role/a/b",), id="an annotation of one's own"),
        pytest.param("Component", "{}", "{example.com/bucket: 'arn:aws:s3:::b'}", ("x",), id="a bucket is no identity"),
        pytest.param("Component", "{}", "{backstage.io/kubernetes-id: x}", ("x",), id="no namespace"),
        pytest.param("Component", "[]", "[]", ("x",), id="of another shape"),
    ],
)  # fmt: skip
def test_the_identities_of_an_entity(
    tmp_path: Path, kind: str, spec: str, annotations: str, identities: tuple[str, ...] | None
) -> None:
    """Full ids in annotations, else the name of what can act; nothing else is an entry."""
    entries = entries_of(tmp_path, "c.yaml", entity(kind, spec, annotations))

    assert [entry.identities for entry in entries.values()] == ([] if identities is None else [identities])


@pytest.mark.parametrize(
    ("spec", "field", "expected"),
    [
        pytest.param("{owner: payments}", "owner", ("team:payments",), id="short group"),
        pytest.param("{owner: 'Group:Ops/Payments'}", "owner", ("team:ops/payments",), id="group of a namespace"),
        pytest.param("{owner: 'user:ada'}", "owner", ("ada",), id="user"),
        pytest.param("{lifecycle: deprecated}", "status", "active", id="deprecated still runs"),
        pytest.param("{lifecycle: retired}", "status", "retired", id="retired"),
        pytest.param("{lifecycle: experimental}", "environment", None, id="experimental"),
        pytest.param("{lifecycle: staging}", "environment", "staging", id="staging"),
        pytest.param("{type: ai-agent}", "kind", "agent", id="agent"),
        pytest.param("{type: gizmo}", "kind", None, id="a type of one's own"),
        pytest.param("{system: 'ops/shop'}", "systems", ("ops/shop",), id="system"),
    ],
)
def test_facts_of_an_entity(tmp_path: Path, spec: str, field: str, expected: object) -> None:
    """References by the names people use, lifecycles as environment or status."""
    (entry,) = entries_of(tmp_path, "c.yaml", entity("Component", spec)).values()

    assert getattr(entry, field) == expected


def test_ids_do_not_depend_on_the_order_of_documents(tmp_path: Path) -> None:
    """An entity's reference is its id, so moving the file changes nothing."""
    first, second = entity("Component", "{}"), entity("Resource", "{type: bot}")

    there = entries_of(tmp_path, "c.yaml", f"{first}---\n{second}")
    back = entries_of(tmp_path, "c.yaml", f"{second}---\n{first}")

    assert set(there) == set(back) == {"component:default/x", "resource:default/x"}


def test_the_answer_of_the_catalog_is_read(tmp_path: Path) -> None:
    """The API gives entities as JSON, as a list or a page of one, each with its line."""
    item = {
        "apiVersion": "backstage.io/v1",
        "kind": "Component",
        "metadata": {"name": "a"},
        "spec": {"type": "service"},
    }

    page = entries_of(tmp_path, "page.json", {"totalItems": 1, "items": [item]})
    plain = entries_of(tmp_path, "list.json", [item])

    assert list(page) == list(plain) == ["component:default/a"]
    assert (page["component:default/a"].origin.row, plain["component:default/a"].origin.row) == (4, 2)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        pytest.param("a: &a {x: y}\nb: *a\n", 2, "is not YAML that can be read: an alias", id="alias"),
        pytest.param(f"{'[' * 900}{']' * 900}", 1, "is not YAML: is nested too deeply", id="depth"),
        pytest.param("a: [\n", 2, "is not YAML: ", id="broken"),
        pytest.param("[a]: b\n", 1, "is not YAML that can be read: a key that is not text", id="key"),
    ],
)
def test_a_hostile_catalog_is_refused_with_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    """What could unfold or overflow is refused as in every list."""
    with pytest.raises(RegistryError) as caught:
        entries_of(tmp_path, "c.yaml", CATALOG + text)

    assert caught.value.problems[0].line == CATALOG.count("\n") + line
    assert caught.value.problems[0].message.startswith(message)
