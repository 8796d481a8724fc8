"""The last authors of the files of custom agents, read in batches by GraphQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from connectors.core.contract import SectionReading
from connectors.github.client import requests as r
from connectors.github.client.api import Api
from connectors.github.client.parts import Part, read_parts

LAST_CHANGE: Final = """\
defaultBranchRef { target { ... on Commit { \
history(first: 1, path: $what) { nodes { author { email user { login } } } } } } }"""
_BATCH: Final = 20
"""Files in one query. For GitHub, finding the last commit of a file takes longer than reading the file."""
_NOBODYS: Final = "@users.noreply.github.com"


class _User(Struct):
    login: str


class _Author(Struct):
    email: str | None = None
    user: _User | None = None


class _Commit(Struct):
    author: _Author | None = None


class _History(Struct):
    nodes: list[_Commit | None] | None = None


class _Target(Struct):
    history: _History | None = None


class _Branch(Struct):
    target: _Target | None = None


class _Repository(Struct):
    branch: _Branch | None = field(name="defaultBranchRef", default=None)


def read_changes(api: Api, section: SectionReading, files: Sequence[Part]) -> Iterator[tuple[Part, str]]:
    """Yield each file with the login of its last author, or else the commit's e-mail; not GitHub's no-reply address."""
    for start in range(0, len(files), _BATCH):
        batch = files[start : start + _BATCH]
        for file, repository in read_parts(api, section, LAST_CHANGE, batch, r.CONTENTS):
            author = _author(repository)
            if author is not None and author.user is not None:
                yield file, author.user.login
            elif author is not None and author.email and not author.email.endswith(_NOBODYS):
                yield file, author.email


def _author(found: Mapping[str, Any]) -> _Author | None:
    try:
        branch = msgspec.convert(found, _Repository).branch
    except msgspec.ValidationError:
        return None
    history = branch.target.history if branch and branch.target else None
    commit = next(iter(history.nodes or ()), None) if history else None
    return commit.author if commit else None
