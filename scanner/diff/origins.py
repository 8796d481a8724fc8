"""Which change of one identity made the reach of others grow. Pure.

A role that gains rights, or trusts more principals, makes everything stronger that can become it. These changes have
one cause, and are reported as one.
"""

from __future__ import annotations

from scanner.model import PRIVILEGES, Assessment
from scanner.text import cut, few

_COMPARED = 5_000_000
"""Maximum of origins times grown identities that are looked through; above it, each stands for itself."""
_NAMED = 3
_LONGEST = 200


class Origins:
    """Collects what changed, and then says which identity's change caused the others."""

    def __init__(self) -> None:
        self._origins: dict[str, str] = {}
        self._grown: dict[str, str] = {}

    def joined(self, new: Assessment) -> None:
        """Add an identity that joined: others may reach it now."""
        self._origins[new.identity.key] = f"{new.identity.shown_name} is new, with privilege {new.privilege.level}"

    def moved(self, old: Assessment, new: Assessment, *, grew: bool) -> None:
        """Add an identity that both scans have. ``grew``: it can do or become more than before."""
        own = _own_change(old, new)
        if own is not None:
            self._origins[new.identity.key] = f"{new.identity.shown_name} {own}"
        elif grew:
            come = [line for line in new.privilege.evidence if line not in old.privilege.evidence]
            links = {link.target for link in new.identity.links} - {link.target for link in old.identity.links}
            self._grown[new.identity.key] = "\n".join((*come, *sorted(links)))

    def causes(self) -> dict[str, str]:
        """Return the cause for each identity that grew by the change of another, by key."""
        if len(self._origins) * len(self._grown) > _COMPARED:
            return {}
        longest = sorted(self._origins, key=lambda key: (-len(key), key))
        found = {key: next((one for one in longest if one in text), None) for key, text in self._grown.items()}
        return {key: self._origins[one] for key, one in found.items() if one is not None and one != key}


def _own_change(old: Assessment, new: Assessment) -> str | None:
    """What the identity itself gained, apart from what it can become through others; None for nothing."""
    before, after = old.identity, new.identity
    granted = [f"{one.name} via {one.via}" for one in after.grants if one not in before.grants]
    if granted:
        return f"gained {_listed(granted)}"
    trusted = [one.principal for one in after.trusts if one not in before.trusts]
    if trusted:
        return f"trusts {_listed(trusted)}"
    level = after.privilege.level
    if PRIVILEGES.index(level) < PRIVILEGES.index(before.privilege.level):
        why = next((f": {line}" for line in after.privilege.evidence), "")
        return cut(f"became {level}{why}", _LONGEST)
    return "may become more than before" if after.reach != before.reach else None


def _listed(texts: list[str]) -> str:
    return cut(few(sorted(set(texts)), _NAMED, "; "), _LONGEST)
