"""A company with identities of every sort and every trap about them, for the tests of how they are read."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.core.contract import DiscoveredRecord
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.identities import (
    add_access,
    add_api_key,
    add_auth_provider,
    add_authorization,
    add_engine,
    add_hmac_key,
    add_key,
    add_managed_identity,
    add_oauth_client,
    add_pool,
    add_provider,
    add_registered,
)
from scanner.model import Coverage, Credential, Identity
from tests.connectors.gcp.conftest import Place

AT = "europe-west1"
PROD, DEV = "acme-prod", "acme-dev"
BILLING = "billing@acme-prod.iam.gserviceaccount.com"
DEFAULT = "1111-compute@developer.gserviceaccount.com"
APP_ENGINE = "acme-dev@appspot.gserviceaccount.com"
BUILDER = "builder@acme-dev.iam.gserviceaccount.com"
GITHUB = "https://token.actions.githubusercontent.com"
TRUST_DOMAIN = "agents.global.org-123456789012.system.id.goog"
EXPOSED = "SERVICE_ACCOUNT_KEY_EXTENDED_STATUS_KEY_EXPOSED"


def key_of(email: str, project: str = PROD) -> str:
    return f"//iam.googleapis.com/projects/{project}/serviceAccounts/{email}"


def identities_in(records: Iterable[DiscoveredRecord]) -> dict[str, Identity]:
    """By key."""
    return {one.key: one for one in records if isinstance(one, Identity)}


def coverage_in(records: Iterable[DiscoveredRecord]) -> dict[tuple[str, str], Coverage]:
    """By scope and section."""
    return {(one.scope, one.section): one for one in records if isinstance(one, Coverage)}


def credentials_of(identity: Identity) -> dict[str, Credential]:
    """By id."""
    return {one.id: one for one in identity.credentials}


def named(identities: dict[str, Identity], name: str) -> Identity:
    """The first of that name."""
    return next(one for one in identities.values() if one.name == name)


def without_bulk(place: Place) -> Place:
    """The same with Cloud Asset denied everywhere."""
    place.cloud.faults.deny(api="cloudasset")
    return place


def company() -> Cloud:
    """An organisation with a folder and two projects."""
    cloud = Cloud()
    organization = cloud.add_organization("123456789012")
    cloud.add_folder("456", organization)
    cloud.add_project(PROD, "1111", "folders/456", labels={"owner": "ada", "env": "prod"})
    cloud.add_project(DEV, "2222", organization)
    cloud.add_account(PROD, "billing", displayName="Billing", description="nightly invoices, ask ada@example.com")
    cloud.add_account(PROD, "1111-compute", email=DEFAULT)
    cloud.add_account(DEV, "builder", disabled=True)
    cloud.add_account(DEV, "acme-dev", email=APP_ENGINE)
    _keys(cloud)
    _pools(cloud)
    _agents(cloud)
    return cloud


def _keys(cloud: Cloud) -> None:
    add_key(cloud, PROD, "billing", "0001")
    add_key(cloud, PROD, "billing", "0002", keyOrigin="USER_PROVIDED", validBeforeTime="2026-12-31T00:00:00Z")
    add_key(cloud, PROD, "billing", "0003", keyType="SYSTEM_MANAGED", validBeforeTime="2026-12-01T00:00:00Z")
    add_key(cloud, PROD, DEFAULT, "0004", extendedStatus=[{"key": EXPOSED, "value": "https://github.com/acme/app"}])
    add_key(
        cloud, DEV, "builder", "0005", disabled=True, disableReason="SERVICE_ACCOUNT_KEY_DISABLE_REASON_USER_INITIATED"
    )
    add_hmac_key(cloud, PROD, "billing", "GOOG1EBILLING")
    add_hmac_key(cloud, PROD, "billing", "GOOG1EOLD", state="DELETED")
    add_hmac_key(cloud, DEV, "builder", "GOOG1EBUILDER", state="INACTIVE")
    add_hmac_key(cloud, DEV, "vanished", "GOOG1EGONE")
    add_api_key(cloud, PROD, "open-key", "do everything")
    add_api_key(cloud, PROD, "bound-key", "as billing", serviceAccountEmail=BILLING)
    add_api_key(
        cloud,
        DEV,
        "web-key",
        "Browser key (auto created by Firebase)",
        restrictions={
            "browserKeyRestrictions": {"allowedReferrers": ["example.com/*"]},
            "apiTargets": [{"service": "generativelanguage.googleapis.com"}],
        },
    )


def _pools(cloud: Cloud) -> None:
    add_pool(cloud, PROD, "ci")
    add_provider(cloud, PROD, "ci", "github", GITHUB)
    guarded = {"attributeCondition": 'assertion.repository_owner == "acme"'}
    add_provider(cloud, PROD, "ci", "guarded", GITHUB, **guarded)
    add_pool(cloud, DEV, "old", disabled=True)
    add_provider(cloud, DEV, "old", "gitlab", "https://gitlab.com")
    add_pool(cloud, PROD, "acme-prod.svc.id.goog", mode="SYSTEM_TRUST_DOMAIN")
    add_pool(cloud, PROD, "mesh", mode="TRUST_DOMAIN")
    add_managed_identity(cloud, PROD, "mesh", "shop", "cart", description="carts")
    add_managed_identity(cloud, PROD, "mesh", "shop", "till", disabled=True)


def _agents(cloud: Cloud) -> None:
    own = add_engine(cloud, PROD, AT, "support")
    domain = "agents.global.123456789012.system.id.goog"
    row = cloud.rows[f"projects/{PROD}/locations/{AT}/reasoningEngines"][-1]
    row["spec"] |= {
        "identityType": "AGENT_IDENTITY",
        "effectiveIdentity": f"{domain}/resources/aiplatform/{own}",
    }
    row["labels"] = {"team": "care"}
    add_engine(cloud, PROD, AT, "invoices", spec={"serviceAccount": BILLING})
    add_engine(cloud, DEV, AT, "tinkering")
    system = "agentregistry.googleapis.com/system/"
    add_registered(
        cloud,
        PROD,
        AT,
        "agents",
        "support",
        attributes={f"{system}RuntimeReference": {"uri": f"//aiplatform.googleapis.com/{own}"}},
    )
    add_registered(
        cloud,
        PROD,
        AT,
        "agents",
        "elsewhere",
        attributes={f"{system}RuntimeIdentity": {"principal": f"principal://iam.googleapis.com/sa/{BILLING}"}},
    )
    add_registered(cloud, PROD, AT, "mcpServers", "tickets")
    params = {"twoLeggedOauth": {"clientId": "c-1", "tokenUrl": "https://login.example.com/token"}}
    add_auth_provider(cloud, PROD, AT, "crm", authProviderTypeParams=params, labels={"team": "care"})
    add_auth_provider(cloud, PROD, AT, "maps")
    add_auth_provider(cloud, PROD, AT, "undone", deleted=True)
    calendar = add_auth_provider(
        cloud, PROD, AT, "calendar", authProviderTypeParams={"threeLeggedOauth": {"clientId": "c-2"}}
    )["name"]
    add_authorization(cloud, calendar, "ann@acme.example", "calendar.read")
    add_authorization(cloud, calendar, "ben@acme.example", "calendar.read", "calendar.write", state="SUSPENDED")
    for person, last in (("ann@acme.example", "2026-11-20T10:00:00Z"), ("ben@acme.example", "2026-10-01T08:00:00Z")):
        add_access(cloud, calendar, f"spiffe://{domain}/resources/aiplatform/{own}", person, last)
    add_access(
        cloud, calendar, "spiffe://acme-prod.svc.id.goog/ns/shop/sa/cart", "ann@acme.example", "2026-09-01T08:00:00Z"
    )
    add_oauth_client(cloud, PROD, "portal", displayName="Portal")
