"""Rules on credentials that the wrong people may hold."""

from __future__ import annotations

from scanner.model import Assessment, Credential
from scanner.model.attributes import EXPOSED, UNRESTRICTED
from scanner.rules.base import CredentialRule, Hit, IdentityRule, Yardstick, drifted_credential

# --- The provider itself has found a credential in the open ---


def _exposed_credential(credential: Credential, _assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the provider says so, with its words if it has any."""
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
    title="A credential was found in the open",
    why="The provider came across its value in a public place, and so has anybody who looks there. Such keys are tried "
    "within minutes.",
    remediation="Disable it at once, make a new one for whatever needs it, and look in the audit log for what it was "
    "used for since it was exposed; then remove it from where it was found, history included.",
    evidence=("kind", "id", "created_at", "where"),
    needs=frozenset({"credentials"}),
    check=_exposed_credential,
)


# --- An API key opens whatever its project has switched on ---


def _unrestricted_api_key(credential: Credential, _assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the provider says that nothing limits what it is for."""
    if credential.attributes.get(UNRESTRICTED) is not True:
        return None
    made = {"created_at": credential.created_at} if credential.created_at is not None else {}
    return Hit(evidence={"kind": credential.kind, "id": credential.id} | made)


UNRESTRICTED_API_KEY = CredentialRule(
    id="unrestricted_api_key",
    severity="medium",
    title="An API key is not limited to what it is for",
    why="Keys of this sort travel in pages, apps and logs, and nothing else is asked of whoever shows one. One that is "
    "limited to no interface opens all of them, also those that are switched on tomorrow.",
    remediation="Limit it to the interfaces that its application calls and to the hosts or apps that call them, or "
    "replace it by the application's own identity.",
    evidence=("kind", "id", "created_at"),
    silent_on=frozenset({"disabled"}),
    needs=frozenset({"credentials"}),
    check=_unrestricted_api_key,
)


# --- An account's root has an access key ---


def _root_access_key(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires on a root with an active access key, whoever else it is exempt as."""
    identity = assessment.identity
    keys = sorted(key.id for key in identity.credentials if key.kind == "access_key" and by.live(key))
    if identity.kind != "root" or not keys:
        return None
    return Hit(evidence={"access_keys": keys})


ROOT_ACCESS_KEY = IdentityRule(
    id="root_access_key",
    severity="critical",
    title="The account's root has an access key",
    why="Root can do anything, no policy limits it, and a key needs no second factor: one leaked line is the whole "
    "account.",
    remediation="Find what uses the key, give that a role of its own, then sign in as root and delete the key. In an "
    "organization, manage root access centrally and remove root credentials from member accounts.",
    evidence=("access_keys",),
    needs=frozenset({"credentials"}),
    check=_root_access_key,
)


# --- A declared identity has a credential that its entry does not know ---


def _undeclared_credential(credential: Credential, assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the entry lists credentials, and this one neither by its id nor by its kind."""
    return drifted_credential(credential, assessment, "credential_id", "credential_kind")


UNDECLARED_CREDENTIAL = CredentialRule(
    id="undeclared_credential",
    severity="medium",
    severity_note="high where the identity is an admin or can make itself one",
    title="The registry does not know this credential",
    why="A second key on a declared identity is a quiet way to stay: the identity looks in order, and whoever made the "
    "key can act as it.",
    remediation="Find out who made it and what uses it. If nobody knows, disable it and look at what it did; else "
    "write its id or kind into the entry.",
    evidence=("kind", "id", "created_at", "entry", "declared"),
    silent_on=frozenset({"provider_managed"}),
    needs=frozenset({"credentials"}),
    check=_undeclared_credential,
)


# --- One account serves a person and a machine ---


def _person_with_keys(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where signals of a human and of a machine stand side by side."""
    verdict = assessment.nature
    if verdict.verdict != "mixed":
        return None
    return Hit(evidence={"signals": sorted(f"{signal.says}: {signal.evidence}" for signal in verdict.signals)})


PERSON_WITH_KEYS = IdentityRule(
    id="person_with_keys",
    severity="medium",
    title="One account serves a person and a machine",
    why="What the machine does cannot be told from what the person does, the keys carry all of the person's rights, "
    "and when the person leaves, something breaks or the account stays.",
    remediation="Give the machine an identity of its own with the few rights it needs, move the keys' consumers to it, "
    "then delete the person's keys (or the service account's interactive login).",
    evidence=("signals",),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"credentials", "use"}),
    check=_person_with_keys,
)
