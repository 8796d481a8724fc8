"""What is said of Google Cloud's audit logs before one is read: permissions, and what they do not show."""

from __future__ import annotations

from connectors.logs import LogSpec

SPEC = LogSpec(
    name="gcp_audit",
    title="Google Cloud audit logs",
    provider="gcp",
    permissions=(
        "logging.logEntries.list",
        "logging.privateLogEntries.list",
        "logging.buckets.get",
        "resourcemanager.projects.get",
    ),
    is_live=True,
    blind_spots=(
        "Without data access logs: reads of configuration and all use of data, secrets and models included.",
        "Callers that Google redacts: where members of another organization read what is public.",
        "Projects that the sink does not cover, and filters of the sink; live, what is excluded from _Default.",
        "Use of keys outside of Google's APIs.",
    ),
    unlogged=(
        "storage:objects.*", "storage:*.get", "storage:*.list", "bigquery:tabledata.*", "pubsub:*", "spanner:*",
        "datastore:*", "firestore:*", "bigtable:*", "secretmanager:AccessSecretVersion", "cloudkms:*crypt",
        "cloudkms:AsymmetricSign", "aiplatform:*Predict*", "aiplatform:*GenerateContent*", "iamcredentials:*", "sts:*",
        "*:*.get", "*:*.list", "*:Get*", "*:List*", "*:Search*", "*:Query*",
    ),
)  # fmt: skip
