"""Relays ports to those in the network namespace of a process: ``PID OUTSIDE:INSIDE…``. Takes Python 3.12."""

from __future__ import annotations

import os
import socket
import sys
import threading


def copy(source: socket.socket, target: socket.socket) -> None:
    """Copy until one side ends."""
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
    except OSError:
        pass
    finally:
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


def serve(listening: socket.socket, inside: int) -> None:
    """Connect each caller with the port inside."""
    while True:
        caller, _ = listening.accept()
        try:
            called = socket.create_connection(("127.0.0.1", inside), timeout=10)
        except OSError:
            caller.close()
            continue
        called.settimeout(None)
        for ends in ((caller, called), (called, caller)):
            threading.Thread(target=copy, args=ends, daemon=True).start()


def main() -> None:
    """Bind outside, enter, and relay."""
    pid, *pairs = sys.argv[1:]
    ports = [tuple(map(int, pair.split(":"))) for pair in pairs]
    listening = [socket.create_server(("127.0.0.1", outside)) for outside, _ in ports]
    with open(f"/proc/{pid}/ns/net", encoding="ascii") as namespace:  # noqa: PTH123  # a descriptor is what counts
        os.setns(namespace.fileno(), 0x40000000)  # type: ignore[attr-defined,unused-ignore]  # from 3.12 on
    threads = [
        threading.Thread(target=serve, args=(one, inside)) for one, (_, inside) in zip(listening, ports, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
