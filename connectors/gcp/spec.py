"""The spec of the connector for Google Cloud."""

from __future__ import annotations

from connectors.core.contract import Spec
from connectors.gcp.sections import KINDS, SECTIONS
from connectors.gcp.settings import GcpSettings
from scanner.model.providers import read_providers

SPEC = Spec(
    name="gcp",
    providers=read_providers("connectors.gcp", "gcp"),
    title="Google Cloud",
    settings=GcpSettings,
    kinds=KINDS,
    sections=SECTIONS,
    extra="gcp",
    entrances=("resourcemanager.projects",),
    records={
        "workload": tuple(one.name for one in SECTIONS if one.name.startswith("workloads.")),
        "assignment": ("iam.policies", "privilegedaccessmanager.entitlements"),
    },
    depends_on={
        "iam.service_account_keys": ("iam.service_accounts",),
        "iam.managed_identities": ("iam.workload_identity_pools",),
        "iam.roles": ("iam.policies",),
        "iam.deny_policies": ("iam.policies",),
        "agentidentity.authorizations": ("agentidentity.auth_providers",),
        "agentidentity.workloads": ("agentidentity.auth_providers",),
        "policyanalyzer.keys": ("iam.service_accounts",),
    },
)
