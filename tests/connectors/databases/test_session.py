"""Limits of a session."""

from __future__ import annotations

import socket

import pytest

from connectors.databases.session import ended_after
from scanner.errors import DeadlineExceeded


def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    """Whatever the driver does meanwhile: its socket ends."""
    ours, theirs = socket.socketpair()

    def ask() -> None:
        with ended_after(0.05, ours.fileno()):
            if not ours.recv(1):
                raise OSError("the connection was closed")

    with ours, theirs, pytest.raises(DeadlineExceeded):
        ask()


def test_errors_in_time_stay_what_they_are() -> None:
    """Only what came too late is late."""
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(KeyError), ended_after(60, ours.fileno()):
        raise KeyError
