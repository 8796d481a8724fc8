"""Types that no planner reads: harmless by the table, or a gap with their type."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.planned import UNKNOWN, FileResources, Resource, planner_catalog
from connectors.planned.files import plan
from connectors.planned.kinds import is_harmless, kinds, not_understood
from scanner.model.planned import Effect, PlanFormat, PlannedPlace
from tests.connectors.aws.planned.reading import Store

CARRY = {
    "terraform": """
        aws_cloudformation_stack aws_cloudformation_stack_set awscc_cloudformation_stack awscc_s3_bucket_policy
        awscc_new_thing helm_release vault_policy vault_aws_secret_backend_role vault_token okta_app_oauth
        github_app_installation_repository kubectl_manifest kustomization_resource external_anything shell_script
        aws_s3_bucket_policy aws_lambda_permission aws_kms_grant aws_sqs_queue_policy aws_secretsmanager_secret_policy
        aws_eks_access_entry aws_ssoadmin_account_assignment aws_rolesanywhere_profile aws_iam_new_thing
        aws_cognito_identity_pool aws_service_of_tomorrow aws_organizations_account aws_ram_principal_association
        google_apikeys_key google_iam_deny_policy google_privileged_access_manager_entitlement google_new_thing
        google_storage_bucket_iam_member google_secret_manager_secret_iam_binding google_pubsub_topic_iam_policy
        azuread_directory_role_member azuread_group_member azurerm_pim_active_role_assignment azurerm_new_thing
        azurerm_key_vault_access_policy azurerm_resource_group_template_deployment azapi_resource_action
        mongodbatlas_database_user databricks_service_principal snowflake_grant_privileges_to_account_role
        """,
    "cloudformation": """
        Custom::Anything AWS::CloudFormation::CustomResource AWS::CloudFormation::Macro AWS::S3::BucketPolicy
        AWS::Lambda::Permission AWS::SQS::QueuePolicy AWS::EKS::AccessEntry AWS::Organizations::Account
        AWS::SSO::PermissionSet AWS::Serverless::Connector AWS::RolesAnywhere::Profile AWS::New::Thing AWS::IAM::Thing
        Datadog::Monitors::Monitor Okta::Group::Membership AWS::Cognito::IdentityPoolRoleAttachment
        """,
    "kubernetes": """
        iam.aws.upbound.io/Access iam.aws.crossplane.io/Binding apiextensions.crossplane.io/Composition
        s3.services.k8s.aws/Bucket storage.cnrm.cloud.google.com/StorageBucket argoproj.io/Application
        argoproj.io/ApplicationSet argoproj.io/Workflow helm.toolkit.fluxcd.io/HelmRelease
        kustomize.toolkit.fluxcd.io/Kustomization kustomize.config.k8s.io/Kustomization
        managedidentity.azure.com/UserAssignedIdentity certificates.k8s.io/CertificateSigningRequest
        external-secrets.io/SecretStore secrets.hashicorp.com/VaultAuth kyverno.io/ClusterPolicy example.com/Anything
        """,
}
HARMLESS = {
    "terraform": """
        random_password null_resource time_sleep local_file tls_private_key aws_s3_bucket aws_vpc aws_kms_key
        aws_security_group_rule aws_lb_listener aws_route53_record aws_cloudwatch_log_group aws_db_instance
        aws_ecr_repository aws_network_acl aws_autoscaling_policy google_compute_instance_group google_project_service
        google_storage_bucket google_compute_network azurerm_resource_group azurerm_storage_account azurerm_key_vault
        awscc_ec2_vpc awscc_s3_bucket awscc_kms_key github_actions_secret github_actions_organization_variable
        azurerm_virtual_network azurerm_key_vault_secret data.vault_policy data.aws_iam_session_context
        """,
    "cloudformation": """
        AWS::S3::Bucket AWS::EC2::VPC AWS::KMS::Key AWS::Logs::LogGroup AWS::DynamoDB::Table AWS::Serverless::Api
        AWS::CertificateManager::Certificate AWS::CDK::Metadata AWS::RDS::DBInstance
        """,
    "kubernetes": """
        core/ConfigMap core/Service core/Namespace core/Secret networking.k8s.io/NetworkPolicy networking.k8s.io/Ingress
        autoscaling/HorizontalPodAutoscaler policy/PodDisruptionBudget apiextensions.k8s.io/CustomResourceDefinition
        monitoring.coreos.com/ServiceMonitor gateway.networking.k8s.io/HTTPRoute storage.k8s.io/StorageClass
        """,
}
FORMATS: tuple[PlanFormat, ...] = ("terraform", "cloudformation", "kubernetes")


def resource(kind: str, form: PlanFormat = "terraform", effect: Effect = "created", **more: Any) -> Resource:
    """A resource of a type."""
    values = more.pop("values", {})
    return Resource(
        type=kind, place=PlannedPlace(file="f", resource=f"{kind}.x"), format=form, effect=effect, values=values, **more
    )


def gaps(*resources: Resource) -> dict[str, str]:
    """The reasons of a file's gaps, by resource, from all installed planners."""
    (read,) = plan([FileResources(file="f", format=resources[0].format, resources=resources)], Store())
    return {one.place.resource: one.reason for one in read.unread}


@pytest.mark.parametrize("form", FORMATS)
def test_what_may_carry_rights_is_a_gap_with_its_type(form: PlanFormat) -> None:
    """Whatever planner its family has, or none."""
    types = CARRY[form].split()
    found = gaps(*(resource(kind, form) for kind in types))

    assert [kind for kind in types if kind not in found.get(f"{kind}.x", "")] == []


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_harmless_is_none(form: PlanFormat) -> None:
    """So that a change of networks and buckets is green."""
    assert gaps(*(resource(kind, form) for kind in HARMLESS[form].split())) == {}


@pytest.mark.parametrize("provider", planner_catalog().names)
def test_what_a_planner_reads_is_no_gap_for_its_type(provider: str) -> None:
    """The list of types that the documentation shows, and nothing beside it but what is harmless."""
    planner = planner_catalog().load(provider)
    for kind in planner.reads():
        form: PlanFormat = "cloudformation" if "::" in kind else "kubernetes" if "/" in kind else "terraform"
        reason = gaps(resource(kind, form)).get(f"{kind}.x", "")
        is_meant = kind.startswith("iam.cnrm") or kind == "kubernetes_manifest"  # a gap without the kind that it makes
        assert is_meant or f"type {kind}" not in reason
        assert any(fnmatchcase(kind, pattern) for pattern in planner.types)


@pytest.mark.parametrize("effect", ["unchanged", "deleted"])
def test_what_does_not_come_is_none(effect: Effect) -> None:
    """A gap is about what the change brings."""
    assert gaps(*(resource(kind, effect=effect) for kind in CARRY["terraform"].split())) == {}


POLICY = '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}'


@pytest.mark.parametrize(
    ("kind", "values", "more", "is_gap"),
    [
        ("aws_kms_key", {"policy": POLICY}, {}, True),
        ("aws_kms_key", {"policy": POLICY}, {"before": {"policy": POLICY}}, False),
        ("aws_kms_key", {"policy": UNKNOWN}, {"given": frozenset()}, False),
        ("aws_kms_key", {"policy": UNKNOWN}, {"given": frozenset({"policy"})}, True),
        ("AWS::KMS::Key", {"KeyPolicy": {"Statement": []}}, {}, True),
        ("AWS::Logs::Destination", {"DestinationPolicy": POLICY}, {}, True),
        ("azurerm_key_vault", {"access_policy": [{"object_id": "x"}]}, {}, True),
        ("azurerm_key_vault", {"access_policy": []}, {}, False),
        ("aws_lb_listener", {"ssl_policy": "ELBSecurityPolicy-2016-08"}, {}, False),
        ("aws_efs_file_system", {"lifecycle_policy": [{"transition_to_ia": "AFTER_30_DAYS"}]}, {}, False),
    ],
)
def test_a_policy_of_its_own_makes_a_gap_of_what_is_harmless(
    kind: str, values: dict[str, Any], more: dict[str, Any], is_gap: bool
) -> None:
    """A key is harmless, and not so the policy that lets others use it."""
    form: PlanFormat = "cloudformation" if "::" in kind else "terraform"

    assert bool(gaps(resource(kind, form, values=values, **more))) is is_gap


@given(st.from_regex(r"[a-z]{3,12}_[a-z_]{3,30}", fullmatch=True), st.sampled_from(sorted(kinds().words)))
def test_a_name_that_speaks_of_rights_is_harmless_only_if_it_is_listed(name: str, word: str) -> None:
    """Patterns do not reach it: not at its end, and not after the name of a service."""
    listed = {one for family in kinds().families.values() for one in family.named}
    for kind in (f"{name}_{word}", f"aws_s3_{word}", f"google_compute_{word}_{name}", f"AWS::EC2::{word.title()}"):
        assert kind in listed or not is_harmless(kind)


@given(st.text(max_size=40))
def test_a_type_of_any_spelling_has_an_answer(kind: str) -> None:
    """Harmless or a gap, never both, and never an error."""
    assert len(list(not_understood([resource(kind)]))) == (not is_harmless(kind))
