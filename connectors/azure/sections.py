"""The names of the connector's sections."""

from __future__ import annotations

TENANT = "entra.tenant"
SERVICE_PRINCIPALS, APPLICATIONS = "graph.service_principals", "graph.applications"
AGENT_IDENTITIES, AGENT_BLUEPRINTS = "graph.agent_identities", "graph.agent_blueprints"
AGENT_USERS, INHERITABLE = "graph.agent_users", "graph.inheritable_permissions"
COPILOT_AGENTS = "power_platform.agents"
OWNERS, FEDERATED_CREDENTIALS, DELETED = "graph.owners", "graph.federated_credentials", "graph.deleted"
DIRECTORY_ROLES, APP_PERMISSIONS = "graph.directory_roles", "graph.app_permissions"
DELEGATED_GRANTS, GROUP_MEMBERS = "graph.delegated_grants", "graph.group_members"
SIGN_INS, CREDENTIAL_USE = "graph.sign_ins", "graph.credential_use"
SUBSCRIPTIONS, MANAGEMENT_GROUPS = "arm.subscriptions", "arm.management_groups"
ROLE_ASSIGNMENTS, ROLE_DEFINITIONS, PRINCIPALS = "arm.role_assignments", "arm.role_definitions", "arm.principals"
DENY_ASSIGNMENTS = "arm.deny_assignments"
MANAGED_IDENTITIES, IDENTITY_FEDERATION = "arm.managed_identities", "arm.federated_credentials"
WORKLOADS = "arm.workloads"
VAULTS, SECRETS, KEYS, CERTIFICATES = "vault.vaults", "vault.secrets", "vault.keys", "vault.certificates"
