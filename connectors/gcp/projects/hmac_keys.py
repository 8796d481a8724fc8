"""HMAC keys of one project, which no bulk listing has."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.base import DiscoveredRecord
from connectors.gcp import requests as r
from connectors.gcp.attached import Attached
from connectors.gcp.hmac_keys import DELETED, HmacKey, parse_hmac_key
from connectors.gcp.reader import Reader

NAME = "storage.hmac_keys"


def read_hmac_keys(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Put with the accounts that were listed before."""
    project = reader.place.project
    attached = Attached(reader)
    with reader.section(NAME) as section:
        for row in reader.rows(section, r.HMAC_KEYS, HmacKey, project=project.id):
            home = reader.home_of(row.service_account_email) or project
            if row.state != DELETED:
                attached.add(home.id, row.service_account_email, parse_hmac_key(home.id, row))
        attached.tell(section)
    yield from reader.done(section)
