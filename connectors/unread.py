"""How a connector says what of an identity a gap kept from it."""

from __future__ import annotations

from scanner.model import Fact


def unread_facts(
    *,
    credentials: bool = False,
    permissions: bool = False,
    tags: bool = False,
    trusts: bool = False,
    use: bool = False,
) -> tuple[Fact, ...]:
    """``Identity.unread``: the facts that could not be read, in the model's order."""
    kept: dict[Fact, bool] = {
        "credentials": credentials,
        "permissions": permissions,
        "tags": tags,
        "trusts": trusts,
        "use": use,
    }
    return tuple(fact for fact, is_kept in kept.items() if is_kept)
