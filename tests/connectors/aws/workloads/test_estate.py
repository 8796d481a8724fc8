"""A region with one of each thing that the emulator has, read over HTTP."""

from __future__ import annotations

from scanner.judging.agents.verdict import judge_agent
from tests.connectors.aws.workloads.account import HIDDEN, PARAMETER, ROLE, Account
from tests.connectors.aws.workloads.estate import USER_DATA, Estate, of_region

OTHER = ROLE.replace("role/app", "role/service-role/other")


def test_what_runs_as_a_role_is_found_with_its_secrets(account: Account) -> None:
    """By kind and name: the roles and the secrets, each by its key."""
    estate = Estate(account)

    found = account.read("usual", "events")
    instance = next(one for one in found.workloads.values() if one.kind == "ec2_instance")

    assert found.gaps == {}
    assert {key: (one.runs_as, one.uses) for key, one in found.workloads.items() if one is not instance} == {
        ("lambda_function", "pay"): ((ROLE,), tuple(sorted((estate.secret, PARAMETER)))),
        ("ecs_task_definition", "web"): ((ROLE, OTHER), tuple(sorted((estate.secret, PARAMETER)))),
        ("ecs_service", "web"): ((ROLE, OTHER), tuple(sorted((estate.secret, PARAMETER)))),
        ("ec2_launch_template", "fleet"): ((ROLE,), ()),
        ("launch_configuration", "old"): ((ROLE,), ()),
        ("eks_cluster", "k8s"): ((ROLE,), ()),
        ("eks_nodegroup", "nodes"): ((OTHER,), ()),
        ("eks_fargate_profile", "serverless"): ((ROLE,), ()),
        ("glue_job", "etl"): ((ROLE,), (estate.secret,)),
        ("glue_crawler", "crawl"): ((ROLE,), ()),
        ("codebuild_project", "build"): ((ROLE,), tuple(sorted((estate.secret, PARAMETER)))),
        ("codepipeline_pipeline", "release"): ((ROLE, OTHER), ()),
        ("cloudformation_stack", "stack"): ((ROLE,), ()),
        ("batch_job_definition", "job"): ((ROLE,), ()),
        ("state_machine", "flow"): ((ROLE,), ()),
        ("schedule", "nightly"): ((ROLE,), ()),
        ("event_rule", "every"): ((OTHER,), ()),
        ("event_target", "every/t"): ((ROLE,), ()),
        ("sagemaker_notebook", "lab"): ((ROLE,), ()),
    }
    assert instance.runs_as == (ROLE,)
    assert instance.tags == {"owner": "bob"}
    assert found.workloads["lambda_function", "pay"].tags == {"owner": "ada@example.com"}
    assert found.workloads["eks_cluster", "k8s"].tags == {"team": "platform"}
    issuer = found.workloads["eks_cluster", "k8s"].attributes["signs_tokens_as"]
    assert issuer.startswith("https://oidc.eks.eu-west-1.amazonaws.com/id/")
    assert found.workloads["glue_job", "etl"].key == of_region("glue:job/etl")
    assert HIDDEN not in repr(found.records)
    assert USER_DATA not in repr(found.records)


def test_stored_secrets_are_found_with_their_tags_and_without_their_values(account: Account) -> None:
    """Of SSM only those that hold a secret; whose credential a secret is, its tags say."""
    Estate(account)

    found = account.read("secretsmanager", "ssm")

    assert set(found.secrets) == {"prod/db", "/prod/key"}
    assert found.secrets["prod/db"].attributes["identity"] == "svc-billing"
    parameter = found.secrets["/prod/key"]
    assert parameter.key == PARAMETER
    assert parameter.tags == {"owner": "ada"}
    assert parameter.rotated_at is not None
    assert found.workloads == {}
    assert HIDDEN not in repr(found.records)


def test_agents_are_identities_that_run_as_roles(account: Account) -> None:
    """They are agents because AWS says so, whatever they are called."""
    estate = Estate(account)

    found = account.read("bedrock", "agentcore")
    helper, worker = found.agents["bedrock_agent", "helper"], found.agents["agentcore_runtime", "worker"]

    assert len(found.agents) == 2
    assert all(judge_agent(one).is_agent for one in (helper, worker))
    assert [(link.relation, link.target) for link in helper.links] == [("runs_as", ROLE)]
    assert ("runs_as", OTHER) in [(link.relation, link.target) for link in worker.links]
    assert ("stores", estate.secret) in [(link.relation, link.target) for link in worker.links]
    assert helper.tags == {"owner": "ada"}
    assert helper.unread == ()
    assert HIDDEN not in repr(found.records)


def test_a_region_takes_the_fewest_calls(account: Account) -> None:
    """One for each page of a listing, one for each thing that its listing does not give all of."""
    Estate(account)

    found = account.read(
        "secretsmanager", "ssm", "lambda.functions", "ecs", "ec2", "eks", "codebuild", "bedrock.agents"
    )
    calls = account.server.calls

    assert calls == {
        "tagging:GetResources": 1,
        "secretsmanager:ListSecrets": 1,
        "ssm:DescribeParameters": 1,
        "lambda:ListFunctions": 1,
        "ecs:ListClusters": 1,
        "ecs:ListServices": 1,
        "ecs:DescribeServices": 1,
        "ecs:ListTasks": 1,
        "ecs:ListTaskDefinitionFamilies": 1,
        "ecs:DescribeTaskDefinition": 2,  # the newest of the family, and the older one in use
        "ec2:DescribeInstances": 1,
        "ec2:DescribeKeyPairs": 1,
        "ec2:DescribeLaunchTemplateVersions": 1,
        "iam:ListInstanceProfiles": 1,
        "eks:ListClusters": 1,
        "eks:DescribeCluster": 1,
        "eks:ListPodIdentityAssociations": 1,
        "eks:ListNodegroups": 1,
        "eks:DescribeNodegroup": 1,
        "eks:ListFargateProfiles": 1,
        "eks:DescribeFargateProfile": 1,
        "eks:ListAddons": 1,
        "eks:ListAccessEntries": 1,
        "codebuild:ListProjects": 1,
        "codebuild:BatchGetProjects": 1,
        "codebuild:ListSourceCredentials": 1,
        "bedrock:ListAgents": 1,
        "bedrock:GetAgent": 1,
        "bedrock:ListTagsForResource": 1,
    }
    assert sum(one.calls for one in found.coverage.values()) == calls.total()


def test_an_empty_region_takes_one_call_for_each_listing(account: Account) -> None:
    """Nothing is asked about things that there are not."""
    found = account.read("usual")

    assert found.gaps == {}
    assert set(account.server.calls.values()) == {1}
    assert account.server.calls.total() == 56  # as the documentation says
    assert sum(one.calls for one in found.coverage.values()) == account.server.calls.total()
