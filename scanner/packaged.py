"""Tables that come with the package, as TOML files beside the modules that use them."""

from __future__ import annotations

from importlib.resources import files
from typing import TypeVar

import msgspec

_T = TypeVar("_T")


def read_table(package: str, name: str, shape: type[_T]) -> _T:
    """The table in a package's file, in its type. Raises msgspec.ValidationError."""
    return msgspec.toml.decode(files(package).joinpath(name).read_bytes(), type=shape)
