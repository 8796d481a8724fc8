"""The fields that are read from Google's answers. All others are dropped while decoding.

JSON omits default values, so every optional field has a default.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct, field


class LogEntries(Struct, kw_only=True, rename="camel"):
    """A page of entries of logs."""

    entries: list[Raw] = []
    next_page_token: str = ""


class LogBucket(Struct, kw_only=True, rename="camel"):
    """A bucket of a project's logs. ``retention_days``: 0 for the usual 30."""

    retention_days: int = 0


class Organization(Struct, kw_only=True):
    """``name``: organizations/NUMBER."""

    name: Annotated[str, Meta(pattern=r"\Aorganizations/[^/]+\Z")]


class Folder(Struct, kw_only=True):
    """``name``: folders/NUMBER."""

    name: Annotated[str, Meta(pattern=r"\Afolders/[^/]+\Z")]
    parent: str | None = None


class Project(Struct, kw_only=True, rename="camel"):
    """``name``: projects/NUMBER."""

    name: str
    project_id: str
    parent: str | None = None
    state: str | None = None
    labels: dict[str, str] | None = None


class Resource(Struct, frozen=True, kw_only=True):
    """The resource of an asset, in ``data`` as its own API has it. ``version`` decides the shape of some."""

    version: str | None = None
    location: str | None = None
    data: Raw = Raw(b"{}")


class Asset(Struct, kw_only=True, rename="camel"):
    """``ancestors``: nearest first, the project by its number."""

    name: str
    asset_type: str
    ancestors: list[str] = []
    resource: Resource = Resource()


class ServiceAccount(Struct, kw_only=True, rename="camel"):
    """A service account as iam.googleapis.com v1 has it."""

    email: str
    unique_id: str
    project_id: str | None = None
    display_name: str | None = None
    description: str | None = None
    disabled: bool = False
    oauth2_client_id: str | None = field(name="oauth2ClientId", default=None)


class Anything(Struct):
    """An answer whose content is ignored."""
