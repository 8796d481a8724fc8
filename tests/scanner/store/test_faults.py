"""Disks that are full, read-only or broken, clocks that go backwards: reported with a hint, and nothing lost."""

from __future__ import annotations

import os
import random
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.errors import StoreError
from scanner.model import ScanResult
from scanner.store.store import Store, open_store
from tests.databases import BACKENDS, Backend
from tests.factories import make_assessment, make_finding, make_result
from tests.processes import Forks

RESULT = make_result(*(make_assessment(f"svc-{number:03}") for number in range(300)), findings=(make_finding(),))
LARGE = replace(
    RESULT,
    scan=replace(RESULT.scan, id="large"),
    identities=tuple(make_assessment(f"svc-{number:04}") for number in range(3000)),
)
NOBODY = 65534

# Saves a scan that is too large for what a file may hold.
_LIMITED = """
import resource, sys
from scanner.store.store import open_store
from scanner.errors import StoreError
from tests.scanner.store.test_faults import LARGE
with open_store(sys.argv[1]) as store:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    try:
        store.save(LARGE)
    except StoreError as error:
        print(error)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with one scan."""
    path = tmp_path / "muster.db"
    with open_store(f"sqlite:///{path}") as store:
        store.save(RESULT)
    return path


def still_whole(path: Path) -> None:
    """The scan before is there, and a next one can be stored."""
    with open_store(f"sqlite:///{path}") as store:
        assert store.load(RESULT.scan.id) == RESULT
        store.save(LARGE)
        assert store.load() == LARGE


def test_a_limit_on_file_size(path: Path, forks: Forks) -> None:
    """Where a file may grow no further, the scan before is intact."""
    size = str(path.stat().st_size + 100_000)
    done = forks.run(_LIMITED, f"sqlite:///{path}", size)

    assert done.returncode == 0, done.stderr
    assert "cannot be read or written" in done.stdout or "no room left" in done.stdout
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != int(size)
    still_whole(path)


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    """A file system of its own; skips where none may be mounted."""
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mount.returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk(path: Path, tmp_path: Path) -> None:
    """It is reported as that, and once there is room the next scan works."""
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, path.stat().st_size // 1024 + 400):
        shutil.copy(path, disk)
        small = disk / path.name
        with open_store(f"sqlite:///{small}") as store, pytest.raises(StoreError, match="no room left") as raised:
            store.save(LARGE)
        assert raised.value.hint
        with open_store(f"sqlite:///{small}", create=False) as store:
            assert store.load() == RESULT
        shutil.copy(small, path)
    still_whole(path)


def test_a_disk_that_is_full_before_the_first_scan(tmp_path: Path) -> None:
    """Nothing is left there that could be taken for a store."""
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, 4):
        with pytest.raises(StoreError, match="cannot be created: No space left on device"):
            open_store(f"sqlite:///{disk / 'muster.db'}")
        assert [one.name for one in disk.iterdir()] == ["muster.db.lock"]


@pytest.mark.parametrize("part", ["file", "folder"])
def test_read_only(path: Path, part: str) -> None:
    """Before anything is scanned, it is shown that nothing could be stored; what is there can be read."""
    shared = Path("/tmp") / f"muster-read-only-{os.getpid()}-{part}"  # noqa: S108  # pytest's folders are nobody else's
    shared.mkdir(mode=0o755)
    try:
        target = Path(shutil.copy(path, shared))
        target.chmod(0o444)
        if part == "file":
            shared.chmod(0o777)
        user = os.geteuid()
        if user == 0:
            os.seteuid(NOBODY)
        try:
            with pytest.raises(StoreError, match="is read-only") as raised:
                open_store(f"sqlite:///{target}")
            assert raised.value.hint
            assert not (shared / "muster.db.lock").exists()
        finally:
            os.seteuid(user)
    finally:
        shutil.rmtree(shared)


def test_overwritten_bytes_are_never_a_traceback(path: Path, tmp_path: Path) -> None:
    """Wherever a file is damaged, it loads as it was or says with a hint that it cannot be read."""
    whole = path.read_bytes()
    chance = random.Random(5)  # noqa: S311  # the same damage in every run
    complaints = []
    for number in range(60):
        start = 0 if number == 0 else chance.randrange(len(whole))
        length = chance.choice((1, 16, 4096))
        damaged = bytearray(whole)
        damaged[start : start + length] = bytes(chance.randrange(256) for _ in range(length))
        complaints.append(_complaint(tmp_path / f"{number}.db", bytes(damaged[: len(whole)])))
    ends = (0, 10, 100, 5000, len(whole) // 2, len(whole) - 1)
    complaints += [_complaint(tmp_path / f"cut-{end}.db", whole[:end]) for end in ends]

    expected = [one for one in complaints if one]
    assert len(expected) > 12
    assert all(one.hint and "\n" not in str(one) for one in expected)


def _complaint(path: Path, content: bytes) -> StoreError | None:
    """What a store of this content complains of when all of it is read."""
    path.write_bytes(content)
    try:
        with open_store(f"sqlite:///{path}", create=False) as store:
            store.load()
            store.scans()
            store.memory.known_fingerprints()
            list(store.memory.entries())
            store.history(RESULT.identities[0].identity.key)
            store.find("svc-001")
    except StoreError as error:
        return error
    finally:
        for one in path.parent.glob(f"{path.name}*"):
            one.unlink()
    return None


def test_garbage_in_what_was_written_ahead(path: Path) -> None:
    """What is no page of the store beside it is left out, and the scans before are whole."""
    path.with_name("muster.db-wal").write_bytes(os.urandom(50_000))

    still_whole(path)


def test_two_stores_in_one_file(path: Path) -> None:
    """Another program's tables beside ours are left alone."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
        connection.execute("INSERT INTO notes VALUES ('mine')")
        connection.commit()

    still_whole(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT text FROM notes").fetchall() == [("mine",)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_clock_that_was_put_back(backend: Backend) -> None:
    """Scans follow each other as they were stored, whatever their clocks said."""
    earlier = replace(
        RESULT,
        scan=replace(RESULT.scan, id="earlier", started_at=RESULT.scan.started_at - timedelta(days=400)),
        identities=RESULT.identities[1:],
        findings=(),
    )
    with backend() as url, open_store(url) as store:
        _save(store, RESULT, earlier, replace(RESULT, scan=replace(RESULT.scan, id="again")))

        assert [scan.id for scan in store.scans()] == [RESULT.scan.id, "earlier", "again"]
        assert store.load().identities == RESULT.identities
        assert store.load("earlier") == earlier
        assert set(store.memory.known_fingerprints()) == {one.fingerprint for one in RESULT.findings}
        assert len(store.history(RESULT.identities[0].identity.key)) == 2


def _save(store: Store, *results: ScanResult) -> None:
    for result in results:
        with store.alone():
            store.save(result)
