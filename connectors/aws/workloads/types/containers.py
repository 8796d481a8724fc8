"""ECS: what its containers run as."""

from __future__ import annotations

from connectors.aws.workloads.declarations import GIVEN, VARIABLES, Detail, Fields, Listing, ResourceType
from scanner.model.attributes import RUNS_IN

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
        details=(Detail(operation="DescribeTasks", by={"cluster": "{cluster}"}, at="tasks", batch=100, ids="tasks"),),
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
)
