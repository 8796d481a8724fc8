"""IAM of Config Connector: as the Terraform resources that make the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given

from connectors.gcp.planned.planner import GcpPlanner
from connectors.planned import Planned
from connectors.planned.documents import PlannedDocument
from connectors.planned.files import load
from connectors.planned.kubernetes import is_manifest, read_manifests
from tests.connectors.aws.planned.reading import Store
from tests.examples import examples
from tests.hostile_json import mutated

EMAIL = "shop@acme.iam.gserviceaccount.com"
PROJECT = {"kind": "Project", "external": "projects/acme"}
OWN = {"memberFrom": {"serviceAccountRef": {"name": "shop"}}}


def made(kind: str, called: str, /, **spec: Any) -> dict[str, Any]:
    """An object of Config Connector, in the project of its annotation."""
    annotations = {"cnrm.cloud.google.com/project-id": "acme"}
    metadata = {"name": called, "namespace": "infra", "annotations": annotations}
    return {"apiVersion": "iam.cnrm.cloud.google.com/v1beta1", "kind": kind, "metadata": metadata, "spec": spec}


def planned(tmp_path: Path, *objects: dict[str, Any]) -> Planned:
    """What the planner makes of a file with these objects."""
    file = tmp_path / "m.json"
    file.write_text(yaml.safe_dump_all(objects))
    return GcpPlanner().planned(load(file).resources, Store())


SHOP = made("IAMServiceAccount", "shop", displayName="Shop")
OWNER = "roles/owner"


@pytest.mark.parametrize(
    ("objects", "level"),
    [
        ([made("IAMPolicyMember", "b", resourceRef=PROJECT, role=OWNER, member=f"serviceAccount:{EMAIL}")], "admin"),
        ([made("IAMPolicyMember", "b", resourceRef=PROJECT, role=OWNER, **OWN)], "admin"),
        ([made("IAMPolicyMember", "b", resourceRef={"kind": "Folder", "external": "folders/1"}, role=OWNER, **OWN)],
         "admin"),
        ([made("IAMPartialPolicy", "b", resourceRef=PROJECT, bindings=[
            {"role": "roles/browser", "members": [{"member": "user:a@b.c"}]}, {"role": OWNER, "members": [OWN]}])],
         "admin"),
        ([made("IAMPolicy", "b", resourceRef=PROJECT, bindings=[
            {"role": OWNER, "members": [f"serviceAccount:{EMAIL}"]}])], "admin"),
        ([], "normal"),
    ],
)  # fmt: skip
def test_rights_of_an_account(objects: list[dict[str, Any]], level: str, tmp_path: Path) -> None:
    """By e-mail and by reference, on a project and above, member by member or as a policy."""
    found = planned(tmp_path, SHOP, *objects)
    (shop,) = (one for one in found.identities if one.identity.name == "shop")

    assert (shop.identity.aliases, shop.effect, shop.identity.display_name) == ((EMAIL,), "created", "Shop")
    assert shop.identity.privilege.level == level
    assert shop.places[0].resource == "IAMServiceAccount/infra/shop"
    assert found.unread == ()


def test_keys_and_who_may_become_it(tmp_path: Path) -> None:
    """A key belongs to its account, and a binding on the account lets others become it."""
    on = {"kind": "IAMServiceAccount", "name": "shop"}
    found = planned(
        tmp_path,
        SHOP,
        made("IAMServiceAccountKey", "k", serviceAccountRef={"name": "shop"}),
        made("IAMServiceAccount", "ci"),
        made("IAMPolicyMember", "t", resourceRef=on, role="roles/iam.serviceAccountTokenCreator",
             memberFrom={"serviceAccountRef": {"name": "ci"}}),
    )  # fmt: skip
    at = {one.identity.name: one for one in found.identities}

    assert [one.kind for one in at["shop"].identity.credentials] == ["access_key"]
    assert [link.target for link in at["ci"].identity.links] == [at["shop"].identity.key]


@pytest.mark.parametrize(
    "gap",
    [
        made("IAMPolicyMember", "x", resourceRef={"kind": "StorageBucket", "name": "b"}, role=OWNER, **OWN),
        made("IAMPolicyMember", "x", resourceRef=PROJECT, role=OWNER, memberFrom={"logSinkRef": {"name": "s"}}),
        made("IAMWorkloadIdentityPoolProvider", "x"),
        made("IAMPartialPolicy", "x", resourceRef=PROJECT, bindings="?"),
        made("IAMServiceAccountKey", "x", serviceAccountRef={"name": "nobody"}),
    ],
)
def test_what_is_not_evaluated_is_a_gap(gap: dict[str, Any], tmp_path: Path) -> None:
    """At its object."""
    (unread,) = planned(tmp_path, SHOP, gap).unread

    assert unread.place.resource == f"{gap['kind']}/infra/x"


EVERYTHING: list[Any] = [
    SHOP,
    made("IAMPolicyMember", "b", resourceRef=PROJECT, role=OWNER, **OWN),
    made("IAMPartialPolicy", "c", resourceRef=PROJECT, bindings=[{"role": OWNER, "members": [OWN, {"member": "x"}]}]),
    made("IAMServiceAccountKey", "k", serviceAccountRef={"name": "shop"}),
]


@examples(60, smoke=60)
@given(mutated(EVERYTHING))
def test_any_objects_are_read(objects: Any) -> None:
    """Whatever stands anywhere."""
    manifests = filter(is_manifest, objects if isinstance(objects, list) else [])
    resources, _ = read_manifests("m.yaml", [PlannedDocument(data=one, line=1, source="") for one in manifests])
    assert isinstance(GcpPlanner().planned(resources, Store()), Planned)
