"""The table of states against the model: every state that can be is coloured and explained."""

from __future__ import annotations

from typing import get_args

import pytest

from reports.html.ages import AGES
from reports.states import STATES, Axis
from scanner.model import (
    SEVERITIES,
    ChangeName,
    CoverageStatus,
    EntryState,
    FindingState,
    NatureVerdictName,
    OwnershipState,
    PrivilegeLevel,
    RegistryState,
    UsageState,
)
from scanner.model.agents import ExposureState
from scanner.model.retirement import RetireVerdict
from scanner.rules.wording import Explained

MODEL: dict[Axis, tuple[str, ...]] = {
    "severity": SEVERITIES,
    "registry": get_args(RegistryState),
    "ownership": get_args(OwnershipState),
    "usage": get_args(UsageState),
    "privilege": get_args(PrivilegeLevel),
    "agent": ("yes", "suggested", "no"),
    "exposure": get_args(ExposureState),
    "nature": get_args(NatureVerdictName),
    "age": AGES,
    "entry": get_args(EntryState),
    "coverage": get_args(CoverageStatus),
    "explained": get_args(Explained),
    "finding": get_args(FindingState),
    "retire": get_args(RetireVerdict),
    "change": tuple(name for name in get_args(ChangeName) if name != "not_rechecked"),
}


@pytest.mark.parametrize("axis", get_args(Axis))
def test_every_state_of_an_axis_is_known(axis: Axis) -> None:
    """None is missing, and none is there that no verdict can have."""
    assert sorted(STATES[axis]) == sorted(MODEL[axis])


def test_severities_stand_in_their_own_order() -> None:
    """The highest severity first, as everywhere."""
    assert tuple(STATES["severity"]) == SEVERITIES


def test_the_same_word_weighs_differently_on_different_axes() -> None:
    """A high privilege is no grave finding."""
    assert STATES["severity"]["high"].tone != STATES["privilege"]["high"].tone
