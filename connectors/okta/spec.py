"""The sections of the Okta connector, with the scope that each takes."""

from __future__ import annotations

from typing import Final

from connectors.core.contract import Section, Spec
from connectors.okta.settings import OktaSettings
from scanner.model import Rung
from scanner.model.providers import read_providers

SERVICE_APP, API_TOKEN, AGENT = "service_app", "api_token", "agent"
ORG, APPS, APP_CREDENTIALS, APP_RIGHTS = "org", "apps", "app_credentials", "app_rights"
TOKENS, AGENTS, AGENT_KEYS, CONNECTIONS, OWNERS = (
    "api_tokens",
    "ai_agents",
    "ai_agent_keys",
    "ai_connections",
    "ai_owners",
)
_RUNGS: Final[tuple[Rung, ...]] = ("key", "unique_id", "alias", "name", "glob")


def _section(
    name: str, title: str, without: str, *scopes: str, kinds: tuple[str, ...] = (), rungs: tuple[Rung, ...] = ()
) -> Section:
    return Section(name=name, title=title, permissions=scopes, without=without, kinds=kinds, rungs=rungs)


SPEC: Final = Spec(
    name="okta",
    title="Okta",
    settings=OktaSettings,
    kinds=(SERVICE_APP, API_TOKEN, AGENT),
    sections=(
        _section(
            ORG,
            "The organization",
            "nothing can be read",
            "okta.orgs.read",
            kinds=(SERVICE_APP, API_TOKEN, AGENT),
            rungs=(*_RUNGS, "credential"),
        ),
        _section(
            APPS, "Service apps", "service apps are not found", "okta.apps.read", kinds=(SERVICE_APP,), rungs=_RUNGS
        ),
        _section(
            APP_CREDENTIALS,
            "Secrets and keys of service apps, by id and date",
            "how many secrets and keys a service app has, and how old they are, is unknown",
            "okta.apps.read",
            rungs=("credential",),
        ),
        _section(
            APP_RIGHTS,
            "Roles and scopes of service apps",
            "what service apps may do is unknown",
            "okta.roles.read",
            "okta.appGrants.read",
        ),
        _section(
            TOKENS,
            "API tokens",
            "API tokens of people are not found",
            "okta.apiTokens.read",
            kinds=(API_TOKEN,),
            rungs=(*_RUNGS, "credential"),
        ),
        _section(AGENTS, "AI agents", "AI agents are not found", "okta.aiAgents.read", kinds=(AGENT,), rungs=_RUNGS),
        _section(
            AGENT_KEYS,
            "Keys of AI agents",
            "which keys AI agents sign in with is unknown",
            "okta.aiAgents.read",
            rungs=("credential",),
        ),
        _section(
            CONNECTIONS,
            "Connections of AI agents",
            "what AI agents are connected with is unknown",
            "okta.aiAgents.read",
        ),
        _section(
            OWNERS,
            "Owners of AI agents",
            "who owns AI agents is unknown",
            "okta.governance.resourceOwner.read",
        ),
    ),
    extra="okta",
    entrances=(ORG,),
    depends_on={
        APP_CREDENTIALS: (APPS,),
        APP_RIGHTS: (APPS,),
        AGENT_KEYS: (AGENTS,),
        CONNECTIONS: (AGENTS,),
        OWNERS: (AGENTS,),
    },
    providers=read_providers("connectors.okta", "okta"),
)
