"""Rules about accounts of a directory: what its protocols let anybody try, and what was left behind in it."""

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
_GUESS = "by as many guesses as a machine can make, without a trace and without being locked out"

# --- Protected like an administrator's, and none any more ---


def _admin_count_left_behind(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if the connector found ``adminCount`` on an account that is in no protected group."""
    if assessment.identity.attributes.get(ADMIN_COUNT_LEFT) is not True:
        return None
    return Hit(evidence={"admin_count": 1})


ADMIN_COUNT_LEFT_BEHIND = IdentityRule(
    id="admin_count_left_behind",
    severity="low",
    title="Account is protected like an administrator's, and is none",
    why="It was in a protected group once. The directory then cut off what its permissions inherit, and does not take "
    "that back: who runs accounts today cannot reset or disable it, and rights from then stay.",
    remediation="Compare its permissions with those of its neighbours, turn on inheritance, and clear adminCount.",
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
    why="Any account of the domain gets a ticket for the service name, which the password encrypts, and finds the "
    f"password {_GUESS}. An old password is likely to be a short one, and a guess stays true until it is changed.",
    remediation="Replace the account with a group managed service account, whose password nobody can guess. Until "
    "then, set a random password of 25 characters or more, and allow AES only.",
    evidence=("id", "service_names", "created_at", "limit_days"),
    thresholds=("rotation",),
    silent_on=frozenset({"provider_managed", "disabled"}),
    needs=frozenset({"credentials"}),
    check=_kerberoastable,
)


# --- Ticket without a password first ---


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
    title="Password can be guessed offline by anybody on the network",
    why="The domain answers whoever asks in its name, before any password is shown, with a text that the password "
    f"encrypts (AS-REP roasting). Somebody without any account finds the password {_GUESS}.",
    remediation="Turn pre-authentication on for the account, and change its password. Where a program cannot do it, "
    "replace the program, and give the account a random password of 25 characters or more until then.",
    evidence=("flag",),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"credentials"}),
    check=_no_preauthentication,
)


# --- Delegation without a limit ---


def _unconstrained_delegation(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if the connector found unconstrained delegation on other than a domain controller."""
    if assessment.identity.attributes.get(UNCONSTRAINED_DELEGATION) is not True:
        return None
    return Hit(evidence={"delegates_to": "any service, as anybody who signs in to it"})


UNCONSTRAINED = IdentityRule(
    id="unconstrained_delegation",
    severity="high",
    title="Account may delegate to any service",
    why="It keeps the tickets of everybody who signs in to it. Whoever takes it over makes a domain controller sign in "
    "to it, and has the domain.",
    remediation="Name the services that it delegates to (constrained delegation), or let these name it "
    "(resource-based). Put administrators into Protected Users, whose tickets are never passed on.",
    evidence=("delegates_to",),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"permissions"}),
    check=_unconstrained_delegation,
)


# --- Tickets under old ciphers only ---


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
    title="Account allows only weak encryption of its tickets",
    why="The key of RC4 is a hash without a salt: a password is guessed hundreds of times faster than with AES, and "
    "the hash itself signs in. DES is broken.",
    remediation="Set its encryption types to AES128 and AES256, then its password anew, which makes the keys. Replace "
    "what cannot do AES.",
    evidence=("encryption_types",),
    silent_on=frozenset({"disabled", "provider_managed", "human"}),
    needs=frozenset({"credentials"}),
    check=_weak_kerberos_encryption,
)
