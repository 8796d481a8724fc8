"""Rules about the age and use of credentials."""

from __future__ import annotations

from datetime import timedelta

from scanner.model import ROTATED, Assessment, Credential, CredentialKind, StoredSecret
from scanner.rules.base import (
    CredentialRule,
    ExpiredCredentialRule,
    Hit,
    IdentityRule,
    RuleContext,
    SecretRule,
    drifted_credential,
    is_powerful,
)

# --- Expired credential has not been removed ---

# Providers remove tokens, secret ids and delegated access when they expire.
_KEPT: frozenset[CredentialKind] = frozenset(
    {"access_key", "password", "client_secret", "certificate", "api_key", "ssh_key", "service_specific"}
)


def _credential_expired(credential: Credential, assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires if the credential was listed and had expired when the provider was read."""
    ended = context.past(credential.expires_at, 0, until=assessment.identity.observed_at)
    if not ended or credential.kind not in _KEPT or credential.key in context.not_listed:
        return None
    return Hit(evidence={"kind": credential.kind, "id": credential.id, "expires_at": credential.expires_at})


CREDENTIAL_EXPIRED = ExpiredCredentialRule(
    id="credential_expired",
    severity="low",
    title="Expired credential has not been removed",
    why="An expired credential cannot be used, but it hides the ones that can. Its workload has stopped, or uses "
    "another credential that should be in the registry.",
    remediation="Delete the credential. If a workload still needs access, issue a new one or, better, use federation, "
    "which stores no secret.",
    evidence=("kind", "id", "expires_at"),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"credentials"}),
    check=_credential_expired,
)


# --- Credential lifetime exceeds the limit ---


def _credential_lives_too_long(credential: Credential, assessment: Assessment, context: RuleContext) -> Hit | None:  # noqa: ARG001  # all checks have the same signature
    """Fires if creation and expiry are known and lie too far apart."""
    if credential.created_at is None or credential.expires_at is None:
        return None
    if credential.expires_at - credential.created_at <= timedelta(days=context.policy.max_lifetime):
        return None
    return Hit(
        evidence={
            "kind": credential.kind,
            "id": credential.id,
            "created_at": credential.created_at,
            "expires_at": credential.expires_at,
            "limit_days": context.policy.max_lifetime,
        }
    )


CREDENTIAL_LIVES_TOO_LONG = CredentialRule(
    id="credential_lives_too_long",
    severity="low",
    title="Credential lifetime exceeds the limit",
    why="A stolen credential works until it expires. A lifetime of years gives an attacker years.",
    remediation="Issue a new credential with a shorter lifetime and renew it automatically. Enforce the limit where "
    "such credentials are issued.",
    evidence=("kind", "id", "created_at", "expires_at", "limit_days"),
    thresholds=("max_lifetime",),
    silent_on=frozenset({"provider_managed"}),
    needs=frozenset({"credentials"}),
    check=_credential_lives_too_long,
)


# --- Credential has never been used ---


def _credential_never_used(credential: Credential, assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires after the window, and only if the record of use reaches back to the creation."""
    days = context.policy.dormant_credential
    tracked, until = credential.use_tracked_days, assessment.identity.observed_at
    if (
        credential.last_used_at is not None
        or tracked is None
        or not context.past(credential.created_at, days, until=until)
    ):
        return None
    if context.past(credential.created_at, tracked, until=until):
        return None
    return Hit(
        evidence={"kind": credential.kind, "id": credential.id, "created_at": credential.created_at, "limit_days": days}
    )


CREDENTIAL_NEVER_USED = CredentialRule(
    id="credential_never_used",
    severity="medium",
    title="Credential has never been used",
    why="The credential works, but no workload depends on it. Misuse would go unnoticed.",
    remediation="Disable the credential. Delete it after a week without failures, and issue a new one when it is "
    "needed.",
    evidence=("kind", "id", "created_at", "limit_days"),
    thresholds=("dormant_credential",),
    silent_on=frozenset({"disabled", "provider_managed", "human", "break_glass"}),
    needs=frozenset({"credentials", "use"}),
    check=_credential_never_used,
)


# --- Credential is older than its registry entry allows ---


def _credential_older_than_declared(
    credential: Credential, assessment: Assessment, _context: RuleContext
) -> Hit | None:
    """Fires if the entry sets a maximum age and the credential exceeds it."""
    return drifted_credential(credential, assessment, "credential_age")


CREDENTIAL_OLDER_THAN_DECLARED = CredentialRule(
    id="credential_older_than_declared",
    severity="medium",
    severity_note="high for an admin, or an identity that can make itself one",
    title="Credential is older than its registry entry allows",
    why="The registry entry promises rotation, and approval may depend on that. The longer a secret lives, the more "
    "copies of it exist.",
    remediation="Rotate the credential: create a second one, move every consumer to it, check that the old one is no "
    "longer used, then disable and delete the old one.",
    evidence=("kind", "id", "created_at", "entry", "declared"),
    silent_on=frozenset({"provider_managed"}),
    needs=frozenset({"credentials"}),
    check=_credential_older_than_declared,
)


# --- Credential is older than the rotation limit ---


def _credential_too_old(credential: Credential, assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires past the policy's limit. A limit in the entry is checked by ``credential_older_than_declared``."""
    found = context.entry_of(assessment)
    days = context.policy.rotation
    entry = None if found is None else found.entry
    if entry is not None and (entry.max_credential_age is not None or entry.hides("max_credential_age")):
        return None
    if credential.kind not in ROTATED or not context.past(credential.created_at, days):
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
    severity_note="high for an admin, or an identity that can make itself one",
    title="Credential is older than the rotation limit",
    why="The longer a secret lives, the more copies of it exist, and the longer an attacker can use one unnoticed.",
    remediation="Create a second credential, move every consumer to it, check that the old one is no longer used, "
    "then disable and delete the old one. Better: replace it with federation or a role, which need no rotation.",
    evidence=("kind", "id", "created_at", "limit_days"),
    thresholds=("rotation",),
    silent_on=frozenset({"provider_managed"}),
    needs=frozenset({"credentials"}),
    check=_credential_too_old,
)


# --- Credential is no longer used ---


def _credential_unused(credential: Credential, assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires if the last use lies before the window and the record of use covers the whole window."""
    days = context.policy.dormant_credential
    covers_window = credential.use_tracked_days is not None and credential.use_tracked_days >= days
    if not covers_window or not context.past(credential.last_used_at, days, until=assessment.identity.observed_at):
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
    title="Credential is no longer used",
    why="The workload is gone, but the credential still works. Copies of it remain in old configurations, images and "
    "laptops.",
    remediation="Disable the credential. Delete it after a week without failures.",
    evidence=("kind", "id", "last_used_at", "limit_days"),
    thresholds=("dormant_credential",),
    silent_on=frozenset({"disabled", "provider_managed", "human", "break_glass"}),
    needs=frozenset({"credentials", "use"}),
    check=_credential_unused,
)


# --- Identity has more than one active access key ---


def _two_active_keys(assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires on two or more active access keys."""
    keys = sorted(key.id for key in assessment.identity.credentials if key.kind == "access_key" and context.live(key))
    return Hit(evidence={"access_keys": keys}) if len(keys) > 1 else None


TWO_ACTIVE_KEYS = IdentityRule(
    id="two_active_keys",
    severity="low",
    title="Identity has more than one active access key",
    why="A second access key is meant for the hours of a rotation. If both stay active, either can leak, and rotating "
    "one leaves the other.",
    remediation="Compare when each key was last used. Move the consumers of the older key, then disable and delete it.",
    evidence=("access_keys",),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"credentials"}),
    on_plans=True,
    check=_two_active_keys,
)


# --- Credential never expires ---

# Only kinds that can have an expiry: access keys and passwords cannot.
_EXPIRING: frozenset[CredentialKind] = frozenset({"token", "secret_id", "api_key", "client_secret", "service_specific"})


def _token_never_expires(credential: Credential, assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if the provider reports that the credential never expires."""
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
    severity_note="high for an admin, or an identity that can make itself one",
    title="Credential never expires",
    why="A leaked credential without an expiry works until it is revoked. An expiry limits the damage even of leaks "
    "that are never detected.",
    remediation="Issue a new credential with an expiry: hours for tokens, at most the rotation period for secrets. "
    "Move the consumers, then revoke this one. Enforce an expiry where such credentials are issued.",
    evidence=("kind", "id", "created_at"),
    silent_on=frozenset({"provider_managed"}),
    needs=frozenset({"credentials"}),
    check=_token_never_expires,
)


# --- Stored secret is older than the rotation limit ---


def _stale_secret(secret: StoredSecret, context: RuleContext) -> Hit | None:
    """Fires if the value exceeds the rotation limit. A value never rotated is as old as the secret."""
    days = context.policy.rotation
    written = "created_at" if secret.rotated_at is None else "rotated_at"
    moment = secret.created_at if secret.rotated_at is None else secret.rotated_at
    if not context.past(moment, days):
        return None
    return Hit(evidence={"name": secret.name, written: moment, "limit_days": days})


STALE_SECRET = SecretRule(
    id="stale_secret",
    severity="low",
    title="Stored secret is older than the rotation limit",
    why="A secrets manager protects the stored value, not the copies taken from it. Rotation makes old copies useless.",
    remediation="Turn on automatic rotation, or rotate the secret together with the credential it holds. Delete it if "
    "no workload reads it.",
    evidence=("name", "created_at", "rotated_at", "limit_days"),
    thresholds=("rotation",),
    check=_stale_secret,
)
