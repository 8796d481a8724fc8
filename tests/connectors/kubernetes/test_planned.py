"""Manifests as planned identities."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given

from connectors.kubernetes.planned import KubernetesPlanner
from connectors.planned import Planned
from connectors.planned.files import load
from scanner.app.checking import Nothing
from scanner.errors import MusterError
from scanner.model import Identity
from scanner.model.planned import PlannedIdentity
from tests.examples import examples
from tests.hostile_json import mutated

ACCOUNT = """
apiVersion: v1
kind: ServiceAccount
metadata:
  name: shop
  namespace: web
  labels: {team: shop}
  annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::123456789012:role/shop"}
"""
BINDING = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: shop}
roleRef: {kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: shop, namespace: web}]
"""
SUBJECT = "kind: ServiceAccount, name: shop, namespace: web"
ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: all, namespace: web}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
"""
ROLE_BINDING = """
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: all, namespace: web}
roleRef: {kind: Role, name: all}
subjects: [{kind: ServiceAccount, name: shop}]
"""
TOKEN = """
apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata: {name: shop-token, namespace: web, annotations: {kubernetes.io/service-account.name: shop}}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: front, namespace: web}
spec: {template: {spec: {serviceAccountName: shop}}}
"""


class Store(Nothing):
    """A store that knows one account."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def named(self, provider: str, name: str) -> Sequence[Identity]:
        """It, by namespace and name."""
        return [self._identity] if (provider, name) == ("kubernetes", "web/serviceaccount/shop") else []


def planned(folder: Path, *documents: str, known: Nothing | None = None) -> Planned:
    """What the documents bring, in one file."""
    path = folder / "manifests.yaml"
    path.write_text("---".join(documents))
    return KubernetesPlanner().planned(load(path, "manifests.yaml").resources, known or Nothing())


def only(found: Planned) -> PlannedIdentity:
    (one,) = found.identities
    return one


def test_an_account(tmp_path: Path) -> None:
    """It is new, matched by several ids, and exchanges its tokens for a role of AWS."""
    one = only(planned(tmp_path, ACCOUNT, DEPLOYMENT))

    assert (one.effect, one.account_known, one.identity.kind) == ("created", False, "service_account")
    assert one.identity.aliases == ("system:serviceaccount:web:shop", "web/shop", "web/serviceaccount/shop")
    assert [(link.relation, link.target) for link in one.identity.links] == [
        ("can_assume", "arn:aws:iam::123456789012:role/shop")
    ]
    assert one.identity.tags["team"] == "shop"
    assert [(place.resource, place.line) for place in one.places] == [("ServiceAccount/web/shop", 2)]


@pytest.mark.parametrize(
    ("documents", "level", "computed"),
    [
        ((ACCOUNT,), "normal", False),
        ((ACCOUNT, BINDING), "admin", False),
        ((BINDING, ACCOUNT), "admin", False),
        ((ACCOUNT, BINDING.replace("cluster-admin", "view")), "normal", False),
        ((ACCOUNT, BINDING.replace("cluster-admin", "special")), "normal", True),
        ((ACCOUNT, ROLE, ROLE_BINDING), "escalation", False),
        ((ACCOUNT, ROLE_BINDING), "normal", True),
        ((ACCOUNT, BINDING.replace(SUBJECT, "kind: User, name: ada")), "normal", False),
        (
            (ACCOUNT, BINDING.replace(SUBJECT, "kind: User, name: 'system:serviceaccount:web:shop'")),
            "admin",
            False,
        ),
    ],
)
def test_what_is_bound(tmp_path: Path, documents: Sequence[str], level: str, computed: bool) -> None:
    """In any order; a role that is not in the files is unknown, unless each cluster has it."""
    one = only(planned(tmp_path, *documents))

    assert one.identity.privilege.level == level
    assert ("permissions" in one.computed) is computed


def test_everybody(tmp_path: Path) -> None:
    """All accounts of a namespace gain what their group does, and so do accounts that are not in the files."""
    group = BINDING.replace(
        "kind: ServiceAccount, name: shop, namespace: web", "kind: Group, name: 'system:serviceaccounts:web'"
    )
    levels = {one.identity.name: one.identity.privilege.level for one in planned(tmp_path, ACCOUNT, group).identities}
    readers = planned(tmp_path, group.replace("cluster-admin", "view").replace("serviceaccounts:web", "authenticated"))

    assert levels == {"shop": "admin", "system:serviceaccounts:web": "admin"}
    assert readers.identities == ()


def test_an_account_of_elsewhere_is_changed(tmp_path: Path) -> None:
    """What is only bound, or only gets a token, exists already."""
    one = only(planned(tmp_path, BINDING, TOKEN))

    assert one.effect == "changed"
    assert [place.resource for place in one.places] == ["ClusterRoleBinding/shop", "Secret/web/shop-token"]
    assert [(held.kind, held.id, held.never_expires) for held in one.identity.credentials] == [
        ("token", "shop-token", True)
    ]
    assert [place.resource for place in one.credentials_at.values()] == ["Secret/web/shop-token"]


def test_what_runs_as_an_account(tmp_path: Path) -> None:
    """A workload names an account of the files; another account brings nothing."""
    found = planned(tmp_path, ACCOUNT, DEPLOYMENT, DEPLOYMENT.replace("shop", "other"))

    assert [(one.name, one.runs_as) for one in found.workloads] == [("front", ("planned:ServiceAccount/web/shop",))]


def test_a_powerful_role_that_nothing_binds_is_unread(tmp_path: Path) -> None:
    """Its holders elsewhere gain its rights."""
    found = planned(tmp_path, ROLE, ROLE.replace("all", "reader").replace('verbs: ["*"]', "verbs: [get]"))

    assert [one.place.resource for one in found.unread] == ["Role/web/all"]
    assert found.identities == ()


def test_the_store_knows_the_account(tmp_path: Path) -> None:
    """Then it has its key, and what it held before."""
    before = Identity(
        key="kubernetes://uid/web/serviceaccount/shop",
        provider="kubernetes",
        source="cluster",
        scope="uid",
        kind="service_account",
        name="shop",
    )
    one = only(planned(tmp_path, ACCOUNT, known=Store(before)))

    assert (one.identity.key, one.identity.scope, one.effect) == (before.key, "uid", "changed")
    assert one.before == before


DOCUMENTS = [yaml.safe_load(text) for text in (ACCOUNT, BINDING, ROLE, ROLE_BINDING, TOKEN, DEPLOYMENT)]


@given(document=mutated({"apiVersion": "v1", "kind": "List", "items": DOCUMENTS}))
@examples(60, smoke=60)
def test_no_manifest_is_a_traceback(document: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever shape its parts have; a file that is none is an error of ours."""
    path = tmp_path_factory.mktemp("hostile") / "manifests.json"
    path.write_text(json.dumps(document))
    with suppress(MusterError):
        KubernetesPlanner().planned(load(path, "manifests.json").resources, Nothing())


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ("apiVersion: v1\nkind: ServiceAccount\nmetadata: oops\n", "its metadata is not a mapping"),
        ("apiVersion: v1\nkind: ServiceAccount\nmetadata: {namespace: web}\n", "it has no name"),
        ("apiVersion: v1\nkind: List\nitems: {a: 1}\n", "its items are no list"),
    ],
)
def test_an_object_that_cannot_be_read_is_a_gap(tmp_path: Path, manifest: str, reason: str) -> None:
    """It may declare any account."""
    path = tmp_path / "all.yaml"
    path.write_text(manifest)

    found = load(path)
    planned = KubernetesPlanner().planned(found.resources, Nothing())

    assert [one.reason for one in (*found.problems, *planned.unread)] == [reason]
    assert planned.identities == ()


def test_the_config_map_that_lets_aws_in_is_a_gap(tmp_path: Path) -> None:
    """Any other is data."""
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME, namespace: kube-system}\n"
    (tmp_path / "m.yaml").write_text("---\n".join(config.replace("NAME", name) for name in ("aws-auth", "other")))
    unread = KubernetesPlanner().planned(load(tmp_path / "m.yaml").resources, Nothing()).unread

    assert [one.place.resource for one in unread] == ["ConfigMap/kube-system/aws-auth"]
