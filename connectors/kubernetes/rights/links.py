"""The links from each service account to those that it can become, limited in number."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from connectors.kubernetes.rights.evaluation import Rights
from connectors.kubernetes.rights.targets import Account, Accounts, Aim
from scanner.model import POWERFUL

MOST_LINKS: Final = 100_000
"""The most links of one cluster. Beyond it, only those that lead further are kept, see :class:`_Onward`."""


def links_of(
    rights: Mapping[Account, Rights],
    accounts: Accounts,
    onward: Collection[Account],
    most: int = MOST_LINKS,
) -> Mapping[Account, Mapping[Account, str]]:
    """Return, by account, the accounts that it can become, each with the reason. An admin needs no links.

    ``onward``: accounts with access to other systems.
    """
    ends = _Onward(rights, onward)
    found: dict[Account, Mapping[Account, str]] = {}
    known: dict[Aim, tuple[Account, ...]] = {}
    left = most
    for account, its in sorted(rights.items()):
        if its.privilege.level == "admin" or not its.leads:
            continue
        meant: dict[Account, str] = {}
        # The first of several leads to an account, such as the many ways to run pods, is the reason.
        for aim, lead in {lead.aim: lead for lead in reversed(its.leads)}.items():
            if aim not in known:
                known[aim] = tuple(target for target in accounts.meant(lead) if target in rights)
            meant |= dict.fromkeys(known[aim], lead.evidence)
        meant.pop(account, None)
        if len(meant) > left:
            whole = {lead.namespace for lead in its.leads if lead.takes_all}
            meant = {to: why for to, why in meant.items() if ends.need(to, whole)}
        left = max(0, left - len(meant))
        found[account] = dict(sorted(meant.items()))
    return found


class _Onward:
    """Decides which links are kept so that levels and paths to admins and clouds stay exact."""

    def __init__(self, rights: Mapping[Account, Rights], onward: Collection[Account]) -> None:
        self._rights = rights
        self._onward = frozenset(onward)

    def need(self, target: Account, whole: Collection[str]) -> bool:
        """Whether a link to an account adds a path that other links do not have.

        ``whole``: namespaces whose accounts are all reached; ``""``: the whole cluster.
        """
        its = self._rights[target]
        if target in self._onward or its.privilege.level == "admin":
            return True
        if "" in whole:  # The account reaches every admin and every cloud directly.
            return False
        leads_out = any(lead.namespace != target[0] or target[0] not in whole for lead in its.leads)
        return its.privilege.level in POWERFUL or leads_out
