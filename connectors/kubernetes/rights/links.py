"""Which service accounts an account can become, and the most that are said of a cluster."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from connectors.kubernetes.rights.evaluation import Rights
from connectors.kubernetes.rights.targets import Account, Accounts
from scanner.model import POWERFUL

MOST_LINKS: Final = 100_000
"""Links between accounts of one cluster. Beyond it, only links to accounts that lead on are left: powerful ones, those
that can become others, and those that open a cloud. What is reached through them stays the same."""


def links_of(
    rights: Mapping[Account, Rights],
    accounts: Accounts,
    onward: Collection[Account],
    most: int = MOST_LINKS,
) -> Mapping[Account, Mapping[Account, str]]:
    """Return, by account, the accounts that it can become, each with the reason. An admin needs none.

    ``onward``: accounts that open something elsewhere.
    """
    lead_on = {one for one, its in rights.items() if its.leads or its.privilege.level in POWERFUL}.union(onward)
    found: dict[Account, Mapping[Account, str]] = {}
    left = most
    for account, its in sorted(rights.items()):
        if its.privilege.level == "admin" or not its.leads:
            continue
        meant: dict[Account, str] = {}
        for lead in its.leads:
            for target in accounts.meant(lead):
                if target in rights and target != account:
                    meant.setdefault(target, lead.evidence)
        if len(meant) > left:
            meant = {target: why for target, why in meant.items() if target in lead_on}
        left = max(0, left - len(meant))
        found[account] = meant
    return found
