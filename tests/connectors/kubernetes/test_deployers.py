"""Who deployed an account, from where; and what controllers open as an account."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.testing import Asked, Reply, read
from scanner.demo.fakes.kubernetes.server import refusal
from scanner.model import Coverage
from tests.connectors.kubernetes.conftest import Running, Scan
from tests.connectors.kubernetes.manifests import account, binding, deployment, role, rule

SECRET = "hunter2-hunter2-hunter2"


def custom(api: str, kind: str, within: str, name: str, **spec: Any) -> dict[str, Any]:
    """A custom resource."""
    return {"apiVersion": api, "kind": kind, "metadata": {"namespace": within, "name": name}, "spec": spec}


GIT = custom("source.toolkit.fluxcd.io/v1", "GitRepository", "flux-system", "fleet",
             url=f"https://bot:{SECRET}@git.example/fleet.git")  # fmt: skip
APPS = custom("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "flux-system", "apps", path="./clusters/prod",
              sourceRef={"kind": "GitRepository", "name": "fleet"}, serviceAccountName="deployer")  # fmt: skip
ELSEWHERE = custom("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "flux-system", "edge", path="edge",
                   sourceRef={"kind": "Bucket", "name": "x"}, serviceAccountName="deployer",
                   kubeConfig={"secretRef": {"name": "edge"}})  # fmt: skip
CHARTS = custom("source.toolkit.fluxcd.io/v1", "HelmRepository", "charts", "vendor", url="https://charts.example")
RELEASE = custom("helm.toolkit.fluxcd.io/v2", "HelmRelease", "shop", "cache", chart={"spec": {
    "chart": "redis", "sourceRef": {"kind": "HelmRepository", "name": "vendor", "namespace": "charts"}}})  # fmt: skip
APPLICATION = custom("argoproj.io/v1alpha1", "Application", "argocd", "cart",
                     sources=[{"repoURL": "git@git.example:cart.git"}])  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "annotations", "by", "repository"),
    [
        ({}, {}, None, None),
        ({"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}, {},
         "flux: flux-system/apps", "https://git.example/fleet.git//clusters/prod"),
        ({"helm.toolkit.fluxcd.io/name": "cache", "helm.toolkit.fluxcd.io/namespace": "shop"},
         {"meta.helm.sh/release-name": "cache"}, "flux: shop/cache", "https://charts.example"),
        ({"kustomize.toolkit.fluxcd.io/name": "gone", "kustomize.toolkit.fluxcd.io/namespace": "x"}, {},
         "flux: x/gone", None),
        ({"app.kubernetes.io/instance": "cart"}, {}, "argocd: cart", "git@git.example:cart.git"),
        ({"app.kubernetes.io/instance": "unrelated"}, {"meta.helm.sh/release-name": "r"}, "helm: r", None),
        ({"olm.owner": "operator.v1"}, {}, "olm: operator.v1", None),
    ],
)  # fmt: skip
def test_who_deployed_an_account(
    scan: Scan, labels: dict[str, str], annotations: dict[str, str], by: str | None, repository: str | None
) -> None:
    """By the marks that each deployer leaves; no credentials of its repository."""
    web = account("shop", "web", labels=labels, annotations=annotations)
    found = scan(web, GIT, APPS, CHARTS, RELEASE, APPLICATION).accounts["shop/web"]

    assert (found.attributes.get("deployed_by"), found.attributes.get("repository")) == (by, repository)


def test_flux_deploys_as_accounts(scan: Scan) -> None:
    """Of this cluster: what it deploys elsewhere runs as an account there."""
    found = scan(account("flux-system", "deployer"), GIT, APPS, ELSEWHERE, CHARTS, RELEASE)

    controlled = {name: one for name, one in found.workloads.items() if one.kind in ("kustomization", "helmrelease")}
    assert list(controlled) == ["kustomization/apps"]
    assert controlled["kustomization/apps"].runs_as == (found.accounts["flux-system/deployer"].key,)
    assert SECRET not in repr(found.records)


VAULT = {"server": "https://vault.example:8200", "path": "secret"}


@pytest.mark.parametrize(
    ("made", "link", "facts"),
    [
        (custom("external-secrets.io/v1", "SecretStore", "shop", "vault", provider={"vault": {**VAULT, "auth": {
            "kubernetes": {"mountPath": "k8s-prod", "role": "shop", "serviceAccountRef": {"name": "web"}}}}}),
         "vault://vault.example:8200/auth/k8s-prod/role/shop",
         {"opens": "vault", "vault_role": "shop", "vault_mount": "k8s-prod", "vault_server": "vault.example:8200"}),
        (custom("external-secrets.io/v1", "SecretStore", "shop", "jwt", provider={"vault": {
            "server": "https://vault.example", "namespace": "team/a", "auth": {"jwt": {"path": "jwt", "role": "shop",
            "kubernetesServiceAccountToken": {"serviceAccountRef": {"name": "web"}}}}}}),
         "vault://vault.example:443/team/a/auth/jwt/role/shop", {"vault_server": "vault.example:443/team/a"}),
        (custom("external-secrets.io/v1", "SecretStore", "shop", "aws", provider={"aws": {"service": "SecretsManager",
            "role": "arn:aws:iam::123456789012:role/read", "auth": {"jwt": {"serviceAccountRef": {"name": "web"}}}}}),
         "arn:aws:iam::123456789012:role/read", {"opens": "aws"}),
        (custom("external-secrets.io/v1", "SecretStore", "shop", "azure", provider={"azurekv": {
            "vaultUrl": "https://x.vault.azure.net", "authType": "WorkloadIdentity",
            "serviceAccountRef": {"name": "web"}}}), None, {"opens": "azure"}),
        (custom("external-secrets.io/v1", "SecretStore", "shop", "gcp", provider={"gcpsm": {"projectID": "p", "auth": {
            "workloadIdentity": {"serviceAccountRef": {"name": "web"}}}}}), None, {"opens": "gcp"}),
        (custom("external-secrets.io/v1", "SecretStore", "shop", "odd", provider={"vault": {"server": "https://[x",
            "auth": {"kubernetes": {"role": "shop", "serviceAccountRef": {"name": "web"}}}}}),
         None, {"vault_role": "shop"}),
        (custom("secrets.hashicorp.com/v1beta1", "VaultAuth", "shop", "login", mount="kubernetes",
                kubernetes={"role": "shop", "serviceAccount": "web", "audiences": ["vault"]}),
         "vault://vault.example:8200/auth/kubernetes/role/shop", {"vault_role": "shop"}),
    ],
    ids=lambda value: value["metadata"]["name"] if isinstance(value, dict) and "metadata" in value else "",
)  # fmt: skip
def test_what_stores_open_as_an_account(
    scan: Scan, made: dict[str, Any], link: str | None, facts: dict[str, Any]
) -> None:
    """The role at the other end is one that the account can become."""
    connection = custom("secrets.hashicorp.com/v1beta1", "VaultConnection", "shop", "default",
                        address="https://vault.example:8200")  # fmt: skip
    found = scan(account("shop", "web"), made, connection)

    web = found.accounts["shop/web"]
    (use,) = [one for one in found.workloads.values() if one.kind in ("secretstore", "vaultauth")]
    assert use.runs_as == (web.key,)
    assert {name: use.attributes[name] for name in facts} == facts
    assert [one.target for one in web.links] == ([link] if link else [])


def test_a_store_of_the_cluster_names_the_namespace_of_the_account(scan: Scan) -> None:
    """One that opens with stored credentials uses no account."""
    login = {"kubernetes": {"role": "r", "serviceAccountRef": {"name": "eso", "namespace": "tools"}}}
    stored = {"server": "https://vault.example", "auth": {"tokenSecretRef": {"name": "t", "key": "k"}}}
    stores = [
        custom("external-secrets.io/v1", "ClusterSecretStore", "", name, provider={"vault": vault})
        for name, vault in (("one", {**VAULT, "auth": login}), ("other", stored))
    ]
    for store in stores:
        del store["metadata"]["namespace"]
    found = scan(account("tools", "eso"), *stores)

    assert [one.name for one in found.workloads.values()] == ["one"]
    assert found.workloads["clustersecretstore/one"].runs_as == (found.accounts["tools/eso"].key,)


def test_pods_that_sign_in_to_vault_say_the_role(scan: Scan) -> None:
    """By the annotation of Vault's injector, in the template."""
    web = deployment("shop", "web", "web")
    web["spec"]["template"]["metadata"]["annotations"] = {"vault.hashicorp.com/role": "shop", "x": SECRET}
    found = scan(account("shop", "web"), web)

    assert found.workloads["deployment/web"].attributes["vault_role"] == "shop"
    assert SECRET not in repr(found.records)


def test_custom_resources_are_read_in_the_version_that_the_cluster_prefers(clusters: Running) -> None:
    """And not asked for where it has no such group: to be refused would look like a gap."""

    def older(asked: Asked) -> Reply | None:
        if asked.path != "/apis":
            return None
        group = {"name": "external-secrets.io", "preferredVersion": {"version": "v1beta1"}}
        return Reply(body={"kind": "APIGroupList", "groups": [group]})

    server = clusters.server(APPS, fault=older)
    found = {one.section: one.status for one in read(clusters.connector(server)) if isinstance(one, Coverage)}

    asked = {one.path for one in server.asked}
    assert "/apis/external-secrets.io/v1beta1/secretstores" in asked
    assert not any("fluxcd" in path for path in asked)
    assert found["flux"] == found["argocd"] == found["certificates"] == "not_offered"


# --- OpenShift ---


def test_who_may_use_constraints_of_openshift_has_a_right(scan: Scan) -> None:
    """Named by the constraints themselves, as a user or by a group; what all callers may use says nothing."""
    privileged = {
        "apiVersion": "security.openshift.io/v1",
        "kind": "SecurityContextConstraints",
        "metadata": {"name": "privileged"},
        "allowPrivilegedContainer": True,
        "users": ["system:admin", "system:serviceaccount:shop:agent"],
        "groups": ["system:serviceaccounts:tools"],
    }
    restricted = {**privileged, "metadata": {"name": "restricted-v2"}, "users": [], "groups": ["system:authenticated"]}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": "shop", "annotations": {"openshift.io/requester": "ada@example.com"}}}  # fmt: skip
    found = scan(
        space, account("shop", "agent"), account("shop", "web"), account("tools", "any"), privileged, restricted
    )

    levels = {name: one.privilege.level for name, one in found.accounts.items()}
    assert (levels["shop/agent"], levels["tools/any"], levels["shop/web"]) == ("high", "high", "normal")
    assert [one.name for one in found.accounts["shop/agent"].grants] == ["SecurityContextConstraints/privileged"]
    assert found.accounts["shop/web"].grants == ()
    assert found.accounts["shop/web"].tags["openshift.io/requester"] == "ada@example.com"


@pytest.mark.parametrize(
    ("name", "fields", "level"),
    [
        ("agents", {"allowPrivilegedContainer": True}, "high"),
        ("agents", {"allowHostDirVolumePlugin": True}, "high"),
        ("agents", {"allowHostPID": True}, "high"),
        ("agents", {"allowHostNetwork": True}, "high"),
        ("agents", {"allowHostIPC": True}, "high"),
        ("agents", {"allowedCapabilities": ["SYS_ADMIN"]}, "high"),
        ("agents", {"allowedCapabilities": ["*"]}, "high"),
        ("agents", {"runAsUser": {"type": "RunAsAny"}}, "high"),
        ("agents", {"allowPrivilegedContainer": False, "allowedCapabilities": ["NET_BIND_SERVICE"],
                    "runAsUser": {"type": "MustRunAsRange"}}, "normal"),
        ("agents", {"allowedCapabilities": None, "runAsUser": None}, "normal"),
        ("privileged", {"allowPrivilegedContainer": False}, "normal"),
        ("another", {"allowPrivilegedContainer": False}, "high"),
    ],
)  # fmt: skip
def test_constraints_count_by_what_they_allow(scan: Scan, name: str, fields: dict[str, Any], level: str) -> None:
    """Whatever they are called; those that are not there, by the names that OpenShift gives them."""
    constraints = {
        "apiVersion": "security.openshift.io/v1", "kind": "SecurityContextConstraints",
        "metadata": {"name": name}, **fields,
    }  # fmt: skip
    used = "hostaccess" if name == "another" else name
    allowed = {**rule("use", "security.openshift.io", "securitycontextconstraints"), "resourceNames": [used]}
    found = scan(
        account("shop", "web"), constraints, role("scc", allowed), binding("scc", "ClusterRole/scc", ("shop", "web"))
    )

    assert found.accounts["shop/web"].privilege.level == level


def test_without_constraints_privilege_is_unknown(clusters: Running) -> None:
    """Where the cluster has such."""
    constraints = {"apiVersion": "security.openshift.io/v1", "kind": "SecurityContextConstraints",
                   "metadata": {"name": "privileged"}}  # fmt: skip

    def refused(asked: Asked) -> Reply | None:
        return refusal(403, "no") if asked.path.endswith("securitycontextconstraints") else None

    found = clusters.read(account("shop", "web"), constraints, fault=refused)

    assert found.coverage["openshift"] == "denied"
    assert found.accounts["shop/web"].privilege.level == "unknown"
