"""A vendor's ``sections.toml``: keys, sections and requests, and the policy that is made from them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property

from msgspec import Struct

from connectors.ai_vendors.settings import ApiSettings
from connectors.core.contract import Spec
from connectors.core.section import SectionRow, read_sections, spec_of

Params = Mapping[str, str | tuple[str, ...]]
_ALL: Params = {"limit": "100"}


class Request(Struct, frozen=True, kw_only=True):
    """A GET request. ``permission``: the permission that it takes, in words. ``params``: fixed parameters.

    ``turns``: the parameter for the next page. ``cursor``: the JSON pointer to its value in a response; without one,
    the next page begins after the last row. ``spanned``: it also takes a start and an end.
    """

    path: str
    permission: str
    params: Params = {}
    turns: str = "after"
    cursor: str | None = None
    spanned: bool = False


class _Path(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request of a section that differs from the others in its parameters, which are added, or its permission."""

    path: str
    permission: str | None = None
    params: Params = {}


class VendorSection(SectionRow, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section with its requests. ``needs``: the setting with its keys; empty: the admin key.

    ``permission``, ``params``, ``turns``, ``cursor``, ``spanned``: of each of its requests.
    """

    requests: Mapping[str, str | _Path]
    permission: str
    params: Params | None = None
    turns: str = "after"
    cursor: str | None = None
    spanned: bool = False

    @property
    def key(self) -> str:
        """The setting with the keys for its requests."""
        return self.needs or "token"


class KindOfKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A setting with keys. ``headers``: of requests, with ``{key}`` for its value. ``create``: how it is created.

    ``may``: the permissions that it needs.
    """

    headers: Mapping[str, str]
    create: str
    may: Mapping[str, str]


class VendorTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """The file. ``log``: the listing of events. ``permissions``: in words, by the names that sections use."""

    keys: Mapping[str, KindOfKey]
    permissions: Mapping[str, str]
    log: Request
    sections: Mapping[str, VendorSection]

    @cached_property
    def requests(self) -> Mapping[str, Mapping[str, Request]]:
        """The requests of each section, by name."""
        return {name: dict(self._requests(section)) for name, section in self.sections.items()}

    @cached_property
    def request(self) -> Mapping[str, Request]:
        """All requests by name."""
        return {name: request for some in self.requests.values() for name, request in some.items()}

    @property
    def events(self) -> Request:
        """The listing of events, with its permission in words."""
        return Request(
            path=self.log.path,
            permission=self.permissions[self.log.permission],
            params=self.log.params,
            turns=self.log.turns,
        )

    def _requests(self, section: VendorSection) -> Iterator[tuple[str, Request]]:
        for name, given in section.requests.items():
            its = _Path(path=given) if isinstance(given, str) else given
            yield (
                name,
                Request(
                    path=its.path,
                    permission=self.permissions[its.permission or section.permission],
                    params={**(_ALL if section.params is None else section.params), **its.params},
                    turns=section.turns,
                    cursor=section.cursor,
                    spanned=section.spanned,
                ),
            )

    def of_section(self, name: str) -> tuple[str, ...]:
        """The permissions of a section, without repetitions."""
        return tuple(dict.fromkeys(one.permission for one in self.requests[name].values()))

    def read_by(self, settings: ApiSettings) -> list[str]:
        """The sections that a source reads."""
        return [name for name, one in self.sections.items() if not one.needs or getattr(settings, one.needs)]

    def policy(self, settings: ApiSettings | None = None) -> str:
        """The keys to create for a source, and the requests of each section, as JSON; without settings, all keys."""
        read = list(self.sections) if settings is None else self.read_by(settings)
        keys = {self.sections[name].key for name in read}
        given = {
            "keys": {name: {"create": one.create, **one.may} for name, one in self.keys.items() if name in keys},
            "sections": {
                name: {
                    "setting": self.sections[name].key,
                    "permissions": list(self.of_section(name)),
                    "requests": [f"GET {request.path}" for request in self.requests[name].values()],
                }
                for name in read
            },
        }
        return json.dumps(given, indent=2) + "\n"


def read_vendor(package: str, title: str, settings: type[ApiSettings]) -> tuple[VendorTable, Spec]:
    """The table of a vendor, and its spec."""
    table = read_sections(package, VendorTable)
    return table, spec_of(package, title, settings, table.sections, table.of_section)
