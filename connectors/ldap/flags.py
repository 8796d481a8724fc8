"""The flags of userAccountControl (MS-ADTS, 2.2.16) that say something of an account. Pure."""

from __future__ import annotations

from collections.abc import Mapping

DISABLED = 0x2
NO_PASSWORD_NEEDED = 0x20
DOMAIN_CONTROLLER = 0x2000
NEVER_EXPIRES = 0x10000
UNCONSTRAINED = 0x80000
NOT_DELEGATED = 0x100000
NO_PRE_AUTHENTICATION = 0x400000
ANY_PROTOCOL = 0x1000000
READ_ONLY_CONTROLLER = 0x4000000
SHOWN: Mapping[int, str] = {
    NO_PASSWORD_NEEDED: "password_not_required",
    0x80: "reversible_encryption",
    NEVER_EXPIRES: "password_never_expires",
    0x40000: "smart_card_required",
    UNCONSTRAINED: "trusted_for_delegation",
    NOT_DELEGATED: "not_delegated",
    0x200000: "des_only",
    NO_PRE_AUTHENTICATION: "no_pre_authentication",
    ANY_PROTOCOL: "trusted_to_authenticate_for_delegation",
}
"""By flag, its name among an identity's attributes."""


def shown(uac: int) -> list[str]:
    """The names of the flags that are set."""
    return [name for flag, name in SHOWN.items() if uac & flag]
