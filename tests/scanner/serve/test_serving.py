"""``muster serve`` from its start to its end."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.scanner.serve.served import Served


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal_ends_it(scanned_folder: Path, how: signal.Signals) -> None:
    """Its address is printed when it answers; an interruption is its usual end."""
    with Served(scanned_folder) as served:
        health = served.http.get("/healthz")

        assert (health.status_code, health.text) == (200, "ok\n")
        assert served.http.get("/").status_code == 401
        assert served.end(how) == 0
        assert "Traceback" not in served.log
