"""Keys of Azure's identities and secrets, the same from every section that reads them."""

from __future__ import annotations

from urllib.parse import urlsplit

NIL_GUID = "00000000-0000-0000-0000-000000000000"
"""The empty id; in some lists of Azure it means everyone."""
_SYSTEM_ASSIGNED = "/providers/microsoft.managedidentity/identities/default"
_USER_ASSIGNED = "/providers/microsoft.managedidentity/userassignedidentities/"


def application_key(tenant: str, client_id: str) -> str:
    """An application and its service principal in the tenant, which share their client id (``appId``)."""
    return f"azure://{tenant.lower()}/applications/{client_id.lower()}"


def agent_identity_key(tenant: str, object_id: str) -> str:
    """An agent identity; it has no application of its own."""
    return f"azure://{tenant.lower()}/agentIdentities/{object_id.lower()}"


def agent_blueprint_key(tenant: str, client_id: str) -> str:
    """A blueprint of agent identities: application and principal in one."""
    return f"azure://{tenant.lower()}/agentBlueprints/{client_id.lower()}"


def agent_user_key(tenant: str, object_id: str) -> str:
    """The user account of an agent."""
    return f"azure://{tenant.lower()}/agentUsers/{object_id.lower()}"


def copilot_agent_key(tenant: str, environment: str, name: str) -> str:
    """An agent of Copilot Studio: its id is that of a row in its environment."""
    return f"azure://{tenant.lower()}/environments/{environment.lower()}/agents/{name.lower()}"


def managed_identity_key(arm_id: str) -> str:
    """A managed identity: the id of a user-assigned one, or that of the resource that has a system-assigned one."""
    key = arm_key(arm_id)
    return key if _USER_ASSIGNED in key or key.endswith(_SYSTEM_ASSIGNED) else key + _SYSTEM_ASSIGNED


def arm_key(arm_id: str) -> str:
    """The key of a resource. Azure varies the case of its id."""
    return arm_id.strip().rstrip("/").lower()


def arm_name(arm_id: str) -> str:
    """The bare name of a resource, and of the resource whose system-assigned identity that is, as written."""
    path = arm_id.strip().rstrip("/")
    if path.lower().endswith(_SYSTEM_ASSIGNED):
        path = path[: -len(_SYSTEM_ASSIGNED)]
    return path.rpartition("/")[2]


def subscription_of(arm_id: str) -> str | None:
    """The subscription's id in a resource's id; None without one."""
    parts = arm_id.strip("/").lower().split("/")
    return parts[1] if len(parts) > 1 and parts[0] == "subscriptions" and parts[1] else None


def vault_item_key(vault_uri: str, kind: str, name: str) -> str:
    """A secret, key or certificate (``kind``: secrets, keys, certificates) of a vault: its id without a version."""
    return f"https://{urlsplit(vault_uri).netloc.lower()}/{kind}/{name}"


_VAULT = "/providers/microsoft.keyvault/vaults/"


def secrets_in(resource: str) -> tuple[str, ...]:
    """Patterns of the keys of what a vault keeps; empty for an id of another type. The host of a vault has its name."""
    _, found, rest = resource.lower().partition(_VAULT)
    return (f"https://{rest.partition('/')[0]}.vault.*/*",) if found and rest else ()
