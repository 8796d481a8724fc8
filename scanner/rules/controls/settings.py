"""``[controls]`` of the config: which frameworks findings cite."""

from __future__ import annotations

from msgspec import Struct

from scanner.errors import did_you_mean
from scanner.rules.controls.frameworks import frameworks


class ControlSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``frameworks``: ids as `muster rules --controls` lists them; None: the usual ones; empty: none."""

    frameworks: frozenset[str] | None = None

    def __post_init__(self) -> None:
        for name in sorted(self.frameworks or ()):
            if name not in frameworks():
                hint = did_you_mean(name, list(frameworks())) or "`muster rules --controls` lists them"
                raise ValueError(f"there is no framework {name!r}; {hint}")
