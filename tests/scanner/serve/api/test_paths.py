"""Attack paths by the API, over a store whose latest scan has some."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from scanner.model import Link, Privilege
from scanner.store.store import open_store
from tests.factories import make_assessment, make_identity, make_result
from tests.scanner.serve.api.conftest import ADA, CYD, SIGN_IN, ask
from tests.scanner.serve.served import Served


def bot(name: str, *targets: str, level: Any = "normal") -> Any:
    """An identity that can become these."""
    links = tuple(Link(relation="can_assume", target=f"acme:{to}", evidence=f"{to} trusts it") for to in targets)
    return make_assessment(
        make_identity(name, key=f"acme:{name}", kind="role", links=links), privilege=Privilege(level=level)
    )


def test_attack_paths_of_the_latest_scan(scanned_folder: Path, tmp_path: Path) -> None:
    """For people who see everything; a text that means no identity is refused."""
    shutil.copytree(scanned_folder, tmp_path, ignore=shutil.ignore_patterns("*.index"), dirs_exist_ok=True)
    with open_store(f"sqlite:///{tmp_path}/muster.db") as store:
        store.save(make_result(bot("ci", "build", "root"), bot("build", "root"), bot("root", level="admin")))
    with Served(tmp_path, SIGN_IN) as served:
        found = ask(served, CYD, "/api/v1/paths", params={"from": "acme:ci", "to": "admin", "limit": 1}).json()
        (step,) = found["paths"][0]["steps"]
        assert (step["from"], step["to"], step["evidence"]) == ("acme:ci", "acme:root", "root trusts it")
        assert {node["key"]: node["privilege"] for node in found["nodes"]} == {
            "acme:ci": "normal",
            "acme:root": "admin",
        }
        assert (found["total"], found["total_before"], found["more"], found["bounded"]) == (1, None, True, False)

        without = ask(served, CYD, "/api/v1/paths?from=acme:build&avoid=acme:root").json()
        assert (without["paths"], without["total"], without["total_before"]) == ([], 0, 1)
        assert ask(served, CYD, "/api/v1/paths?from=outside").json()["paths"] == []
        assert ask(served, CYD, "/api/v1/paths?from=all&to=acme:root").json()["total"] == 2
        unknown = ask(served, CYD, "/api/v1/paths?from=admin&to=nowhere")
        assert (unknown.status_code, unknown.json()["field"]) == (404, "to")
        assert ask(served, CYD, "/api/v1/paths").status_code == 400
        chokes = ask(served, CYD, "/api/v1/chokes").json()
        assert (chokes["chokes"], chokes["bounded"]) == ([{"identity": "acme:root", "loses": 2}], False)
        assert [node["name"] for node in chokes["nodes"]] == ["root"]
        for path in ("paths?from=acme:ci", "chokes"):
            assert ask(served, ADA, f"/api/v1/{path}").status_code == 403
