"""All rules. A new rule needs a check in the file of its topic, a line in ``BUILT_IN`` and its controls.

Other packages add rules by entry points of the group ``muster.rules``, each named after its rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from scanner.catalog import Catalog
from scanner.errors import UsageError
from scanner.model import Policy
from scanner.rules import (
    activity,
    agents,
    credentials,
    directory,
    entries,
    exposure,
    ownership,
    pipelines,
    planned,
    privilege,
    registration,
    reviews,
    tickets,
    workloads,
)
from scanner.rules.base import EntryRule, Rule, fingerprint

BUILT_IN: tuple[Rule, ...] = (
    activity.ACTED_FOR_LEAVER,
    activity.ACTED_WITHOUT_PERSON,
    privilege.ADMIN,
    directory.ADMIN_COUNT_LEFT_BEHIND,
    agents.AGENT_EXFILTRATION,
    agents.AGENT_REACH_GREW,
    agents.AGENT_ROLE_SHARED,
    agents.AGENT_TAKEOVER,
    ownership.AGENT_WITHOUT_SPONSOR,
    registration.AMBIGUOUS_REGISTRATION,
    agents.ANY_AGENT_TOKEN,
    ownership.BACKUP_OWNER_ONLY,
    activity.BEHAVIOUR_CHANGED,
    privilege.CAN_MAKE_OTHERS_ADMIN,
    credentials.CREDENTIAL_EXPIRED,
    credentials.CREDENTIAL_LIVES_TOO_LONG,
    credentials.CREDENTIAL_NEVER_USED,
    credentials.CREDENTIAL_OLDER_THAN_DECLARED,
    credentials.CREDENTIAL_TOO_OLD,
    credentials.CREDENTIAL_UNUSED,
    workloads.CROSS_ENVIRONMENT_GRANT,
    privilege.CROSS_ENVIRONMENT_TRUST,
    entries.DECLARED_DIFFERENTLY,
    pipelines.DEFAULT_TOKEN_WRITES,
    agents.DENY_WITHOUT_EFFECT,
    privilege.DELEGATION,
    activity.DORMANT,
    activity.DORMANT_WOKE,
    registration.DRIFTED,
    entries.ENTRY_EXPIRING,
    registration.ENTRY_NOT_ACTIVE,
    entries.ENTRY_NOT_FOUND,
    privilege.ESCALATION,
    entries.EXEMPTION_EXPIRED,
    entries.EXEMPTION_EXPIRING,
    exposure.EXPOSED_CREDENTIAL,
    exposure.EXPOSED_IDENTITY,
    agents.FOREIGN_BLUEPRINT,
    exposure.FORMER_MEMBER_CREDENTIAL,
    agents.GATEWAY_WITHOUT_AUTHORIZER,
    activity.INTERACTIVE_USE,
    directory.KERBEROASTABLE,
    ownership.LEAVER_ACCOUNT_USED,
    registration.LOOKALIKE,
    workloads.MISSING_ROLE,
    workloads.NARROWER_RIGHT,
    directory.NO_PREAUTHENTICATION,
    privilege.OPEN_TRUST,
    ownership.ORPHANED,
    ownership.ORPHANED_GRANT,
    ownership.OWNER_LEAVING,
    activity.PERMISSIONS_UNUSED,
    exposure.PERSON_WITH_KEYS,
    planned.PLANNED_BEYOND_DECLARATION,
    planned.PLANNED_LONG_LIVED_CREDENTIAL,
    planned.PLANNED_PRIVILEGE,
    planned.PLANNED_UNREGISTERED,
    planned.PLANNED_WITHOUT_BLAST_RADIUS,
    planned.PLANNED_WITHOUT_OWNER,
    workloads.POWERFUL_NEAR_HOST,
    registration.REACH_BEYOND_DECLARATION,
    reviews.REASSIGNMENT_NOT_DONE,
    registration.RECREATED,
    reviews.REDUCTION_NOT_DONE,
    registration.RETIRED_BUT_ALIVE,
    activity.RETIRED_IDENTITY_CALLED,
    entries.REVIEW_OVERDUE,
    reviews.REVIEW_UNDECIDED,
    reviews.REVOCATION_NOT_DONE,
    exposure.ROOT_ACCESS_KEY,
    registration.RUNS_BEFORE_APPROVAL,
    registration.SELF_DECLARED,
    pipelines.SELF_HOSTED_RUNNER_PUBLIC,
    activity.SHARED_CHANGE,
    privilege.SHARED_DEFAULT_ACCOUNT,
    workloads.SHARED_SUBJECT,
    credentials.STALE_SECRET,
    pipelines.STATIC_KEY_BESIDE_FEDERATION,
    tickets.TICKET_CLOSED_NOT_DONE,
    credentials.TOKEN_NEVER_EXPIRES,
    pipelines.TRUST_BY_RECYCLABLE_NAME,
    pipelines.TRUST_NEVER_MATCHES,
    pipelines.TRUST_UNUSED,
    credentials.TWO_ACTIVE_KEYS,
    directory.UNCONSTRAINED,
    exposure.UNDECLARED_CREDENTIAL,
    activity.UNDECLARED_CREDENTIAL_USED,
    registration.UNREGISTERED,
    exposure.UNRESTRICTED_API_KEY,
    workloads.UNUSED_TOKEN_MOUNTED,
    privilege.UNVERIFIED_PUBLISHER,
    activity.USED_AFTER_EXPIRY,
    activity.USED_AFTER_OWNER_LEFT,
    activity.USED_OUTSIDE_DECLARATION,
    activity.USED_THOUGH_RETIRED,
    directory.WEAK_KERBEROS_ENCRYPTION,
    pipelines.WRITERS_BECOME_ADMIN,
)
"""The rules of Muster, sorted by id."""


def _installed() -> Iterator[Rule]:
    """Yield the rules of other packages. Raises UsageError if one is not a rule, or its id is taken."""
    catalog = Catalog("muster.rules", "rule")
    taken = {rule.id for rule in BUILT_IN}
    for name in catalog.names:
        whose = catalog.package(name)
        if name in taken:
            raise UsageError(f"{whose} has a rule {name}, and so has Muster", hint=f"uninstall {whose}, or rename it")
        rule = catalog.load(name)
        if not isinstance(rule, Rule) or type(rule) is Rule:
            raise UsageError(
                f"the rule {name} of {whose} is not a rule", hint="its entry point names an IdentityRule or such"
            )
        if rule.id != name or not re.fullmatch(r"[a-z]+(_[a-z]+)*", name):
            raise UsageError(
                f"the rule {rule.id} of {whose} is called {name}", hint="its entry point is called as its id is"
            )
        if unknown := set(rule.thresholds) - set(Policy.__struct_fields__):
            raise UsageError(f"the rule {name} of {whose} has unknown thresholds: {', '.join(sorted(unknown))}")
        yield rule


RULES: tuple[Rule, ...] = tuple(sorted((*BUILT_IN, *_installed()), key=lambda rule: rule.id))
"""All installed rules, sorted by id."""

BY_ID: Mapping[str, Rule] = {rule.id: rule for rule in RULES}

_ENTRY_RULES = tuple(rule.id for rule in RULES if isinstance(rule, EntryRule))


def entry_fingerprints(entry_id: str) -> frozenset[str]:
    """Return the fingerprints of all possible findings about an entry."""
    return frozenset(fingerprint(rule, entry_id) for rule in _ENTRY_RULES)
