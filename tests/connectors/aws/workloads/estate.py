"""An account with one of each thing that the emulator has, and what is to be found of it."""

from __future__ import annotations

import base64
import io
import json
import zipfile

from tests.connectors.aws.workloads.account import HIDDEN, PARAMETER, REGION, Account
from tests.servers.moto_server import ACCOUNT

USER_DATA = base64.b64encode(HIDDEN.encode()).decode()
"""As templates have it."""
_IMAGE = "ami-12345678"


class Estate:
    """Everything in it runs as the role ``app``, unless it is said otherwise."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.role = account.role()
        self.other = account.role("other", path="/service-role/")
        self.secret = self._secret()
        self.instance_profile()
        for make in (
            self.functions, self.containers, self.instances, self.kubernetes, self.glue, self.builds, self.batch,
            self.integrations, self.notebooks, self.agents,
        ):  # fmt: skip
            make()

    def _secret(self) -> str:
        secrets = self.account.client("secretsmanager")
        tags = [{"Key": "iam-user", "Value": "svc-billing"}]
        arn: str = secrets.create_secret(Name="prod/db", SecretString=HIDDEN, Tags=tags)["ARN"]
        self.account.client("ssm").put_parameter(
            Name="/prod/key", Value=HIDDEN, Type="SecureString", Tags=[{"Key": "owner", "Value": "ada"}]
        )
        self.account.client("ssm").put_parameter(Name="/prod/plain", Value=HIDDEN, Type="String")
        return arn

    def instance_profile(self) -> None:
        """The profile ``machines`` of the role."""
        iam = self.account.client("iam")
        iam.create_instance_profile(InstanceProfileName="machines")
        iam.add_role_to_instance_profile(InstanceProfileName="machines", RoleName="app")

    def functions(self) -> None:
        """A function that is given a password in clear, and where to find others."""
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("main.py", "def handler(event, context): ...")
        self.account.client("lambda").create_function(
            FunctionName="pay",
            Runtime="python3.12",
            Role=self.role,
            Handler="main.handler",
            Code={"ZipFile": code.getvalue()},
            Environment={"Variables": {"PASSWORD": HIDDEN, "DB": self.secret, "KEY": PARAMETER}},
            Tags={"owner": "ada@example.com"},
        )

    def containers(self) -> None:
        """A service on an older revision of a task definition, and a task that runs as another role."""
        ecs = self.account.client("ecs")
        ecs.create_cluster(clusterName="main")
        for number in (1, 2):
            ecs.register_task_definition(
                family="web",
                taskRoleArn=self.role,
                executionRoleArn=self.other,
                containerDefinitions=[
                    {
                        "name": f"web{number}",
                        "image": "x",
                        "memory": 64,
                        "environment": [{"name": "PASSWORD", "value": HIDDEN}],
                        "secrets": [
                            {"name": "DB", "valueFrom": f"{self.secret}:password::"},
                            {"name": "KEY", "valueFrom": "/prod/key"},
                        ],
                    }
                ],
            )
        ecs.create_service(cluster="main", serviceName="web", taskDefinition="web:1", desiredCount=1)

    def instances(self) -> None:
        """A machine and a template for machines, both with user data."""
        ec2 = self.account.client("ec2")
        ec2.run_instances(
            ImageId=_IMAGE,
            MinCount=1,
            MaxCount=1,
            UserData=HIDDEN,
            IamInstanceProfile={"Name": "machines"},
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "owner", "Value": "bob"}]}],
        )
        ec2.create_launch_template(
            LaunchTemplateName="fleet",
            LaunchTemplateData={"ImageId": _IMAGE, "UserData": USER_DATA, "IamInstanceProfile": {"Name": "machines"}},
        )
        self.account.client("autoscaling").create_launch_configuration(
            LaunchConfigurationName="old",
            ImageId=_IMAGE,
            InstanceType="t2.micro",
            IamInstanceProfile="machines",
            UserData=USER_DATA,
        )

    def kubernetes(self) -> None:
        """A cluster with a node group and a Fargate profile."""
        eks = self.account.client("eks")
        network = {"subnetIds": ["subnet-1", "subnet-2"], "securityGroupIds": ["sg-1"]}
        eks.create_cluster(name="k8s", roleArn=self.role, resourcesVpcConfig=network, tags={"team": "platform"})
        eks.create_nodegroup(clusterName="k8s", nodegroupName="nodes", nodeRole=self.other, subnets=["subnet-1"])
        eks.create_fargate_profile(
            clusterName="k8s",
            fargateProfileName="serverless",
            podExecutionRoleArn=self.role,
            selectors=[{"namespace": "default"}],
        )

    def glue(self) -> None:
        """A job that names its role by ARN, and a crawler that names it by name."""
        glue = self.account.client("glue")
        arguments = {"--password": HIDDEN, "--secret": self.secret}
        glue.create_job(Name="etl", Role=self.role, Command={"Name": "glueetl"}, DefaultArguments=arguments)
        glue.create_crawler(Name="crawl", Role="app", DatabaseName="d", Targets={"S3Targets": [{"Path": "s3://b"}]})

    def builds(self) -> None:
        """A project with its secrets named in each way, and a pipeline."""
        variables = [
            {"name": "A", "value": HIDDEN, "type": "PLAINTEXT"},
            {"name": "B", "value": f"{self.secret}:token", "type": "SECRETS_MANAGER"},
            {"name": "C", "value": "/prod/key", "type": "PARAMETER_STORE"},
        ]
        self.account.client("codebuild").create_project(
            name="build",
            source={"type": "GITHUB", "location": "https://github.com/acme/shop"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL",
                "environmentVariables": variables,
            },
            serviceRole=self.role,
        )  # fmt: skip
        self._pipeline()
        self.account.client("cloudformation").create_stack(
            StackName="stack",
            TemplateBody=json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}, "Description": HIDDEN}),
            RoleARN=self.role,
        )

    def _pipeline(self) -> None:
        source = {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"}
        deploy = {"category": "Deploy", "owner": "AWS", "provider": "S3", "version": "1"}
        trust = {"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}, "Action": "sts:AssumeRole"}
        self.account.client("iam").update_assume_role_policy(
            RoleName="app", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )
        self.account.client("codepipeline").create_pipeline(
            pipeline={
                "name": "release",
                "roleArn": self.role,
                "artifactStore": {"type": "S3", "location": "bucket"},
                "stages": [
                    {"name": "a", "actions": [{"name": "s", "actionTypeId": source, "configuration": {"k": HIDDEN}}]},
                    {"name": "b", "actions": [{"name": "d", "actionTypeId": deploy, "roleArn": self.other}]},
                ],
            }
        )

    def batch(self) -> None:
        """A job definition."""
        self.account.client("batch").register_job_definition(
            jobDefinitionName="job",
            type="container",
            containerProperties={
                "image": "x", "vcpus": 1, "memory": 64, "jobRoleArn": self.role,
                "environment": [{"name": "PASSWORD", "value": HIDDEN}],
            },
        )  # fmt: skip

    def integrations(self) -> None:
        """A state machine, a schedule, a rule with a target, and a pool that gives a role to anyone."""
        self.account.client("stepfunctions").create_state_machine(
            name="flow", definition=json.dumps({"Comment": HIDDEN}), roleArn=self.role
        )
        self.account.client("scheduler").create_schedule(
            Name="nightly",
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": "arn:aws:sqs:eu-west-1:123456789012:q", "RoleArn": self.role, "Input": HIDDEN},
        )
        events = self.account.client("events")
        events.put_rule(Name="plain", ScheduleExpression="rate(1 day)")
        events.put_rule(Name="every", ScheduleExpression="rate(1 day)", RoleArn=self.other)
        target = {"Id": "t", "Arn": "arn:aws:sqs:eu-west-1:123456789012:q", "RoleArn": self.role, "Input": HIDDEN}
        events.put_targets(Rule="every", Targets=[target])

    def notebooks(self) -> None:
        """A notebook."""
        self.account.client("sagemaker").create_notebook_instance(
            NotebookInstanceName="lab", InstanceType="ml.t2.medium", RoleArn=self.role
        )

    def agents(self) -> None:
        """A Bedrock agent, and an agent that AgentCore runs."""
        self.account.client("bedrock-agent").create_agent(
            agentName="helper", agentResourceRoleArn=self.role, instruction=HIDDEN * 3, tags={"owner": "ada"}
        )
        self.account.client("bedrock-agentcore-control").create_agent_runtime(
            agentRuntimeName="worker",
            roleArn=self.other,
            agentRuntimeArtifact={"containerConfiguration": {"containerUri": "123.dkr.ecr.x.amazonaws.com/a:b"}},
            networkConfiguration={"networkMode": "PUBLIC"},
            environmentVariables={"OPENAI_API_KEY": HIDDEN, "DB": self.secret},
        )


def of_region(rest: str) -> str:
    """An ARN of the account's region, from the service on."""
    service, _, name = rest.partition(":")
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"
