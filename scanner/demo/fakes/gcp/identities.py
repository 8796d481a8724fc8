"""Rows for identities other than service accounts, and for keys, in the form of the APIs.

Names have the project's number where those of the API do. Given fields override the defaults.
"""

from __future__ import annotations

from typing import Any

from scanner.demo.fakes.gcp.cloud import CREATED, Cloud, Row, digits

FOREVER = "9999-12-31T23:59:59Z"


def add_key(cloud: Cloud, project: str, account: str, key: str, **fields: Any) -> Row:
    """A key of a service account, by the local part of its e-mail; user-managed, and never expires by default."""
    email = account if "@" in account else f"{account}@{project}.iam.gserviceaccount.com"
    collection = f"projects/{project}/serviceAccounts/{email}/keys"
    row = {
        "name": f"{collection}/{key}",
        "keyType": "USER_MANAGED",
        "keyOrigin": "GOOGLE_PROVIDED",
        "keyAlgorithm": "KEY_ALG_RSA_2048",
        "validAfterTime": "2024-01-01T00:00:00Z",
        "validBeforeTime": FOREVER,
    }
    return cloud.add(collection, row | fields)


def add_hmac_key(cloud: Cloud, project: str, account: str, access_id: str, **fields: Any) -> Row:
    """An HMAC key of a service account."""
    email = account if "@" in account else f"{account}@{project}.iam.gserviceaccount.com"
    row = {
        "kind": "storage#hmacKeyMetadata",
        "id": f"{project}/{access_id}",
        "accessId": access_id,
        "projectId": project,
        "serviceAccountEmail": email,
        "state": "ACTIVE",
        "timeCreated": "2023-05-05T10:00:00.000Z",
        "updated": "2023-05-05T10:00:00.000Z",
    }
    return cloud.add(f"projects/{project}/hmacKeys", row | fields)


def add_api_key(cloud: Cloud, project: str, uid: str, display_name: str = "maps", **fields: Any) -> Row:
    """An API key. Without ``restrictions``, it is valid for all APIs."""
    name = f"{_numbered(cloud, project)}/locations/global/keys/{uid}"
    row = {"name": name, "uid": uid, "displayName": display_name, "createTime": CREATED, "updateTime": CREATED}
    return cloud.add(f"projects/{project}/locations/global/keys", row | {"etag": 'W/"x"'} | fields)


def add_pool(cloud: Cloud, project: str, pool: str, **fields: Any) -> str:
    """A workload identity pool. Returns its name, with the project's number."""
    name = f"{_numbered(cloud, project)}/locations/global/workloadIdentityPools/{pool}"
    row = {"name": name, "state": "ACTIVE", "mode": "FEDERATION_ONLY"}
    cloud.add(f"projects/{project}/locations/global/workloadIdentityPools", row | fields)
    return name


def add_provider(cloud: Cloud, project: str, pool: str, provider: str, issuer: str, **fields: Any) -> Row:
    """An OIDC provider of a pool."""
    collection = f"locations/global/workloadIdentityPools/{pool}/providers"
    row = {
        "name": f"{_numbered(cloud, project)}/{collection}/{provider}",
        "state": "ACTIVE",
        "oidc": {"issuerUri": issuer},
        "attributeMapping": {"google.subject": "assertion.sub"},
    }
    return cloud.add(f"projects/{project}/{collection}", row | fields)


def add_managed_identity(cloud: Cloud, project: str, pool: str, namespace: str, name: str, **fields: Any) -> Row:
    """A managed identity of a trust domain, and its namespace if it does not exist."""
    within = f"locations/global/workloadIdentityPools/{pool}/namespaces"
    spaces = cloud.rows[f"projects/{project}/{within}"]
    space = f"{_numbered(cloud, project)}/{within}/{namespace}"
    if space not in {row["name"] for row in spaces}:
        spaces.append({"name": space, "state": "ACTIVE"})
    row = {"name": f"{space}/managedIdentities/{name}", "state": "ACTIVE"}
    return cloud.add(f"projects/{project}/{within}/{namespace}/managedIdentities", row | fields)


def add_engine(cloud: Cloud, project: str, location: str, display_name: str, **fields: Any) -> str:
    """An agent engine. Returns its name, with the project's number."""
    collection = f"locations/{location}/reasoningEngines"
    name = f"{_numbered(cloud, project)}/{collection}/{digits(display_name, 19)}"
    row = {"name": name, "displayName": display_name, "createTime": CREATED, "spec": {"agentFramework": "google-adk"}}
    cloud.add(f"projects/{project}/{collection}", row | fields)
    return name


def add_registered(cloud: Cloud, project: str, location: str, collection: str, name: str, **fields: Any) -> Row:
    """A registered agent (collection ``agents``) or MCP server (``mcpServers``)."""
    own = "agentId" if collection == "agents" else "mcpServerId"
    row = {
        "name": f"projects/{project}/locations/{location}/{collection}/{name}",
        own: f"urn:{'agent' if collection == 'agents' else 'mcp'}:{name}",
        "displayName": name,
        "createTime": CREATED,
    }
    return cloud.add(f"projects/{project}/locations/{location}/{collection}", row | fields)


def add_auth_provider(cloud: Cloud, project: str, location: str, name: str, **fields: Any) -> Row:
    """A credential that Google stores for agents, without its value."""
    collection = f"projects/{project}/locations/{location}/authProviders"
    row = {"name": f"{collection}/{name}", "state": "ENABLED", "createTime": CREATED}
    return cloud.add(collection, row | {"authProviderTypeParams": {"apiKey": {}}} | fields)


def add_authorization(cloud: Cloud, provider: str, person: str, *scopes: str, **fields: Any) -> Row:
    """The consent of a person to a credential for agents, by the credential's name."""
    collection = f"{provider}/authorizations"
    row = {"name": f"{collection}/{digits(person, 12)}", "clientUserId": person, "scopes": list(scopes)}
    return cloud.add(collection, row | {"state": "ACTIVE", "createTime": CREATED, "updateTime": CREATED} | fields)


def add_access(cloud: Cloud, provider: str, workload: str, person: str, last: str, **fields: Any) -> Row:
    """What an agent did for a person with a credential for agents. ``workload``: its SPIFFE id."""
    collection = f"{provider.partition('/authProviders/')[0]}/accessSummaries"
    row = {
        "name": f"{collection}/{digits(provider + workload + person, 12)}",
        "userId": person,
        "workloadId": workload,
        "authProvider": provider,
        "authProviderType": "AUTH_PROVIDER_TYPE_THREE_LEGGED_OAUTH",
        "firstAccessTime": CREATED,
        "lastAccessTime": last,
    }
    return cloud.add(collection, row | fields)


def add_oauth_client(cloud: Cloud, project: str, name: str, **fields: Any) -> Row:
    """An OAuth client."""
    collection = f"projects/{project}/locations/global/oauthClients"
    row = {
        "name": f"{collection}/{name}",
        "state": "ACTIVE",
        "clientId": digits(name, 20),
        "clientType": "CONFIDENTIAL_CLIENT",
        "allowedScopes": ["openid"],
    }
    return cloud.add(collection, row | fields)


def _numbered(cloud: Cloud, project: str) -> str:
    """``projects/NUMBER``."""
    name: str = cloud.projects[project]["name"]
    return name
