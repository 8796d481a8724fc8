"""Threads that decode one type for the first time, all at the same moment, do not take the process with them."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Eight scopes that begin at once and decode a payload of nested types; threads take turns as often as can be.
_AT_ONCE = """
import sys, threading, types
from concurrent.futures import ThreadPoolExecutor

sys.setswitchinterval(1e-6)
DEPTH, SCOPES = 40, 8
source = "from __future__ import annotations\\nfrom msgspec import Struct\\n"
for depth in range(DEPTH):
    source += f"class P{depth}(Struct):\\n    a: str\\n    b: int | None = None\\n"
    if depth:
        source += f"    c: P{depth - 1} | None = None\\n    d: tuple[P{depth - 1}, ...] = ()\\n"
payloads = types.ModuleType("payloads")
sys.modules["payloads"] = payloads
exec(source, payloads.__dict__)
payload = {"a": "x"}
for _ in range(DEPTH - 1):
    payload = {"a": "x", "c": payload, "d": [{"a": "x"}]}

import msgspec
from connectors.core.contract import Scope, Spec
from scanner.discovery.engine import read_all

class Nobody:
    def planned(self, source, scopes): pass
    def done(self, reading): pass

class Connector:
    spec = Spec(name="x", title="x", settings=msgspec.Struct, kinds=(), sections=())
    all_there = threading.Barrier(SCOPES)

    def scopes(self):
        return (Scope(source="x", spec=self.spec, id=str(number)) for number in range(SCOPES))

    def discover(self, scope):
        self.all_there.wait()
        msgspec.convert(payload, getattr(payloads, f"P{DEPTH - 1}"))
        return iter(())

with ThreadPoolExecutor(SCOPES) as executor:
    readings = list(read_all([("x", Connector())], executor=executor, scope_deadline=60, observer=Nobody()))
print(len(readings), sum(len(one.coverage) for one in readings))
"""


@pytest.mark.parametrize("attempt", range(3))
def test_first_use_by_many_threads(attempt: int) -> None:
    """It crashed five times of six."""
    del attempt
    done = subprocess.run([sys.executable, "-c", _AT_ONCE], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "8 0\n"), done.stderr
