"""What the gate asks every store: keys, the powerful among them, and the organisation's accounts."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.model import Assessment, Privilege
from scanner.store.store import open_store
from tests.contract.test_stores import night
from tests.databases import BACKENDS
from tests.factories import make_assessment, make_identity

ADMIN, ABLE, NORMAL = Privilege(level="admin"), Privilege(level="escalation"), Privilege(level="normal")


def in_order(*assessments: Assessment) -> tuple[Assessment, ...]:
    return tuple(sorted(assessments, key=lambda one: one.identity.key))


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_the_gate_looks_up(backend: Any) -> None:
    """Of the latest scan alone: no path leads through what has left."""
    first = {"admin": ADMIN, "able": ABLE, "normal": NORMAL, "gone": ADMIN}
    identities = {name: make_assessment(make_identity(name), privilege=level) for name, level in first.items()}
    robot = make_assessment(make_identity("robot", key="git/robot", provider="git", scope="org"), privilege=ADMIN)
    with backend() as url, open_store(url) as store:
        store.save(night(1, identities=in_order(*identities.values(), robot)))
        store.save(night(2, identities=in_order(*(one for name, one in identities.items() if name != "gone"), robot)))
        memory = store.memory
        keys = sorted(memory.every_key())
        powerful = {provider: sorted(found) for provider, found in memory.powerful().items()}

        assert [key for provider, key in keys if provider == "git"] == ["git/robot"]
        assert len(keys) == 4
        assert powerful == {
            "aws": sorted(identities[name].identity.key for name in ("admin", "able")),
            "git": ["git/robot"],
        }
        assert memory.scopes() == (("aws", "123456789012"), ("git", "org"))
