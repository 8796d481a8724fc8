"""Rules on credentials that the wrong people may hold."""

from __future__ import annotations

from scanner.model import Assessment, Credential
from scanner.model.attributes import EXPOSED, FORMER_MEMBER, UNRESTRICTED
from scanner.rules.base import CredentialRule, Hit, IdentityRule, RuleContext, drifted_credential

# --- Credential was found in a public place ---


def _exposed_credential(credential: Credential, _assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if the provider reports an exposure. Its description becomes evidence."""
    exposed = credential.attributes.get(EXPOSED)
    if exposed is not True and not (exposed and isinstance(exposed, str)):
        return None
    facts = {
        "kind": credential.kind,
        "id": credential.id,
        "created_at": credential.created_at,
        "where": exposed if isinstance(exposed, str) else None,
    }
    return Hit(evidence={name: fact for name, fact in facts.items() if fact is not None})


EXPOSED_CREDENTIAL = CredentialRule(
    id="exposed_credential",
    severity="critical",
    title="Credential was found in a public place",
    why="The provider found the credential's value in public. Attackers scan the same places and try such keys within "
    "minutes.",
    remediation="Disable the credential at once and issue a new one. Check the audit log for its use since the "
    "exposure. Then remove the value from where it was found, including the version history.",
    evidence=("kind", "id", "created_at", "where"),
    needs=frozenset({"credentials"}),
    check=_exposed_credential,
)


# --- Credential of a former member ---


def _former_member_credential(credential: Credential, _assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if the account that holds or added it is known to be no member any more."""
    login = credential.attributes.get(FORMER_MEMBER)
    if not (login and isinstance(login, str)):
        return None
    facts = {
        "kind": credential.kind,
        "id": credential.id,
        "former_member": login,
        "created_at": credential.created_at,
        "last_used_at": credential.last_used_at,
    }
    return Hit(evidence={name: fact for name, fact in facts.items() if fact is not None})


FORMER_MEMBER_CREDENTIAL = CredentialRule(
    id="former_member_credential",
    severity="high",
    title="Credential belongs to a former member",
    why="The account that holds or added the credential is no longer a member of the organization. Whoever left may "
    "still have a copy, and it is not rotated.",
    remediation="Find out what uses the credential, replace it with one of a machine identity or a current member, and "
    "revoke it.",
    evidence=("kind", "id", "former_member", "created_at", "last_used_at"),
    needs=frozenset({"credentials"}),
    check=_former_member_credential,
)


# --- API key is not restricted ---


def _unrestricted_api_key(credential: Credential, _assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if the provider reports that the key has no restriction."""
    if credential.attributes.get(UNRESTRICTED) is not True:
        return None
    made = {"created_at": credential.created_at} if credential.created_at is not None else {}
    return Hit(evidence={"kind": credential.kind, "id": credential.id} | made)


UNRESTRICTED_API_KEY = CredentialRule(
    id="unrestricted_api_key",
    severity="medium",
    title="API key is not restricted",
    why="API keys are copied into web pages, apps and logs, and work for anyone who has the value. An unrestricted "
    "key can call every API that the project enables, now or later.",
    remediation="Restrict the key to the APIs that its application calls and to the hosts or apps that call them, or "
    "replace it with the application's own identity.",
    evidence=("kind", "id", "created_at"),
    silent_on=frozenset({"disabled"}),
    needs=frozenset({"credentials"}),
    on_plans=True,
    check=_unrestricted_api_key,
)


# --- Root user has an access key ---


def _root_access_key(assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires on a root user with an active access key, even if exempt."""
    identity = assessment.identity
    keys = sorted(key.id for key in identity.credentials if key.kind == "access_key" and context.live(key))
    if identity.kind != "root" or not keys:
        return None
    return Hit(evidence={"access_keys": keys})


ROOT_ACCESS_KEY = IdentityRule(
    id="root_access_key",
    severity="critical",
    title="Root user has an access key",
    why="The root user can do anything, and no policy limits it. An access key needs no second factor, so one leaked "
    "key compromises the whole account.",
    remediation="Find the consumers of the key and move them to a role. Then sign in as root and delete the key. In "
    "an organization, manage root access centrally and remove root credentials from member accounts.",
    evidence=("access_keys",),
    needs=frozenset({"credentials"}),
    check=_root_access_key,
)


# --- Credential is not in the registry entry ---


def _undeclared_credential(credential: Credential, assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if the entry lists credentials, but not the id or kind of this one."""
    return drifted_credential(credential, assessment, "credential_id", "credential_kind")


UNDECLARED_CREDENTIAL = CredentialRule(
    id="undeclared_credential",
    severity="medium",
    severity_note="high for an admin, or an identity that can make itself one",
    title="Credential is not in the registry entry",
    why="An extra credential on a registered identity is a common way to persist: the identity looks approved, and "
    "the credential's creator can act as it.",
    remediation="Find out who created the credential and what uses it. If it is legitimate, add its id or kind to the "
    "entry. Otherwise disable it and review its activity.",
    evidence=("kind", "id", "created_at", "entry", "declared"),
    silent_on=frozenset({"provider_managed"}),
    needs=frozenset({"credentials"}),
    check=_undeclared_credential,
)


# --- Account is shared by a person and a machine ---


def _person_with_keys(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if there are signals of a human and of a machine."""
    verdict = assessment.nature
    if verdict.verdict != "mixed":
        return None
    return Hit(evidence={"signals": sorted(f"{signal.says}: {signal.evidence}" for signal in verdict.signals)})


PERSON_WITH_KEYS = IdentityRule(
    id="person_with_keys",
    severity="medium",
    title="Account is shared by a person and a machine",
    why="Audit logs cannot separate the person's actions from the machine's. The keys carry all of the person's "
    "rights. When the person leaves, the machine stops or the account stays.",
    remediation="Create a separate identity for the machine with the permissions it needs and move the consumers of "
    "the keys to it. Then delete the person's keys, or the service account's interactive login.",
    evidence=("signals",),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"credentials", "use"}),
    on_plans=True,
    check=_person_with_keys,
)
