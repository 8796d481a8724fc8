"""ECS and EKS: what their containers run as."""

from __future__ import annotations

from connectors.aws.workloads.declarations import GIVEN, VARIABLES, Detail, Fields, Listing, ResourceType
from scanner.model.attributes import RUNS_IN, SIGNS_TOKENS_AS

TYPES = (
    ResourceType(
        section="ecs.clusters",
        title="ECS clusters",
        service="ecs",
        listing=Listing(operation="ListClusters", rows="clusterArns", size=100),
        without="ECS services and tasks are unknown, and which task definitions are in use",
    ),
    ResourceType(
        section="ecs.services",
        title="ECS services",
        service="ecs",
        listing=Listing(
            operation="ListServices", rows="serviceArns", size=100, under="ecs.clusters", by={"cluster": "{id}"}
        ),
        details=(
            Detail(
                operation="DescribeServices",
                by={"cluster": "{cluster}"},
                parameters={"include": ["TAGS"]},
                at="services",
                batch=10,
                ids="services",
            ),
        ),
        record=Fields(
            kind="ecs_service",
            key="{serviceArn}",
            name="{serviceName}",
            created_at="createdAt",
            created_by="createdBy",
            tags="tags[]",
            facts={"status": "status", "task_definition": "taskDefinition", RUNS_IN: "clusterArn"},
            inherits=("ecs.task_definitions", "taskDefinition"),
        ),
    ),
    ResourceType(
        section="ecs.tasks",
        title="ECS tasks that run as another role than their definition says",
        service="ecs",
        listing=Listing(operation="ListTasks", rows="taskArns", size=100, under="ecs.clusters", by={"cluster": "{id}"}),
        details=(
            Detail(operation="DescribeTasks", by={"cluster": "{cluster}"}, at="tasks", batch=100, ids="tasks"),
        ),
        record=Fields(
            kind="ecs_task",
            key="{taskDefinitionArn}#{overrides.taskRoleArn}",
            name="{group}",
            roles=("overrides.taskRoleArn", "overrides.executionRoleArn"),
            facts={"task_definition": "taskDefinitionArn", RUNS_IN: "clusterArn"},
            only_with="overrides.taskRoleArn",
        ),
        without="which task definitions are in use besides those of services is unknown",
    ),
    ResourceType(
        section="ecs.task_definitions",
        title="ECS task definitions: the newest of each family, and those in use",
        service="ecs",
        listing=Listing(
            operation="ListTaskDefinitionFamilies",
            rows="families",
            size=100,
            parameters={"status": "ACTIVE"},
            also=(("ecs.services", "taskDefinition"), ("ecs.tasks", "taskDefinitionArn")),
            met_in=(RUNS_IN, "clusterArn"),
        ),
        details=(
            Detail(
                operation="DescribeTaskDefinition",
                by={"taskDefinition": "{id}"},
                parameters={"include": ["TAGS"]},
            ),
        ),
        record=Fields(
            kind="ecs_task_definition",
            key="{taskDefinition.taskDefinitionArn}",
            name="{taskDefinition.family}",
            roles=("taskDefinition.taskRoleArn", "taskDefinition.executionRoleArn"),
            secrets=("taskDefinition.containerDefinitions[].repositoryCredentials.credentialsParameter",),
            parameters=(
                "taskDefinition.containerDefinitions[].secrets[].valueFrom",
                "taskDefinition.containerDefinitions[].logConfiguration.secretOptions[].valueFrom",
            ),
            texts=("taskDefinition.containerDefinitions[].environment[].value",),
            created_at="taskDefinition.registeredAt",
            created_by="taskDefinition.registeredBy",
            tags="tags[]",
            facts={
                "status": "taskDefinition.status",
                "revision": "taskDefinition.revision",
                VARIABLES: "taskDefinition.containerDefinitions[].environment[].name",
                GIVEN: "taskDefinition.containerDefinitions[].secrets[].name",
            },
        ),
        without="the task roles and secrets of containers are unknown",
    ),
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
            facts={"status": "status", SIGNS_TOKENS_AS: "identity.oidc.issuer", "version": "version"},
        ),
    ),
    ResourceType(
        section="eks.pod_identities",
        title="EKS pod identity associations",
        service="eks",
        listing=Listing(
            operation="ListPodIdentityAssociations",
            rows="associations",
            size=100,
            under="eks.clusters",
            by={"clusterName": "{id}"},
        ),
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
                "cluster": "clusterName",
                "namespace": "namespace",
                "service_account": "serviceAccount",
            },
        ),
        without="the roles that Kubernetes service accounts assume through pod identities are unknown",
    ),
    *(
        ResourceType(
            section=f"eks.{section}",
            title=title,
            service="eks",
            listing=Listing(
                operation=listing, rows=rows, size=100, under="eks.clusters", by={"clusterName": "{id}"}
            ),
            details=(
                Detail(operation=detail, by={"clusterName": "{clusterName}", parameter: "{id}"}, at=member),
            ),
            record=Fields(
                kind=kind,
                key=f"{{{arn}}}",
                name=f"{{{name}}}",
                roles=(role,),
                created_at="createdAt",
                tags="tags",
                facts={"cluster": "clusterName", **facts},
            ),
        )
        for section, title, listing, rows, detail, parameter, member, kind, arn, name, role, facts in (
            ("nodegroups", "EKS node groups", "ListNodegroups", "nodegroups", "DescribeNodegroup", "nodegroupName",
             "nodegroup", "eks_nodegroup", "nodegroupArn", "nodegroupName", "nodeRole", {"status": "status"}),
            ("fargate_profiles", "EKS Fargate profiles", "ListFargateProfiles", "fargateProfileNames",
             "DescribeFargateProfile", "fargateProfileName", "fargateProfile", "eks_fargate_profile",
             "fargateProfileArn", "fargateProfileName", "podExecutionRoleArn", {"status": "status"}),
            ("addons", "EKS add-ons", "ListAddons", "addons", "DescribeAddon", "addonName", "addon", "eks_addon",
             "addonArn", "addonName", "serviceAccountRoleArn", {"status": "status", "publisher": "publisher"}),
            ("access_entries", "EKS access entries", "ListAccessEntries", "accessEntries", "DescribeAccessEntry",
             "principalArn", "accessEntry", "eks_access_entry", "accessEntryArn", "principalArn", "principalArn",
             {"groups": "kubernetesGroups[]", "username": "username", "type": "type"}),
        )
    ),
)  # fmt: skip
