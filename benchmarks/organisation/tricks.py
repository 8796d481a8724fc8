"""What a name can do to pass for another: each takes the name it imitates and gives the one that must not register."""

from __future__ import annotations

from collections.abc import Callable, Mapping

# Cyrillic, Greek and Latin letters that look like these.
_LOOK_ALIKES = str.maketrans("aceiopsxyAEKo", "асеіорѕхуАЕКο")  # noqa: RUF001  # that they look alike is the point
_FULLWIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def _inside(mark: str) -> Callable[[str], str]:
    """Puts something into the middle."""
    return lambda name: name[: len(name) // 2] + mark + name[len(name) // 2 :]


NAME_TRICKS: Mapping[str, Callable[[str], str]] = {
    "something before it": lambda name: f"rogue-{name}",
    "something after it": lambda name: f"{name}-exfil",
    "on both sides": lambda name: f"rogue-{name}-exfil",
    "only its beginning": lambda name: name[: max(1, len(name) * 2 // 3)],
    "only its end": lambda name: name[len(name) // 3 + 1 :],
    "look-alike letters": lambda name: name.translate(_LOOK_ALIKES),
    "fullwidth letters": lambda name: name.translate(_FULLWIDTH),
    "combining mark": lambda name: f"{name}\u0323",
    "zero-width space": _inside("\u200b"),
    "zero-width joiner": _inside("\u200d"),
    "soft hyphen": _inside("\u00ad"),
    "right-to-left mark": lambda name: f"\u200f{name}",
    "space after it": lambda name: f"{name} ",
    "space before it": lambda name: f" {name}",
    "no-break space after it": lambda name: f"{name}\u00a0",
    "line break after it": lambda name: f"{name}\n",
    "NUL after it": lambda name: f"{name}\0",
    "wildcard at its end": lambda name: f"{name[:-2]}*",
    "wildcards alone": lambda name: "*" * len(name),
    "escaped": lambda name: f"\\{name}",
    "list of two": lambda name: f"{name};{name}",
}
