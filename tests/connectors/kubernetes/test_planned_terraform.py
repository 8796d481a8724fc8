"""Resources of Terraform's provider ``kubernetes``: as the manifests that they apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given

from connectors.kubernetes.planned import KubernetesPlanner
from connectors.planned import Planned
from connectors.planned.documents import PlannedDocument
from connectors.planned.terraform import read_plan
from scanner.app.checking import Nothing
from tests.connectors.planned.plans import change, is_planned_or_refused, terraform
from tests.examples import examples
from tests.hostile_json import mutated

META = [{"name": "shop", "namespace": "web", "annotations": None, "labels": {"team": "shop"}}]
ACCOUNT = ("kubernetes_service_account_v1.shop", {"metadata": META, "automount_service_account_token": True})
RULES = [{"api_groups": ["*"], "resources": ["*"], "verbs": ["*"], "resource_names": None, "non_resource_urls": None}]
ROLE = ("kubernetes_cluster_role.all", {"metadata": [{"name": "all"}], "rule": RULES, "aggregation_rule": []})
SUBJECT = [{"kind": "ServiceAccount", "name": "shop", "namespace": "web", "api_group": ""}]
REF = [{"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "all"}]
BINDING = (
    "kubernetes_cluster_role_binding_v1.all",
    {"metadata": [{"name": "all"}], "role_ref": REF, "subject": SUBJECT},
)
TOKEN = (
    "kubernetes_secret.token",
    {
        "type": "kubernetes.io/service-account-token",
        "metadata": [{"name": "t", "namespace": "web", "annotations": {"kubernetes.io/service-account.name": "shop"}}],
    },
)
DEPLOYMENT = (
    "kubernetes_deployment_v1.front",
    {
        "metadata": [{"name": "front", "namespace": "web"}],
        "spec": [{"template": [{"spec": [{"service_account_name": "shop"}]}]}],
    },
)
MANIFEST = (
    "kubernetes_manifest.all",
    {
        "manifest": {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "all"},
            "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": "shop", "namespace": "web"}],
        }
    },
)
APPLICATION = ("kubernetes_manifest.app", {"manifest": {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"}})


def planned(*changes: tuple[str, Mapping[str, Any]], **more: Any) -> Planned:
    """A plan with these resources, all new, or with the actions of ``more`` by type's name."""
    rows = [
        change(address, None if actions == ("delete",) else values, actions=actions, before=before)
        for address, values in changes
        for actions in (more.get(address.partition(".")[0], ("create",)),)
        for before in (None if actions == ("create",) else values,)
    ]
    resources, _ = read_plan("plan.json", [PlannedDocument(data=terraform(*rows), line=1, source="")])
    return KubernetesPlanner().planned(resources, Nothing())


@pytest.mark.parametrize("giving", [(ROLE, BINDING), (MANIFEST,)], ids=["blocks", "a manifest"])
def test_an_account_that_becomes_an_admin(giving: tuple[Any, ...]) -> None:
    """With its labels, tokens and workloads, each at its address."""
    found = planned(ACCOUNT, *giving, TOKEN, DEPLOYMENT)
    (one,) = found.identities

    assert (one.identity.name, one.identity.attributes["namespace"], one.effect) == ("shop", "web", "created")
    assert one.identity.privilege.level == "admin"
    assert one.identity.tags == {"team": "shop"}
    assert [place.resource for place in one.places] == [ACCOUNT[0], giving[-1][0], TOKEN[0]]
    assert [(each.id, each.never_expires) for each in one.identity.credentials] == [("t", True)]
    assert [(each.name, each.runs_as) for each in found.workloads] == [("front", (one.identity.key,))]
    assert found.unread == ()


@pytest.mark.parametrize(
    ("actions", "found"),
    [
        ({}, [("created", "admin")]),
        ({"kubernetes_service_account_v1": ("no-op",)}, [("changed", "admin")]),
        ({"kubernetes_service_account_v1": ("no-op",), "kubernetes_cluster_role": ("no-op",)}, [("changed", "admin")]),
        (
            {"kubernetes_service_account_v1": ("no-op",), "kubernetes_cluster_role_binding_v1": ("no-op",),
             "kubernetes_cluster_role": ("update",)},
            [("changed", "admin")],
        ),
        ({"kubernetes_cluster_role_binding_v1": ("delete",)}, [("created", "normal")]),
        (dict.fromkeys(("kubernetes_service_account_v1", "kubernetes_cluster_role_binding_v1",
                        "kubernetes_cluster_role"), ("no-op",)), []),
    ],
)  # fmt: skip
def test_only_what_changes_counts(actions: dict[str, tuple[str, ...]], found: list[tuple[str, str]]) -> None:
    """And a role that changes counts for those that are bound to it already."""
    identities = planned(ACCOUNT, ROLE, BINDING, **actions).identities

    assert [(one.effect, one.identity.privilege.level) for one in identities] == found


@pytest.mark.parametrize(
    ("values", "unknown", "said"),
    [
        (BINDING[1] | {"subject": [{**SUBJECT[0], "name": None}]}, {"subject": [{"name": True}]}, "subjects"),
        (BINDING[1] | {"role_ref": [{**REF[0], "name": None}]}, {"role_ref": [{"name": True}]}, "roleRef"),
        (BINDING[1] | {"subject": None}, {"subject": True}, "subjects"),
    ],
)
def test_a_binding_of_what_is_not_known_yet_is_a_gap(values: Any, unknown: Any, said: str) -> None:
    """Not silence: it may give anything to anyone."""
    plan = terraform(change(BINDING[0], values, unknown=unknown))
    resources, _ = read_plan("plan.json", [PlannedDocument(data=plan, line=1, source="")])
    unread = KubernetesPlanner().planned(resources, Nothing()).unread

    assert [one.place.resource for one in unread if said in one.reason] == [BINDING[0]]


def test_other_kinds_are_gaps() -> None:
    """Also of custom resources, and of a manifest that only deploying determines."""
    unread = planned(APPLICATION, ("kubernetes_token_request_v1.x", {}), ("kubernetes_manifest.y", {"manifest": None}))
    unread_types = [(one.place.resource, one.reason) for one in unread.unread]

    assert [place for place, _ in unread_types] == [
        "kubernetes_manifest.app", "kubernetes_token_request_v1.x", "kubernetes_manifest.y",
    ]  # fmt: skip
    assert "argoproj.io/Application" in unread_types[0][1]


@examples(60)
@given(
    mutated(
        terraform(
            *(
                change(address, dict(values))
                for address, values in (ACCOUNT, ROLE, BINDING, TOKEN, DEPLOYMENT, MANIFEST)
            )
        )
    )
)
def test_any_plan_is_read_or_refused(plan: Any) -> None:
    """Whatever stands anywhere."""
    assert is_planned_or_refused(plan, KubernetesPlanner(), Nothing())
