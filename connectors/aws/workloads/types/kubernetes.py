"""EKS: clusters, the roles of their nodes and service accounts, and IAM principals with access."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from connectors.aws.workloads.declarations import Detail, Fields, Listing, ResourceType
from connectors.aws.workloads.entries import entry_of, identity_of, policy_of
from scanner.model.attributes import CONTROL_PLANE, SIGNS_TOKENS_AS

_CLUSTER: Final = "arn:{partition}:eks:{region}:{account}:cluster/{clusterName}"
_OF_NODES: Final = ("EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "HYPERPOD_LINUX")
"""Types of access entries for nodes, which take no access policies."""


def _under_clusters(operation: str, rows: str, **more: Any) -> Listing:
    return Listing(operation=operation, rows=rows, size=100, under="eks.clusters", by={"clusterName": "{id}"}, **more)


def _parts() -> Iterator[ResourceType]:
    """The parts of a cluster. Anyone who controls the cluster can act as the roles of its nodes and add-ons.

    The role of a Fargate profile is that of the machines below, which pods do not reach.
    """
    for section, title, listing, rows, detail, parameter, member, kind, role, of_cluster, facts in (
        ("nodegroups", "EKS node groups", "ListNodegroups", "nodegroups", "DescribeNodegroup", "nodegroupName",
         "nodegroup", "eks_nodegroup", "nodeRole", True, {"status": "status"}),
        ("fargate_profiles", "EKS Fargate profiles", "ListFargateProfiles", "fargateProfileNames",
         "DescribeFargateProfile", "fargateProfileName", "fargateProfile", "eks_fargate_profile",
         "podExecutionRoleArn", False, {"status": "status"}),
        ("addons", "EKS add-ons", "ListAddons", "addons", "DescribeAddon", "addonName", "addon", "eks_addon",
         "serviceAccountRoleArn", True, {"status": "status", "publisher": "publisher"}),
    ):  # fmt: skip
        yield ResourceType(
            section=f"eks.{section}",
            title=title,
            service="eks",
            listing=_under_clusters(listing, rows),
            details=(Detail(operation=detail, by={"clusterName": "{clusterName}", parameter: "{id}"}, at=member),),
            record=Fields(
                kind=kind,
                key=f"{{{member}Arn}}",
                name=f"{{{parameter}}}",
                roles=(role,),
                created_at="createdAt",
                tags="tags",
                facts={"cluster_name": "clusterName", **facts},
                runs_in=_CLUSTER if of_cluster else None,
            ),
        )


TYPES = (
    ResourceType(
        section="eks.clusters",
        title="EKS clusters",
        service="eks",
        listing=Listing(operation="ListClusters", rows="clusters", size=100),
        details=(Detail(operation="DescribeCluster", by={"name": "{id}"}, at="cluster"),),
        record=Fields(
            kind="eks_cluster",
            key="{arn}",
            name="{name}",
            roles=("roleArn", "computeConfig.nodeRoleArn"),
            created_at="createdAt",
            tags="tags",
            facts={
                "status": "status",
                SIGNS_TOKENS_AS: "identity.oidc.issuer",
                CONTROL_PLANE: "roleArn",
                "version": "version",
                "authentication": "accessConfig.authenticationMode",
            },
        ),
    ),
    ResourceType(
        section="eks.pod_identities",
        title="EKS pod identity associations",
        service="eks",
        listing=_under_clusters("ListPodIdentityAssociations", "associations"),
        details=(
            Detail(
                operation="DescribePodIdentityAssociation",
                by={"clusterName": "{clusterName}", "associationId": "{associationId}"},
                at="association",
            ),
        ),
        record=Fields(
            kind="eks_pod_identity",
            key="{associationArn}",
            name="{namespace}/{serviceAccount}",
            roles=("roleArn", "targetRoleArn"),
            created_at="createdAt",
            tags="tags",
            facts={
                "cluster_name": "clusterName",
                "namespace": "namespace",
                "service_account": "serviceAccount",
                "role": "roleArn",
                "target_role": "targetRoleArn",
                "session_tags_disabled": "disableSessionTags",
                "addon": "ownerArn",
            },
            present={"session_policy": "policy", "external_id": "externalId"},
            runs_in=_CLUSTER,
        ),
        assigns=identity_of,
        without="the roles that Kubernetes service accounts assume through pod identities are unknown",
    ),
    *_parts(),
    ResourceType(
        section="eks.access_entries",
        title="EKS access entries: the Kubernetes groups and users of IAM principals",
        service="eks",
        listing=_under_clusters(
            "ListAccessEntries", "accessEntries", unless=("accessConfig.authenticationMode", ("CONFIG_MAP",))
        ),
        details=(
            Detail(
                operation="DescribeAccessEntry",
                by={"clusterName": "{clusterName}", "principalArn": "{id}"},
                at="accessEntry",
            ),
        ),
        record=Fields(
            kind="",
            key=f"{_CLUSTER}#{{id}}",
            name="{id}",
            created_at="createdAt",
            facts={
                "cluster_name": "clusterName",
                "principal": "id",
                "groups": "kubernetesGroups[]",
                "username": "username",
                "type": "type",
            },
            runs_in=_CLUSTER,
        ),
        assigns=entry_of,
        without="which IAM principals belong to groups of a cluster is unknown, and so is what they may do there",
    ),
    ResourceType(
        section="eks.access_policies",
        title="EKS access policies: what IAM principals may do in a cluster",
        service="eks",
        listing=Listing(
            operation="ListAssociatedAccessPolicies",
            rows="associatedAccessPolicies",
            size=100,
            under="eks.access_entries",
            by={"clusterName": "{clusterName}", "principalArn": "{id}"},
            unless=("type", _OF_NODES),
        ),
        record=Fields(
            kind="",
            key=f"{_CLUSTER}#{{principalArn}}#{{policyArn}}",
            name="{principalArn}",
            created_at="associatedAt",
            facts={
                "cluster_name": "clusterName",
                "principal": "principalArn",
                "policy": "policyArn",
                "namespaces": "accessScope.namespaces[]",
                "within": "accessScope.type",
            },
            runs_in=_CLUSTER,
        ),
        assigns=policy_of,
        without="which IAM principals administer a cluster, or change what runs there, is unknown",
    ),
)
