"""Work that processes share gives what one process gives, whatever becomes of the others."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from fcntl import F_GETFL, fcntl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from scanner.processes import FORKS, WORTH_IT, ahead, batched, spread, started, using
from tests.examples import examples
from tests.factories import make_assessment, make_credential, make_identity

pytestmark = pytest.mark.skipif(not FORKS, reason="processes are only shared on Linux")

PARENT = os.getpid()


def squares(part: Sequence[int]) -> list[int]:
    """Work that keeps the order visible."""
    return [number * number for number in part]


TAKEN = multiprocessing.get_context("fork").Event()


def is_child() -> bool:
    """Whether a child does this part. The parent waits until one does: it could do all before a child has begun."""
    if os.getpid() == PARENT:
        return not TAKEN.wait(60)
    TAKEN.set()
    return True


@pytest.fixture(autouse=True)
def _nothing_is_taken() -> None:
    TAKEN.clear()


def killed_in_children(part: Sequence[int]) -> list[int]:
    """As the system does when memory runs out."""
    if is_child():
        os.kill(os.getpid(), signal.SIGKILL)
    return squares(part)


def not_sent_by_children(part: Sequence[int]) -> list[object]:
    """A result that cannot travel."""
    return [*squares(part), *([lambda: None] if is_child() else [])]


def broken_in_children(part: Sequence[int]) -> list[int]:
    """The pipe to the parent is open, but writing to it fails."""
    if is_child():
        with Path(os.devnull).open() as nothing:
            for path in list(Path("/proc/self/fd").iterdir()):
                file = int(path.name)
                if file > 2 and path.exists() and fcntl(file, F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
                    os.dup(file)
                    os.dup2(nothing.fileno(), file)
    return squares(part)


@given(numbers=st.lists(st.integers(), max_size=60), processes=st.sampled_from([1, 2, 3, 5]))
@examples(15)
def test_parts_come_in_the_order_of_the_items(numbers: list[int], processes: int) -> None:
    """Anyone who did them."""
    with using(processes):
        parts = spread(squares, numbers)
        batches = list(ahead(squares, batched(numbers, 7)))

    assert [square for part in parts for square in part] == squares(numbers)
    assert batches == [squares(numbers[start : start + 7]) for start in range(0, len(numbers), 7)]


def test_other_processes_do_a_part() -> None:
    """How many each does depends on who is free."""
    with using(3):
        assert True in spread(lambda _: is_child(), range(500))


def test_few_items_are_not_shared_by_default() -> None:
    """Forking would take longer."""
    with using(None):
        assert spread(lambda _: os.getpid(), range(WORTH_IT - 1)) == [PARENT]
        assert set(ahead(lambda _: os.getpid(), [(0,)] * 100, items=WORTH_IT - 1)) == {PARENT}


def test_a_child_shares_no_work_itself() -> None:
    """Else processes would multiply."""
    with using(2):
        parts = spread(lambda part: len(spread(squares, part)) if is_child() else 1, range(200))

    assert set(parts) == {1}


@pytest.mark.parametrize("work", [killed_in_children, not_sent_by_children, broken_in_children])
def test_the_parent_does_what_a_lost_child_owes(
    work: Callable[[Sequence[int]], list[object]], caplog: pytest.LogCaptureFixture
) -> None:
    """The result is whole, and the log has the reason for the longer time."""
    with using(3):
        parts = spread(work, range(200))
        spread(work, range(200))

    assert [square for part in parts for square in part] == squares(range(200))
    assert caplog.text.count("ended early") == 1


def test_children_are_the_first_to_end_without_memory() -> None:
    """Only the parent cannot be done without, and it has the most memory of all."""
    score = Path("/proc/self/oom_score_adj")
    usual = score.read_text()
    with using(2):
        scores = spread(lambda _: (is_child(), score.read_text()), range(200))

    assert set(scores) == {(False, usual), (True, "1000\n")}


def test_other_processes_begin_while_this_one_does_something_else() -> None:
    """And it takes over what is left."""
    with using(2), started(lambda _: is_child(), range(200)) as children:
        TAKEN.wait(60)
        assert TAKEN.is_set()
        assert True in children()


def test_alone_nothing_is_started() -> None:
    """It is done when it is asked for."""
    begun: list[int] = []
    with using(1), started(begun.extend, range(3)) as results:
        assert not begun
        results()

    assert begun == [0, 1, 2]


def test_an_error_is_the_parents() -> None:
    """As if one process had done it all."""
    with using(2), pytest.raises(ZeroDivisionError):
        spread(lambda part: [1 // (number - 150) for number in part], range(200))


def test_large_results_do_not_wait_for_each_other() -> None:
    """A pipe holds less than one of these."""
    with using(3):
        lengths = [len(text) for text in ahead(lambda size: "x" * size, [2_000_000] * 12)]

    assert lengths == [2_000_000] * 12


def test_what_is_not_wanted_any_more_leaves_no_process() -> None:
    """An error of the consumer, or Ctrl-C."""
    with using(3):
        results = ahead(squares, batched(range(10_000), 10))
        next(results)
        results.close()

    assert not multiprocessing.active_children()


def test_a_process_that_cannot_be_started_is_done_without(caplog: pytest.LogCaptureFixture) -> None:
    """The system has a limit of its own, here of open files."""
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)  # the lowest number that is free: earlier tests may have left gaps between those in use
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, usual[1]))
    try:
        with using(8):
            parts = spread(squares, range(200))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)

    assert [square for part in parts for square in part] == squares(range(200))
    assert "no further process can be started" in caplog.text


def test_a_child_that_cannot_start_a_thread_is_done_without() -> None:
    """Another limit of the system, here of memory; the limit of a container's processes counts threads, too."""
    script = """
import re, resource
from pathlib import Path
from scanner.processes import spread, using
size = int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (size + 4_000_000,) * 2)
with using(3):
    print(sum(spread(sum, range(2000))))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert ran.stdout == f"{sum(range(2000))}\n"
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_a_fork_is_not_lost(number: signal.Signals) -> None:
    """Python ignores what a handler raises inside the functions that run before a fork."""
    script = f"""
import os, signal, threading
from scanner.processes import spread, using
def stop(*_):
    raise SystemExit(7)
signal.signal({int(number)}, stop)
os.register_at_fork(before=lambda: os.kill(os.getpid(), {int(number)}))
with using(2):
    spread(len, range(100))
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 7


def test_children_end_when_their_parent_is_killed() -> None:
    """They notice that no number can come any more."""
    script = """
import multiprocessing, sys
from scanner.processes import started, using
with using(3), started(len, range(100)):
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    sys.stdin.read()
"""
    command, pipe = [sys.executable, "-c", script], subprocess.PIPE
    with subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe) as parent:
        assert parent.stdout is not None
        children = [Path("/proc", pid) for pid in parent.stdout.readline().split()]
        parent.kill()
        parent.wait()
        # The system closes the output when the last process that has it has ended.
        assert parent.stdout.read() == ""

    assert len(children) == 2


def test_no_more_processes_than_batches() -> None:
    """However many may be used."""
    with using(200):
        results = ahead(squares, [(1,), (2,), (3,)])
        first = next(results)
        children = len(multiprocessing.active_children())
        results.close()

    assert first == [1]
    assert children == 2


class Sample(Struct, frozen=True):
    """Has a default, a field without one, and a list that each record makes for itself."""

    name: str
    number: int = 3
    made: list[int] = []


def test_records_travel_whole() -> None:
    """Defaults are left out on the way."""
    records = [
        Sample("x"),
        Sample("y", 4, [1]),
        make_assessment(make_identity("arn:x", credentials=(make_credential("arn:x"),), tags={"a": "b"})),
    ]
    with using(2):
        travelled = spread(lambda part: (is_child(), [records[one % 3] for one in part]), range(90))

    assert any(is_sent for is_sent, _ in travelled)
    assert [record for _, part in travelled for record in part] == [records[one % 3] for one in range(90)]
