"""The columns of a listed file, and the headings that mean them."""

from __future__ import annotations

from scanner.tables.headings import Columns

COLUMNS = Columns(
    {
        "key": ("identity key", "arn", "full id", "resource id"),
        "provider": ("cloud", "cloud provider", "platform"),
        "scope": ("account id", "subscription id", "project id", "tenant id"),
        "kind": ("identity type", "account type"),
        "name": ("identity", "user name", "login", "account name", "service account", "bot name"),
        "display_name": ("full name", "title"),
        "description": ("purpose",),
        "unique_id": ("object id", "uuid", "immutable id"),
        "aliases": ("alias", "email", "mail", "client id", "app id", "application id", "other ids"),
        "enabled": ("is enabled", "active", "is active"),
        "created_by": ("creator",),
        "created_at": ("created", "created on", "creation date", "created date", "creation time"),
        "last_used_at": (
            "last used", "last used on", "last use", "last activity", "last active", "last login", "last sign in",
            "last seen", "last access",
        ),
        "use_tracked_days": ("use tracked", "log retention days"),
        "environment": ("env",),
        "managed_by": (),
        "tags": ("labels",),
        "attributes": (),
        "nature": (),
        "is_agent": ("agent", "ai agent"),
        "privilege": ("privilege level",),
        "credentials": (),
        "grants": (),
        "links": (),
        "trusts": (),
    },
    lists={"aliases"},
    fallbacks={
        "scope": ("subscription", "project", "tenant", "namespace"),
        "kind": ("type",),
        "enabled": ("status", "state"),
        "unique_id": ("id",),
    },
)  # fmt: skip
