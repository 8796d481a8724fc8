"""Who runs a command, for the log of decisions."""

from __future__ import annotations

import os

from scanner.model.decisions import Actor, KnownBy


def by_command(person: str | None = None, known_by: KnownBy = "option") -> Actor:
    """The person that a command names, and the user of the operating system who runs it."""
    return Actor(person=person, known_by="os_user" if person is None else known_by, os_user=os_user())


def os_user() -> str:
    """The user who runs this process, by number where it has no name. Variables of the environment do not count."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
