"""Rules about pipelines: trusts, attack paths, stored keys, and runners."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scanner.model import Assessment, Finding, Severity, StoredSecret, Trust, guards_in
from scanner.model.attributes import (
    APPROVES,
    BY_DEFAULT,
    DEFAULT_PERMISSIONS,
    FEDERATION_BESIDE,
    PUBLIC_REPOSITORIES,
    REPOSITORY,
    RESTRICTED_TO_WORKFLOWS,
)
from scanner.rules.base import Hit, IdentityRule, RuleContext, SecretRule, is_powerful

_NAMED = 10
"""Maximum number of subjects or jobs in the evidence."""


def _trusts(assessment: Assessment, holds: Callable[[Trust], bool]) -> list[str]:
    """Return the subjects of the trusts that fulfil a condition, each with its issuer, sorted."""
    trusts = assessment.identity.trusts  # nearly always none
    return sorted({_shown(trust) for trust in trusts if holds(trust)}) if trusts else []


def _shown(trust: Trust) -> str:
    subject = trust.subject or ", ".join(f"{claim.name} {' or '.join(claim.values)}" for claim in trust.claims)
    return f"{subject} of {trust.issuer or trust.principal}"


def is_undecided(finding: Finding, assessment: Assessment) -> bool:
    """Whether a trust in a finding still exists, but the tokens that it accepts are now unknown.

    That is the case if an organization's identities could not be read, which resolves nothing.
    """
    named = finding.evidence.get("trusts")
    unknown = _trusts(assessment, lambda trust: trust.kind == "federated" and trust.presented is None)
    return isinstance(named, (list, tuple)) and not set(map(str, named)).isdisjoint(unknown)


# --- Trust is not used by any pipeline ---

_UNUSED = frozenset({"not_presented", "gone"})


def _trust_unused(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if all identities that could present such a token were read, and none can."""
    found = _trusts(assessment, lambda trust: trust.presented in _UNUSED)
    if not found:
        return None
    return Hit(evidence={"trusts": found}, severity="medium" if is_powerful(assessment) else None)


TRUST_UNUSED = IdentityRule(
    id="trust_unused",
    severity="low",
    severity_note="medium for an admin, or an identity that can make itself one",
    title="Trust is not used by any pipeline",
    why="No workflow of the organization gets a token that this trust accepts. Anyone who can write to a repository "
    "that the trust names can add such a workflow, and no one would miss the trust.",
    remediation="Remove the subject from the trust. If a pipeline needs it, such as one that runs rarely or on another "
    "branch, name that pipeline's exact subject.",
    evidence=("trusts",),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"trusts"}),
    check=_trust_unused,
)


# --- Trust names a repository that can be replaced ---


def _trust_by_recyclable_name(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on trusts by names alone; high if what they name does not exist, so that the name is free."""
    found = _trusts(assessment, lambda trust: trust.by_name)
    if not found:
        return None
    free = _trusts(assessment, lambda trust: trust.by_name and trust.presented == "gone")
    return Hit(evidence={"trusts": found} | ({"free": free} if free else {}), severity="high" if free else None)


TRUST_BY_RECYCLABLE_NAME = IdentityRule(
    id="trust_by_recyclable_name",
    severity="low",
    severity_note="high if the organization was read and has no repository of that name: the name is free",
    title="Trust names a repository that can be replaced",
    why="Names of organizations and repositories become free when they are renamed or deleted. Anyone who takes the "
    "name gets tokens with the same subject, and becomes this identity.",
    remediation="Let the repository send immutable subjects, which contain the ids of owner and repository, and trust "
    "those. Or require the claims repository_id and repository_owner_id as well, where the cloud can check claims.",
    evidence=("trusts", "free"),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"trusts"}),
    check=_trust_by_recyclable_name,
)


# --- Trust names a subject in a form that is not sent ---


def _trust_never_matches(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires if tokens would fit, but are sent with the subject in another form."""
    found = _trusts(assessment, lambda trust: trust.presented == "other_form")
    if not found:
        return None
    sent = {trust.sent_as for trust in assessment.identity.trusts if trust.presented == "other_form" and trust.sent_as}
    return Hit(evidence={"trusts": found, "sent": sorted(sent)})


TRUST_NEVER_MATCHES = IdentityRule(
    id="trust_never_matches",
    severity="medium",
    title="Trust names a subject in a form that is not sent",
    why="The repository sends subjects in another form: immutable ones since it was created or renamed, or ones of its "
    "own template. The pipeline cannot sign in, and people often widen a trust that does not work.",
    remediation="Replace the subject in the trust by the one that is sent, and remove the old one.",
    evidence=("trusts", "sent"),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"trusts"}),
    check=_trust_never_matches,
)


# --- Stored cloud key beside federation ---


def _static_key_beside_federation(secret: StoredSecret, _context: RuleContext) -> Hit | None:
    """Fires if the connector lists jobs that may sign in to the key's cloud without it."""
    jobs = secret.attributes.get(FEDERATION_BESIDE)
    named = [job for job in jobs if isinstance(job, str)] if isinstance(jobs, (list, tuple)) else []
    if not named:
        return None
    evidence: dict[str, Any] = {"name": secret.name, "jobs": named[:_NAMED], "created_at": secret.created_at}
    evidence |= {"and_more": len(named) - _NAMED} if len(named) > _NAMED else {}
    return Hit(evidence={name: fact for name, fact in evidence.items() if fact is not None})


STATIC_KEY_BESIDE_FEDERATION = SecretRule(
    id="static_key_beside_federation",
    severity="medium",
    title="Stored cloud key beside federation",
    why="Jobs of the same repository can sign in to this cloud with short-lived tokens, so that the stored key is not "
    "needed. It works from anywhere until it is rotated, for anyone who can change a workflow or read a log.",
    remediation="Let the remaining jobs sign in by federation, too. Then delete the secret, and disable the key at the "
    "cloud.",
    evidence=("name", "jobs", "created_at"),
    check=_static_key_beside_federation,
)


# --- Jobs may write to their repository by default ---


def _default_token_writes(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on the token of an organization's jobs; high if it may write and approve, low if it may only approve."""
    attributes = assessment.identity.attributes
    writes, approves = attributes.get(DEFAULT_PERMISSIONS) == "write", attributes.get(APPROVES) is True
    if not (writes or approves):
        return None
    named = attributes.get(BY_DEFAULT)
    workflows = [one for one in named if isinstance(one, str)] if isinstance(named, (list, tuple)) else []
    evidence: dict[str, Any] = {"default_permissions": "write" if writes else "read", "approves": approves}
    if writes:
        evidence |= {"workflows": workflows[:_NAMED], "number": attributes.get(f"number_of_{BY_DEFAULT}")}
    severity: Severity | None = "high" if writes and approves else None if writes else "low"
    return Hit(evidence={name: fact for name, fact in evidence.items() if fact is not None}, severity=severity)


DEFAULT_TOKEN_WRITES = IdentityRule(
    id="default_token_writes",
    severity="medium",
    severity_note="high if jobs may also approve pull requests, low if they may only do that",
    title="Jobs may write to their repository by default",
    why="A workflow that does not say what its GITHUB_TOKEN may do can push code, publish packages and change "
    "releases. So can all that runs in its jobs, such as an action or a dependency that was taken over. If jobs may "
    "approve pull requests as well, they can pass a required review by themselves. A repository may set less; that is "
    "not read, because it takes a request for each.",
    remediation="Let the workflows that the evidence names say what they need in permissions. Then set the default of "
    "the organization to reading contents, and do not allow GitHub Actions to approve pull requests.",
    evidence=("default_permissions", "approves", "workflows", "number"),
    silent_on=frozenset({"disabled"}),
    check=_default_token_writes,
)


# --- Self-hosted runners are open to public repositories ---


def _self_hosted_runner_public(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on runner groups that public repositories may use."""
    attributes = assessment.identity.attributes
    if attributes.get(PUBLIC_REPOSITORIES) is not True:
        return None
    is_restricted = attributes.get(RESTRICTED_TO_WORKFLOWS) is True
    return Hit(
        evidence={"group": assessment.identity.name} | ({"restricted_to_workflows": True} if is_restricted else {}),
        severity="medium" if is_restricted else None,
    )


SELF_HOSTED_RUNNER_PUBLIC = IdentityRule(
    id="self_hosted_runner_public",
    severity="high",
    severity_note="medium if only selected workflows may use the group",
    title="Self-hosted runners are open to public repositories",
    why="A pull request from a fork of a public repository can run code on the runner. It reads what other jobs left "
    "there, reaches the network around it, and becomes the identity of the machine.",
    remediation="Do not allow public repositories in the group. Use GitHub's own runners for them, or ephemeral "
    "runners in a network of their own, and require approval for workflows of outside contributors.",
    evidence=("group", "restricted_to_workflows"),
    silent_on=frozenset({"disabled"}),
    check=_self_hosted_runner_public,
)


# --- Anyone who can write to the repository can become an admin ---


def _writers_become_admin(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on workflows that can become an admin; lower if rules of environments restrict every path."""
    identity = assessment.identity
    repository = identity.attributes.get(REPOSITORY)
    if not identity.token_subjects or not isinstance(repository, str) or not is_powerful(assessment):
        return None
    guards = guards_in(identity.attributes)
    is_approved = all("approval" in one.by for one in guards)
    subjects = sorted({token.subject for token in identity.token_subjects})
    evidence: dict[str, Any] = {
        "repository": repository,
        "because": assessment.privilege.evidence,
        "subjects": subjects[:_NAMED],
    } | ({"and_more": len(subjects) - _NAMED} if len(subjects) > _NAMED else {})
    if not guards:
        return Hit(evidence=evidence)
    return Hit(
        evidence=evidence | {"guarded_by": [one.shown for one in guards]},
        severity="low" if is_approved else "medium",
    )


WRITERS_BECOME_ADMIN = IdentityRule(
    id="writers_become_admin",
    severity="high",
    severity_note="low if the trusts take tokens of environments alone that require an approval; medium if these only "
    "limit branches, or their rules could not be read",
    title="Anyone who can write to the repository can become an admin",
    why="The workflow gets tokens that an identity with administrative permissions accepts, on a way that the evidence "
    "shows. Anyone who can push a branch, and an App or key that can write, can change what the workflow does there.",
    remediation="Let the trust name an environment, and protect that environment: required reviewers, and the default "
    "branch only. Reduce the permissions of the identity at the end of the way, and who may write.",
    evidence=("repository", "because", "subjects", "guarded_by"),
    silent_on=frozenset({"disabled"}),
    needs=frozenset({"permissions"}),
    check=_writers_become_admin,
)
