"""Credentials put with the accounts that they belong to."""

from __future__ import annotations

from connectors.base import SectionReading
from connectors.gcp.reader import Reader
from scanner.model import Credential


class Attached:
    """Puts credentials with accounts that were listed, and counts those of others."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._left = 0

    def add(self, project: str, email: str, credential: Credential) -> None:
        """``project``: the id of the one that the account lives in."""
        if self._reader.found.has_account(project, email):
            self._reader.found.credentials[email].append(credential)
        else:
            self._left += 1

    def tell(self, section: SectionReading) -> None:
        """Note how many belong to nobody who was listed."""
        if self._left:
            section.note(f"{self._left} of accounts that were not listed left out")
