"""Key vaults: names and dates of their items, without values."""

from __future__ import annotations

from scanner.demo.fakes.azure.tenant import Tenant
from scanner.demo.fakes.azure.wire import Call, Handler, Listing, Reply, Route, refusal

_PAGE = 25


def _items(kind: str) -> Handler:
    def listed(tenant: Tenant, call: Call) -> Reply | Listing:
        vault = tenant.vault_items.get(call.places["vault"])
        if vault is None:
            return refusal("vault", 404, "VaultNotFound")
        return Listing(rows=vault.get(kind, []), cap=_PAGE, usual=_PAGE)

    return listed


ROUTES: tuple[Route, ...] = tuple(
    Route(service="vault", path=f"/{{vault}}/{kind}", handler=_items(kind))
    for kind in ("secrets", "keys", "certificates")
)
