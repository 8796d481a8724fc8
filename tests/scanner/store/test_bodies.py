"""What a record is stored as."""

from __future__ import annotations

import msgspec

from scanner.model import Identity, TokenSubject
from scanner.store.bodies import compact, encode
from tests.factories import make_identity


def test_a_compact_body_decodes_to_the_record() -> None:
    """Also with records inside that are written as lists of values."""
    identity = make_identity(token_subjects=(TokenSubject("aws:123456789012", "arn:aws:sts::1:assumed-role/a/*"),))

    assert msgspec.json.decode(encode(compact(identity), identity.key), type=Identity) == identity
