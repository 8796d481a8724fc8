"""Rules about accounts of a directory: Kerberos settings that allow attacks, delegation, and stale protection."""

from __future__ import annotations

from scanner.model import Assessment, Credential
from scanner.model.attributes import (
    ACCOUNT_FLAGS,
    ADMIN_COUNT_LEFT,
    ENCRYPTION_TYPES,
    SERVICE_NAMES,
    UNCONSTRAINED_DELEGATION,
)
from scanner.rules.base import CredentialRule, Hit, IdentityRule, RuleContext, is_powerful, texts_in

_WEAK = frozenset({"DES", "RC4"})
_POWERFUL_NOTE = "high for an admin, or an identity that can make itself one"
_GUESS = "offline: guesses are unlimited, leave no trace and lock nobody out"

# --- Stale adminCount ---


def _admin_count_left_behind(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if the connector found ``adminCount`` on an account that is in no protected group."""
    if assessment.identity.attributes.get(ADMIN_COUNT_LEFT) is not True:
        return None
    return Hit(evidence={"admin_count": 1})


ADMIN_COUNT_LEFT_BEHIND = IdentityRule(
    id="admin_count_left_behind",
    severity="low",
    title="Account keeps the protection of an administrator, and is no longer one",
    why="It was in a protected group once. The directory then disabled inheritance of its permissions, and does not "
    "restore it: account operators cannot reset or disable the account, and old permissions on it stay.",
    remediation="Compare its permissions with a similar account, enable inheritance, and clear adminCount.",
    evidence=("admin_count",),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"permissions"}),
    check=_admin_count_left_behind,
)


# --- Old password behind a service name ---


def _guessed_through(credential: Credential, assessment: Assessment) -> list[str]:
    """The service names by which others can guess a password; none if it is no password that people set."""
    is_set_by_people = credential.kind == "password" and not credential.attributes.get("managed")
    return sorted(texts_in(assessment, SERVICE_NAMES)) if is_set_by_people else []


def _kerberoastable(credential: Credential, assessment: Assessment, context: RuleContext) -> Hit | None:
    """Fires past the policy's limit. A limit in the entry is checked by ``credential_older_than_declared``."""
    found = context.entry_of(assessment)
    has_own_limit = found is not None and (
        found.entry.max_credential_age is not None or found.entry.hides("max_credential_age")
    )
    names = _guessed_through(credential, assessment)
    if has_own_limit or not names or not context.past(credential.created_at, context.policy.rotation):
        return None
    return Hit(
        evidence={
            "id": credential.id,
            "service_names": names,
            "created_at": credential.created_at,
            "limit_days": context.policy.rotation,
        },
        severity="high" if is_powerful(assessment) else None,
    )


KERBEROASTABLE = CredentialRule(
    id="kerberoastable",
    severity="medium",
    severity_note=_POWERFUL_NOTE,
    title="Old password of an account with a service name can be guessed offline",
    why="Any account of the domain can request a ticket for the service name. The password encrypts it, and can then "
    f"be guessed {_GUESS} (Kerberoasting). Old passwords are often short, and stay valid until they are changed.",
    remediation="Replace the account with a group managed service account, whose password cannot be guessed. Until "
    "then, set a random password of 25 characters or more, and allow AES only.",
    evidence=("id", "service_names", "created_at", "limit_days"),
    thresholds=("rotation",),
    silent_on=frozenset({"provider_managed", "disabled"}),
    needs=frozenset({"credentials"}),
    check=_kerberoastable,
)


# --- No pre-authentication ---


def _no_preauthentication(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if the account's flags switch pre-authentication off."""
    if "no_pre_authentication" not in texts_in(assessment, ACCOUNT_FLAGS):
        return None
    return Hit(
        evidence={"flag": "no_pre_authentication"},
        severity="high" if is_powerful(assessment) else None,
    )


NO_PREAUTHENTICATION = IdentityRule(
    id="no_preauthentication",
    severity="medium",
    severity_note=_POWERFUL_NOTE,
    title="Kerberos pre-authentication is disabled",
    why="Without an account, anybody on the network can request an answer that the account's password encrypts. The "
    f"password can then be guessed {_GUESS} (AS-REP roasting).",
    remediation="Enable pre-authentication for the account, and change its password. If a program does not support it, "
    "replace the program, and set a random password of 25 characters or more until then.",
    evidence=("flag",),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"credentials"}),
    check=_no_preauthentication,
)


# --- Unconstrained delegation ---


def _unconstrained_delegation(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if the connector found unconstrained delegation on other than a domain controller."""
    if assessment.identity.attributes.get(UNCONSTRAINED_DELEGATION) is not True:
        return None
    return Hit(evidence={"delegates_to": "any service, as any user who signs in to it"})


UNCONSTRAINED = IdentityRule(
    id="unconstrained_delegation",
    severity="high",
    title="Account may delegate to any service",
    why="It stores the tickets of everybody who signs in to it. An attacker who takes it over can make a domain "
    "controller sign in to it, and then controls the domain.",
    remediation="Use constrained delegation to the services that it needs, or resource-based delegation. Add "
    "administrators to Protected Users, whose tickets are never delegated.",
    evidence=("delegates_to",),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"permissions"}),
    check=_unconstrained_delegation,
)


# --- Weak encryption types ---


def _weak_kerberos_encryption(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if the account allows RC4 or DES and nothing else. What the domain's default is, is not read."""
    found = sorted(texts_in(assessment, ENCRYPTION_TYPES))
    if "des_only" in texts_in(assessment, ACCOUNT_FLAGS):
        found = ["DES"]
    if not found or not _WEAK.issuperset(found):
        return None
    guessed = any(_guessed_through(one, assessment) for one in assessment.identity.credentials)
    return Hit(evidence={"encryption_types": found}, severity="medium" if guessed else None)


WEAK_KERBEROS_ENCRYPTION = IdentityRule(
    id="weak_kerberos_encryption",
    severity="low",
    severity_note="medium if it has a service name and people set its password",
    title="Account allows only weak Kerberos encryption",
    why="RC4 uses an unsalted hash of the password as its key: the password is guessed hundreds of times faster than "
    "with AES, and the hash alone is enough to sign in. DES is broken.",
    remediation="Set its encryption types to AES128 and AES256, then reset its password, which creates the keys. "
    "Replace systems that do not support AES.",
    evidence=("encryption_types",),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"credentials"}),
    check=_weak_kerberos_encryption,
)
