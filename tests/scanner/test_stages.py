"""How long the stages of a scan take."""

from __future__ import annotations

import re
import time

import pytest

from scanner.stages import stage


def test_a_stage_logs_its_seconds(caplog: pytest.LogCaptureFixture) -> None:
    """Those of the clock, and those of CPU, which waiting takes none of."""
    with caplog.at_level("INFO", "scanner.stages"), stage("matching"):
        time.sleep(0.02)

    (line,) = caplog.messages
    took = re.fullmatch(r"matching took ([\d.]+) s \(([\d.]+) s of CPU\)", line)
    assert took is not None
    assert float(took[1]) >= 0.02


def test_a_stage_that_fails_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """What it took would mislead; the error says what happened."""
    with caplog.at_level("INFO", "scanner.stages"), pytest.raises(ValueError, match="broken"), stage("matching"):
        raise ValueError("broken")

    assert caplog.messages == []
