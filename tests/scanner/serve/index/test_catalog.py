"""The files of the catalog: built, replaced, removed, and built again where they cannot be used."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from connectors.catalog import installed_providers
from scanner.catalog import providers_from
from scanner.cli.main import main
from scanner.errors import DamagedRow, StoreError
from scanner.model import ScanResult
from scanner.safe_files import AtomicFile
from scanner.serve.index.building import IndexPlan, build
from scanner.serve.index.catalog import SMALL, Catalog
from scanner.serve.index.questions import IndexQuestion
from scanner.serve.index.reading import ScanIndex, UnusableIndex
from scanner.store.store import Store, open_store
from tests.factories import days_ago, make_assessment, make_result
from tests.scanner.serve.served import BOTS, CONFIG, PEOPLE, REGISTRY

ALL = IndexQuestion(list="identities")


def scan(number: int) -> ScanResult:
    """A scan with so many identities."""
    made = make_result(*(make_assessment(f"svc-{at}") for at in range(number)))
    moment = days_ago(10 - number)
    return replace(made, scan=replace(made.scan, id=f"scan-{number}", started_at=moment, finished_at=moment))


@pytest.fixture
def connect(tmp_path: Path) -> Callable[[], Store]:
    """A store with one scan."""
    url = f"sqlite:///{tmp_path / 'muster.db'}"
    with open_store(url) as store:
        store.save(scan(1))
    return lambda: open_store(url, create=False)


def add(connect: Callable[[], Store], number: int) -> None:
    """Store another scan."""
    with connect() as store, open_store(f"sqlite:///{store.status().place}") as writing:
        writing.save(scan(number))


def total(index: ScanIndex | None) -> int:
    """The number of its identities."""
    assert index is not None
    return index.page(ALL, limit=1).total


def test_the_latest_scan_is_served_while_older_ones_are_kept(connect: Callable[[], Store], tmp_path: Path) -> None:
    """Until the next index is there, the one before answers; the scans that were asked for last stay."""
    catalog = Catalog(tmp_path / "index", connect, older=1)
    assert catalog.latest() is None
    elsewhere = AtomicFile(tmp_path / "index" / "0.index")  # another process builds one
    assert total(catalog.refresh()) == 1

    for number in (2, 3, 4):
        add(connect, number)
        assert total(catalog.latest()) == number - 1
        assert total(catalog.refresh()) == total(catalog.latest()) == number

    assert elsewhere.path.exists()
    elsewhere.close()
    files = list((tmp_path / "index").glob("*.index"))
    assert len(files) == 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert total(catalog.of("scan-1")) == 1
    assert catalog.of("scan-1") is catalog.of("scan-1")
    assert len(list((tmp_path / "index").glob("*.index"))) == 2
    with pytest.raises(StoreError, match="no scan never"):
        catalog.of("never")
    catalog.close()
    assert total(Catalog(tmp_path / "index", connect).latest()) == 4


@pytest.mark.parametrize("damage", ["cut", "foreign", "older", "empty", "column", "text"])
def test_a_file_that_cannot_be_used_is_built_again(damage: str, connect: Callable[[], Store], tmp_path: Path) -> None:
    """Damage that opening does not find makes one question fail."""
    Catalog(tmp_path / "index", connect).refresh()
    (path,) = (tmp_path / "index").glob("*.index")
    spoil(path, damage)

    with pytest.raises(UnusableIndex) as unusable:
        ScanIndex(path).page(replace(ALL, text="svc"), limit=1)
    assert unusable.value.hint
    catalog = Catalog(tmp_path / "index", connect)
    if (latest := catalog.latest()) is not None:
        with pytest.raises(UnusableIndex):
            latest.page(replace(ALL, text="svc"), limit=1)
        assert catalog.latest() is None
    # A file that only a question finds damaged is known as such from then on.
    assert catalog.refresh().page(replace(ALL, text="svc"), limit=1).total == 1


def spoil(path: Path, damage: str) -> None:
    """Damage an index file."""
    content = path.read_bytes()
    match damage:
        case "cut":
            path.write_bytes(content[: len(content) // 2])
        case "empty":
            path.write_bytes(b"")
        case "foreign":
            path.write_bytes(b"%PDF-1.7 of something else entirely" * 100)
        case _:
            statement = {
                "older": 'UPDATE about SET value = replace(value, \'"format":"\', \'"format":"0\')',
                "column": "UPDATE column_of SET content = zeroblob(length(content) + 1)",
                "text": "UPDATE text_identities_data SET block = x'00ff00ff00ff'",
            }[damage]
            connection = sqlite3.connect(path)
            with connection:
                connection.execute(statement)
            connection.close()


def test_a_build_that_fails_leaves_the_index_before(connect: Callable[[], Store], tmp_path: Path) -> None:
    """Nothing but a whole file ever takes its name, and nothing else stays."""
    catalog = Catalog(tmp_path / "index", connect)
    catalog.refresh()
    add(connect, 2)
    database = sqlite3.connect(tmp_path / "muster.db")
    with database:
        database.execute("UPDATE identity SET body = replace(body, 'svc-1', 'svc-9')")
    database.close()
    before = list((tmp_path / "index").iterdir())

    with pytest.raises(DamagedRow):
        catalog.refresh()

    assert total(catalog.latest()) == 1
    assert list((tmp_path / "index").iterdir()) == before
    with connect() as store, pytest.raises(StoreError, match="cannot be written"):
        build(store, IndexPlan(path=before[0] / "below a file", scan="scan-1"))


def test_many_threads_ask_at_once(connect: Callable[[], Store], tmp_path: Path) -> None:
    """Each has a connection while it asks."""
    catalog = Catalog(tmp_path / "index", connect)
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(total(catalog.of("scan-1")))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [1] * 16


def test_the_index_is_built_beforehand_by_a_command(
    connect: Callable[[], Store], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the folder that the server reads."""
    url = f"sqlite:///{tmp_path / 'muster.db'}"

    assert main(["store", "index", "--store", url]) == 0
    assert "scan-1" in capsys.readouterr().out
    assert total(Catalog(tmp_path / "muster.db.index", connect).latest()) == 1
    assert main(["store", "index", "--store", url, "--scan", "other"]) == 2


def beginning(mark: Path) -> None:
    """What the process that builds an index does first: it leaves its number, if it is to go on."""
    if mark.name == "refused":
        raise StoreError("the store cannot be reached")
    providers_from(installed_providers)
    mark.write_text(str(os.getpid()))


@pytest.mark.usefixtures("connect")
def test_progress_is_told_as_records_of_all(tmp_path: Path) -> None:
    """From nothing to the last, also by a process of its own; and where nothing is built, nothing is told."""
    told: list[tuple[int, int]] = []
    catalog = Catalog(tmp_path / "apart", partial(open_store, f"sqlite:///{tmp_path / 'muster.db'}", create=False))

    def tell(done: int, of: int) -> None:
        told.append((done, of))
        assert catalog.underway is not None

    with closing(catalog):
        catalog.refresh_apart(partial(beginning, tmp_path / "began"), tell)
        assert (told, catalog.underway) == ([(0, 1), (1, 1)], None)
        catalog.refresh_apart(partial(beginning, tmp_path / "began"), tell)
        assert len(told) == 2


def test_only_what_is_quick_is_built_before_the_server_listens(connect: Callable[[], Store], tmp_path: Path) -> None:
    """A large scan is left to a process of its own."""
    with closing(Catalog(tmp_path / "index", connect)) as catalog:
        catalog.refresh_small()
        assert total(catalog.latest()) == 1
        add(connect, SMALL + 1)
        catalog.refresh_small()
        assert total(catalog.latest()) == 1


def test_two_that_need_an_index_build_it_once(connect: Callable[[], Store], tmp_path: Path) -> None:
    """As a scan at its end, and the server that saw the scan: the second one waits, and takes the first one's."""
    begun, go_on, told = threading.Event(), threading.Event(), []

    def hold(_done: int, _total: int) -> None:
        begun.set()
        go_on.wait()

    with closing(Catalog(tmp_path / "index", connect)) as one, closing(Catalog(tmp_path / "index", connect)) as other:
        first = threading.Thread(target=one.refresh, args=(hold,))
        first.start()
        begun.wait()
        second = threading.Thread(target=other.refresh, args=(lambda done, _: told.append(done),))
        second.start()
        go_on.set()
        first.join()
        second.join()
        assert (told, total(other.latest())) == ([], 1)


@pytest.mark.parametrize(
    ("setting", "served_before", "built"),
    [
        ("", False, False),
        ("", True, True),
        ("index_after_scan = true", False, True),
        ("index_after_scan = false", True, False),
    ],
)
def test_a_scan_builds_the_index_where_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], setting: str,
    served_before: bool, built: bool,
) -> None:  # fmt: skip
    """By default where there is its folder already; what fails is a note, and the scan ends as it would."""
    monkeypatch.chdir(tmp_path)
    scanned_by = f"{CONFIG}\n[serve]\n{setting}\n"
    for name, content in (("people", PEOPLE), ("registry", REGISTRY), ("bots", BOTS)):
        Path(f"{name}.csv").write_text(content)
    Path("config.toml").write_text(scanned_by)
    folder = Path("muster.db.index")
    if served_before:
        folder.mkdir()
    assert main(["scan", "--quiet", "-o", "json:scan.json"]) == 0
    assert capsys.readouterr().err == ""
    assert len(list(folder.glob("*.index"))) == built

    if built:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
        folder.write_text("no folder")
        assert main(["scan", "-o", "json:scan.json"]) == 0
        assert ("was not built" in capsys.readouterr().err) == bool(setting)


def test_a_process_of_its_own_builds_the_next_index(tmp_path: Path) -> None:
    """So that requests are answered as fast; where that process fails, the server builds it."""
    url = f"sqlite:///{tmp_path / 'muster.db'}"
    connect, mark = partial(open_store, url, create=False), tmp_path / "began"
    with open_store(url) as store, closing(Catalog(tmp_path / "index", connect)) as catalog:
        for number in (1, 2):
            store.save(scan(number))
            catalog.refresh_apart(partial(beginning, mark))
            assert total(catalog.latest()) == number
            builder = mark.read_text()
            catalog.refresh_apart(partial(beginning, mark))
            assert mark.read_text() == builder != str(os.getpid())  # nothing was left to build
        store.save(scan(3))
        catalog.refresh_apart(partial(beginning, tmp_path / "refused"))
        assert total(catalog.latest()) == 3
