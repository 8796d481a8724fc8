"""Rules on the age and use of credentials."""

from __future__ import annotations

from datetime import timedelta

from scanner.model import ROTATED, Assessment, Credential, CredentialKind, StoredSecret
from scanner.rules.base import (
    CredentialRule,
    ExpiredCredentialRule,
    Hit,
    IdentityRule,
    SecretRule,
    Yardstick,
    drifted_credential,
    is_powerful,
)

# --- A credential has expired and is still there ---

# Tokens, secret ids and delegated access go away by themselves once they have ended.
_KEPT: frozenset[CredentialKind] = frozenset(
    {"access_key", "password", "client_secret", "certificate", "api_key", "ssh_key", "service_specific"}
)


def _credential_expired(credential: Credential, assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires where it had ended already when the provider was looked at, and was listed there."""
    ended = by.past(credential.expires_at, 0, until=assessment.identity.observed_at)
    if not ended or credential.kind not in _KEPT or credential.key in by.not_listed:
        return None
    return Hit(evidence={"kind": credential.kind, "id": credential.id, "expires_at": credential.expires_at})


CREDENTIAL_EXPIRED = ExpiredCredentialRule(
    id="credential_expired",
    severity="low",
    title="A credential has expired and is still there",
    why="It opens nothing any more, and hides among what does. What used it has stopped, or has another credential "
    "that somebody should know of.",
    remediation="Remove it. If a workload still needs one, its owner makes a new one, or better lets it federate, "
    "which leaves nothing to expire.",
    evidence=("kind", "id", "expires_at"),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"credentials"}),
    check=_credential_expired,
)


# --- A credential is made to live longer than the policy allows ---


def _credential_lives_too_long(credential: Credential, assessment: Assessment, by: Yardstick) -> Hit | None:  # noqa: ARG001  # one shape for all
    """Fires where both ends of its life are known and lie too far apart."""
    if credential.created_at is None or credential.expires_at is None:
        return None
    if credential.expires_at - credential.created_at <= timedelta(days=by.policy.max_lifetime):
        return None
    return Hit(
        evidence={
            "kind": credential.kind,
            "id": credential.id,
            "created_at": credential.created_at,
            "expires_at": credential.expires_at,
            "limit_days": by.policy.max_lifetime,
        }
    )


CREDENTIAL_LIVES_TOO_LONG = CredentialRule(
    id="credential_lives_too_long",
    severity="low",
    title="A credential is valid for too long",
    why="An expiry date years ahead protects nobody: whoever steals the credential has all that time.",
    remediation="Issue a new one with a shorter life, set the same limit where such credentials are issued, and let "
    "the consumer renew it by itself.",
    evidence=("kind", "id", "created_at", "expires_at", "limit_days"),
    thresholds=("max_lifetime",),
    silent_on=frozenset({"provider_managed"}),
    needs=frozenset({"credentials"}),
    check=_credential_lives_too_long,
)


# --- A credential was made and never used ---


def _credential_never_used(credential: Credential, assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires after the window, and only where the record of use reaches back to its creation."""
    days = by.policy.dormant_credential
    tracked, until = credential.use_tracked_days, assessment.identity.observed_at
    if credential.last_used_at is not None or tracked is None or not by.past(credential.created_at, days, until=until):
        return None
    if by.past(credential.created_at, tracked, until=until):
        return None
    return Hit(
        evidence={"kind": credential.kind, "id": credential.id, "created_at": credential.created_at, "limit_days": days}
    )


CREDENTIAL_NEVER_USED = CredentialRule(
    id="credential_never_used",
    severity="medium",
    title="A credential has never been used",
    why="It works, nobody needs it, and nobody would notice if somebody else began to use it.",
    remediation="Disable it today and delete it after a week without complaints; make a new one when there is a need.",
    evidence=("kind", "id", "created_at", "limit_days"),
    thresholds=("dormant_credential",),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"credentials", "use"}),
    check=_credential_never_used,
)


# --- A credential is older than its own entry allows ---


def _credential_older_than_declared(credential: Credential, assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the entry sets an age of its own and the credential is past it."""
    return drifted_credential(credential, assessment, "credential_age")


CREDENTIAL_OLDER_THAN_DECLARED = CredentialRule(
    id="credential_older_than_declared",
    severity="medium",
    severity_note="high where the identity is an admin or can make itself one",
    title="A credential is older than its entry allows",
    why="Whoever declared the identity promised to rotate its credentials, and may have got it approved for that. The "
    "longer a secret lives, the more copies of it there are.",
    remediation="Rotate it: make a second credential, move every consumer to it, watch the old one's last use stand "
    "still, then disable and delete it.",
    evidence=("kind", "id", "created_at", "entry", "declared"),
    silent_on=frozenset({"provider_managed"}),
    needs=frozenset({"credentials"}),
    check=_credential_older_than_declared,
)


# --- A long-lived credential was not rotated in time ---


def _credential_too_old(credential: Credential, assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires past the policy's limit; where the entry sets one, ``credential_older_than_declared`` goes by that."""
    entry = by.entry_of(assessment)
    days = by.policy.rotation
    if entry is not None and entry.entry.max_credential_age is not None:
        return None
    if credential.kind not in ROTATED or not by.past(credential.created_at, days):
        return None
    return Hit(
        evidence={
            "kind": credential.kind,
            "id": credential.id,
            "created_at": credential.created_at,
            "limit_days": days,
        },
        severity="high" if is_powerful(assessment) else None,
    )


CREDENTIAL_TOO_OLD = CredentialRule(
    id="credential_too_old",
    severity="medium",
    severity_note="high where the identity is an admin or can make itself one",
    title="A credential is overdue for rotation",
    why="The longer a secret lives, the more copies of it there are, and the longer a thief can use one unnoticed.",
    remediation="Make a second credential, move every consumer to it, watch the old one's last use stand still, then "
    "disable and delete it. Better: replace it by federation or a role, which have nothing to rotate.",
    evidence=("kind", "id", "created_at", "limit_days"),
    thresholds=("rotation",),
    silent_on=frozenset({"provider_managed"}),
    needs=frozenset({"credentials"}),
    check=_credential_too_old,
)


# --- A credential is no longer used ---


def _credential_unused(credential: Credential, assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires where the last use lies before the window, and the record of use covers all of the window."""
    days = by.policy.dormant_credential
    covers_window = credential.use_tracked_days is not None and credential.use_tracked_days >= days
    if not covers_window or not by.past(credential.last_used_at, days, until=assessment.identity.observed_at):
        return None
    return Hit(
        evidence={
            "kind": credential.kind,
            "id": credential.id,
            "last_used_at": credential.last_used_at,
            "limit_days": days,
        }
    )


CREDENTIAL_UNUSED = CredentialRule(
    id="credential_unused",
    severity="medium",
    title="A credential is no longer used",
    why="What used it is gone, and the credential still opens the door. Copies of it live on in old configurations, "
    "images and laptops.",
    remediation="Disable it today and delete it after a week without complaints.",
    evidence=("kind", "id", "last_used_at", "limit_days"),
    thresholds=("dormant_credential",),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"credentials", "use"}),
    check=_credential_unused,
)


# --- An identity keeps two access keys alive ---


def _two_active_keys(assessment: Assessment, by: Yardstick) -> Hit | None:
    """Fires on two and more active access keys."""
    keys = sorted(key.id for key in assessment.identity.credentials if key.kind == "access_key" and by.live(key))
    return Hit(evidence={"access_keys": keys}) if len(keys) > 1 else None


TWO_ACTIVE_KEYS = IdentityRule(
    id="two_active_keys",
    severity="low",
    title="It has more than one active access key",
    why="A second key is for the hours of a rotation. When it stays, there is twice as much to leak, and a rotation of "
    "one leaves the other.",
    remediation="Compare when each was last used, move what uses the older one, then disable and delete it.",
    evidence=("access_keys",),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"credentials"}),
    check=_two_active_keys,
)


# --- A credential that could end by itself was made to live for ever ---

# Only what its provider can give an end: access keys and passwords have none by nature.
_EXPIRING: frozenset[CredentialKind] = frozenset({"token", "secret_id", "api_key", "client_secret", "service_specific"})


def _token_never_expires(credential: Credential, assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the provider says that it never expires."""
    if not credential.never_expires or credential.kind not in _EXPIRING:
        return None
    made = {"created_at": credential.created_at} if credential.created_at is not None else {}
    return Hit(
        evidence={"kind": credential.kind, "id": credential.id} | made,
        severity="high" if is_powerful(assessment) else None,
    )


TOKEN_NEVER_EXPIRES = CredentialRule(
    id="token_never_expires",
    severity="medium",
    severity_note="high where the identity is an admin or can make itself one",
    title="A credential never expires",
    why="If it leaks, it works until somebody finds out. An end date limits the harm of every leak, also of those that "
    "nobody notices.",
    remediation="Issue a new one with an end (hours for tokens, at most the rotation period for secrets), move its "
    "consumers, then revoke this one; set a limit where such credentials are issued.",
    evidence=("kind", "id", "created_at"),
    silent_on=frozenset({"provider_managed"}),
    needs=frozenset({"credentials"}),
    check=_token_never_expires,
)


# --- A stored secret keeps its value for too long ---


def _stale_secret(secret: StoredSecret, by: Yardstick) -> Hit | None:
    """Fires where the value is older than the policy allows; one never rotated is as old as the secret."""
    days = by.policy.rotation
    written = "created_at" if secret.rotated_at is None else "rotated_at"
    moment = secret.created_at if secret.rotated_at is None else secret.rotated_at
    if not by.past(moment, days):
        return None
    return Hit(evidence={"name": secret.name, written: moment, "limit_days": days})


STALE_SECRET = SecretRule(
    id="stale_secret",
    severity="low",
    title="A stored secret has not been rotated",
    why="A secrets manager protects a value only while it is new enough that old copies of it open nothing.",
    remediation="Turn on automatic rotation, or rotate it together with whatever it opens; delete it if nothing reads "
    "it.",
    evidence=("name", "created_at", "rotated_at", "limit_days"),
    thresholds=("rotation",),
    check=_stale_secret,
)
