"""Accounts that policies name and a listing in bulk lacks: it is behind by minutes, and they may be there already.

Files answer for themselves: what is not among the accounts that they list is not there.
"""

from __future__ import annotations

from collections.abc import Iterable

from connectors.base import Gone
from connectors.gcp import requests as r
from connectors.gcp.payloads import ServiceAccount
from connectors.gcp.reader import Reader
from connectors.gcp.rights.accounts import Accounts
from connectors.gcp.rights.bindings import Binding
from connectors.gcp.rights.several import several
from connectors.gcp.rights.tree import Tree


def note_latecomers(reader: Reader, accounts: Accounts, bindings: Iterable[Binding], tree: Tree) -> frozenset[str]:
    """Notes those that are there. The ids of projects with accounts of which it could not be told."""
    missing = {
        binding.member.id: tree.project_of(binding.member.id) or ""
        for binding in bindings
        if not binding.member.is_deleted and accounts.lacks(binding.member, tree)
    }

    def ask(email: str) -> ServiceAccount:
        return reader.api.get(r.SERVICE_ACCOUNT, ServiceAccount, project=missing[email], account=email)

    doubtful: set[str] = set()
    for email, answer in several(ask, sorted(missing), reader.settings.workers):
        if isinstance(answer, ServiceAccount):
            reader.found.note_account(missing[email], answer)
        elif not isinstance(answer, Gone):
            doubtful.add(missing[email])
    return frozenset(doubtful)
