"""A walk through the store finds what a walk through the whole result finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scanner.access.blast_radius.walk import WholeScan, blast_radius_of
from scanner.model import (
    Consequence,
    EntryAssessment,
    Link,
    Privilege,
    RegistryVerdict,
    StoredSecret,
    Workload,
)
from scanner.store.store import open_store
from tests.factories import make_assessment, make_entry, make_identity, make_result


def test_the_store_knows_what_the_result_knows(tmp_path: Path) -> None:
    """Paths, scopes that are administered, secrets by workload and by pattern, and what the entry declares."""
    normal = Privilege(level="normal")
    admin = make_identity("admin", privilege=normal, consequences=(Consequence(kind="administer", scope="other"),))
    reader = make_identity("reader", privilege=normal, consequences=(Consequence(kind="read_secrets", on=("db/*",)),))
    links = tuple(Link(relation="can_assume", target=one.key, evidence="trusted") for one in (admin, reader))
    ci = make_identity("ci", privilege=normal, consequences=(), links=links)
    entry = make_entry(ci.key, human_in_the_loop=True)
    place: dict[str, Any] = {"provider": "aws", "source": "prod"}
    result = make_result(
        make_assessment(ci, registry=RegistryVerdict(state="registered", entry=entry.id)),
        make_assessment(admin),
        make_assessment(reader, consumers=("fn",)),
        make_assessment(make_identity("far", scope="other", privilege=normal, consequences=())),
        entries=(EntryAssessment(entry=entry, state="found"),),
        secrets=tuple(
            StoredSecret(key=key, name=key, scope=scope, **place)
            for key, scope in (("db/1", "x"), ("used", "x"), ("there", "other"), ("hidden", "x"))
        ),
        workloads=(Workload(key="fn", scope="x", kind="function", name="fn", uses=("used",), **place),),
    )
    with open_store(f"sqlite:///{tmp_path / 'muster.db'}") as store:
        store.save(result)

        found = store.blast_radius(ci.key)

        assert found == blast_radius_of(WholeScan(result), ci.key)
        assert found is not None
        assert (found.identities.number, found.secrets.number, found.human_in_the_loop) == (3, 3, True)
        assert found.admin_path == (ci.key, admin.key)
        assert store.blast_radius("nobody") is None
