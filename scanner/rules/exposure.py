"""Rules on credentials that the wrong people may hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from scanner.model import POWERFUL, Assessment, Credential, Exposure, PrivilegeLevel, Severity
from scanner.model.attributes import EXPOSED, FORMER_MEMBER, UNRESTRICTED
from scanner.rules.base import CredentialRule, Hit, IdentityRule, RuleContext, drifted_credential, is_live

# --- Where leaked keys are, and which to rotate first ---

MOST_PLACES = 5
"""Maximum number of places and committers that a finding names."""
LAST_TO_ROTATE = 5
_OF_PLACES = (
    "places", "more_places", "committers", "exposed_at", "verified", "public", "privilege", "rotation_priority",
)  # fmt: skip


def rotation_priority(
    level: PrivilegeLevel, exposures: Sequence[Exposure], *, is_live: bool, is_public: bool = False
) -> int:
    """Return when to rotate a leaked key: 1 is first, LAST_TO_ROTATE is a key that is disabled, expired or gone.

    ``level``: the privilege of its identity. ``is_public``: the provider found it in public. A key that was tried and
    works, or that anyone can read, comes before others.
    """
    certain = is_public or any(one.verified or one.public for one in exposures)
    if not is_live:
        return LAST_TO_ROTATE
    if level in POWERFUL:
        return 1 if certain else 2
    return 3 if certain or level in ("high", "unknown") else 4


def _places(exposures: Sequence[Exposure]) -> dict[str, Any]:
    """Return where and since when a key is exposed, and who committed it, as evidence."""
    places = sorted({one.place if one.commit is None else f"{one.place} in {one.commit[:12]}" for one in exposures})
    verified = {one.verified for one in exposures}
    facts = {
        "places": places[:MOST_PLACES],
        "more_places": len(places) - MOST_PLACES if len(places) > MOST_PLACES else None,
        "committers": sorted({one.committer for one in exposures if one.committer})[:MOST_PLACES] or None,
        "exposed_at": min((one.exposed_at for one in exposures if one.exposed_at is not None), default=None),
        "verified": True if True in verified else False if verified == {False} else None,
        "public": True if any(one.public for one in exposures) else None,
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def _severity(level: PrivilegeLevel) -> Severity:
    return "high" if level in ("normal", "unknown") else "critical"


# --- Credential was found in a public place ---


def _exposed_credential(credential: Credential, assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires if the provider or a secret scanner reports an exposure. The provider's description becomes evidence."""
    exposed, found = credential.attributes.get(EXPOSED), context.exposures.get(credential.key, ())
    by_provider = exposed is True or bool(exposed and isinstance(exposed, str))
    if not by_provider and not found:
        return None
    level = assessment.privilege.level
    facts: dict[str, Any] = {
        "kind": credential.kind,
        "id": credential.id,
        "created_at": credential.created_at,
        "where": exposed if isinstance(exposed, str) and exposed else None,
    }
    if found:
        priority = rotation_priority(level, found, is_live=True, is_public=by_provider)
        facts |= {**_places(found), "privilege": level, "rotation_priority": priority}
    return Hit(
        evidence={name: fact for name, fact in facts.items() if fact is not None},
        severity=None if by_provider else _severity(level),
    )


EXPOSED_CREDENTIAL = CredentialRule(
    id="exposed_credential",
    severity="critical",
    severity_note="high if only a secret scanner reports it, and the identity's privilege is normal or unknown",
    title="Credential is exposed",
    why="The provider found the credential's value in public, or a secret scanner found it in a repository. Attackers "
    "scan the same places and try such keys within minutes; everyone with a copy of the repository has the key.",
    remediation="Disable the credential at once and issue a new one; where several leaked, the lowest "
    "rotation_priority first. Check the audit log for its use since the exposure. Then remove the value from where it "
    "was found, including the version history.",
    evidence=("kind", "id", "created_at", "where", *_OF_PLACES),
    needs=frozenset({"credentials"}),
    on_last_known=True,
    check=_exposed_credential,
)


# --- Leaked key of an identity with keys that could not be checked ---


def may_hold_unlisted(assessment: Assessment, now: datetime) -> bool:
    """Return whether the identity may have a live key with an unknown id: unread keys, or those of a root user."""
    identity = assessment.identity
    if "credentials" in identity.unread or not assessment.rechecked:
        return True
    # AWS reports that a root user has keys, but not their ids.
    return identity.kind == "root" and any(
        one.kind == "access_key" and is_live(one, now) for one in identity.credentials
    )


def _exposed_identity(assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires if a leaked key names the identity and may be one of its keys, because their ids are not all known."""
    found = context.exposures.get(assessment.identity.key, ())
    may_work = bool(found) and may_hold_unlisted(assessment, context.now)
    possible = [one for one in found if may_work and one.verified is not False]
    if not possible:
        return None
    level = assessment.privilege.level
    ids = sorted({one.key_id for one in possible if one.key_id is not None})
    priority = rotation_priority(level, possible, is_live=True)
    return Hit(
        evidence={"ids": ids, **_places(possible), "privilege": level, "rotation_priority": priority},
        severity=None if _severity(level) == "high" else "critical",
    )


EXPOSED_IDENTITY = IdentityRule(
    id="exposed_identity",
    severity="high",
    severity_note="critical if the identity's privilege is high, admin or escalation",
    title="Leaked key of the identity may still work",
    why="A secret scanner found a key of this identity. Its keys could not be read, or are those of a root user, which "
    "AWS does not list, so whether the key still exists is unknown: it has to count as a working one.",
    remediation="Look the key up at the provider, disable it, and check the audit log for its use since the exposure. "
    "Let Muster read the identity's credentials, so that it can tell a rotated key from a live one.",
    evidence=("ids", *_OF_PLACES),
    needs=frozenset({"credentials"}),
    on_last_known=True,
    check=_exposed_identity,
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
    why="The account that holds or added the credential is no longer a member of the organization. A former member may "
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
    if identity.kind != "root":
        return None
    keys = sorted(key.id for key in identity.credentials if key.kind == "access_key" and context.live(key))
    return Hit(evidence={"access_keys": keys}) if keys else None


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
