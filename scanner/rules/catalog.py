"""Every rule. Adding one means one file, one name in ``BUILT_IN`` and its controls in ``scanner/rules/controls``.

Those of other packages come by the entry points ``muster.rules``, each named after its rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from scanner.catalog import Catalog
from scanner.errors import UsageError
from scanner.model import Policy
from scanner.rules import (
    admin,
    agent_without_sponsor,
    ambiguous_registration,
    backup_owner_only,
    credential_expired,
    credential_lives_too_long,
    credential_never_used,
    credential_older_than_declared,
    credential_too_old,
    credential_unused,
    cross_environment_trust,
    declared_differently,
    domain_wide_delegation,
    dormant,
    drifted,
    entry_expiring,
    entry_not_active,
    entry_not_found,
    escalation,
    exemption_expired,
    exemption_expiring,
    exposed_credential,
    lookalike,
    open_trust,
    orphaned,
    orphaned_grant,
    owner_leaving,
    person_with_keys,
    recreated,
    retired_but_alive,
    review_overdue,
    root_access_key,
    runs_before_approval,
    self_declared,
    shared_default_account,
    stale_secret,
    token_never_expires,
    two_active_keys,
    undeclared_credential,
    unregistered,
    unrestricted_api_key,
    unverified_publisher,
)
from scanner.rules.base import EntryRule, Rule, fingerprint

BUILT_IN: tuple[Rule, ...] = (
    admin.RULE,
    agent_without_sponsor.RULE,
    ambiguous_registration.RULE,
    backup_owner_only.RULE,
    credential_expired.RULE,
    credential_lives_too_long.RULE,
    credential_never_used.RULE,
    credential_older_than_declared.RULE,
    credential_too_old.RULE,
    credential_unused.RULE,
    cross_environment_trust.RULE,
    declared_differently.RULE,
    domain_wide_delegation.RULE,
    dormant.RULE,
    drifted.RULE,
    entry_expiring.RULE,
    entry_not_active.RULE,
    entry_not_found.RULE,
    escalation.RULE,
    exemption_expired.RULE,
    exemption_expiring.RULE,
    exposed_credential.RULE,
    lookalike.RULE,
    open_trust.RULE,
    orphaned.RULE,
    orphaned_grant.RULE,
    owner_leaving.RULE,
    person_with_keys.RULE,
    recreated.RULE,
    retired_but_alive.RULE,
    review_overdue.RULE,
    root_access_key.RULE,
    runs_before_approval.RULE,
    self_declared.RULE,
    shared_default_account.RULE,
    stale_secret.RULE,
    token_never_expires.RULE,
    two_active_keys.RULE,
    undeclared_credential.RULE,
    unregistered.RULE,
    unrestricted_api_key.RULE,
    unverified_publisher.RULE,
)
"""Those that come with Muster, sorted by id."""


def _installed() -> Iterator[Rule]:
    """Those of other packages. Raises UsageError where one is none, or has an id that is taken."""
    catalog = Catalog("muster.rules", "rule")
    taken = {rule.id for rule in BUILT_IN}
    for name in catalog.names:
        whose = catalog.package(name)
        if name in taken:
            raise UsageError(f"{whose} has a rule {name}, and so has Muster", hint=f"uninstall {whose}, or rename it")
        rule = catalog.load(name)
        if not isinstance(rule, Rule) or type(rule) is Rule:
            raise UsageError(
                f"the rule {name} of {whose} is no rule", hint="its entry point names an IdentityRule or such"
            )
        if rule.id != name or not re.fullmatch(r"[a-z]+(_[a-z]+)*", name):
            raise UsageError(
                f"the rule {rule.id} of {whose} is called {name}", hint="its entry point is called as its id is"
            )
        if unknown := set(rule.thresholds) - set(Policy.__struct_fields__):
            raise UsageError(f"the rule {name} of {whose} has unknown thresholds: {', '.join(sorted(unknown))}")
        yield rule


RULES: tuple[Rule, ...] = tuple(sorted((*BUILT_IN, *_installed()), key=lambda rule: rule.id))
"""All that are installed, sorted by id."""

BY_ID: Mapping[str, Rule] = {rule.id: rule for rule in RULES}

_ENTRY_RULES = tuple(rule.id for rule in RULES if isinstance(rule, EntryRule))


def entry_fingerprints(entry_id: str) -> frozenset[str]:
    """The fingerprints of all findings that there can be on an entry itself."""
    return frozenset(fingerprint(rule, entry_id) for rule in _ENTRY_RULES)
