"""The documents in the files of a folder: JSON as the AWS command line writes it, and raw credential reports."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connectors.json_files import MAX_BYTES, content_of, json_values, text_of

KEPT_BYTES = 64 * 2**20
"""Files are kept, once read, as long as they come to no more than that together."""
_REPORT = "user,arn,user_creation_time"


class Files:
    """Files as documents; the last ones stay in memory. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes = 0
        self._kept: OrderedDict[Path, tuple[int, tuple[Any, ...]]] = OrderedDict()

    def documents(self, path: Path) -> tuple[Any, ...]:
        """What the file holds, one after the other. Raises Unreadable."""
        with self._lock:
            if path in self._kept:
                self._kept.move_to_end(path)
                return self._kept[path][1]
            content = content_of(path, MAX_BYTES)
            self._kept[path] = len(content), tuple(parse_documents(content))
            self._bytes += self._kept[path][0]
            while len(self._kept) > 1 and self._bytes > KEPT_BYTES:
                _, (size, _) = self._kept.popitem(last=False)
                self._bytes -= size
            return self._kept[path][1]


def parse_documents(content: bytes) -> Iterator[Any]:
    """The JSON values in it, one behind the other; those in a list singly; of a raw credential report, what AWS sends.

    Raises Unreadable.
    """
    text = text_of(content)
    if text.startswith(_REPORT):
        yield {"Content": text.encode(), "ReportFormat": "text/csv"}
        return
    for value in json_values(text):
        yield from value if isinstance(value, list) else (value,)
