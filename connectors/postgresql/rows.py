"""The rows of the queries in ``sections.toml``."""

from __future__ import annotations

from msgspec import Struct


class PostgresqlServer(Struct, frozen=True):
    """``version``: 160004 for 16.4. ``sees_activity``, ``sees_hba``: whether the role may read these sections."""

    version: int
    is_superuser: bool
    sees_activity: bool
    sees_hba: bool


class PostgresqlRole(Struct, frozen=True, kw_only=True):
    """A role. ``connections``: the most it may have at once, -1 without a limit. ``valid_until``: of its password."""

    id: int
    name: str
    can_login: bool = False
    superuser: bool = False
    inherits: bool = True
    creates_roles: bool = False
    creates_databases: bool = False
    replicates: bool = False
    bypasses_row_security: bool = False
    connections: int = -1
    valid_until: str | None = None
    description: str | None = None
    has_password: bool | None = None
    """Known of exports only."""


class PostgresqlMember(Struct, frozen=True, kw_only=True):
    """``member`` is in ``roleid``. ``inherit_option``: None before PostgreSQL 16, where the member decides."""

    roleid: int
    member: int
    admin_option: bool = False
    inherit_option: bool | None = None
    set_option: bool = True


class Setting(Struct, frozen=True):
    """The name of a setting of a role."""

    role: int
    name: str


class Owned(Struct, frozen=True):
    """How many objects of a sort a role owns, or has privileges on. ``database``: None for those of the server."""

    role: int
    is_owner: bool
    database: str | None
    sort: str
    number: int


class Connected(Struct, frozen=True):
    """Open connections of a role. ``address``: None for the server's own machine."""

    role: int
    program: str | None = None
    address: str | None = None
    last_used_at: str | None = None


class HbaRule(Struct, frozen=True):
    """A rule of pg_hba.conf, without its options."""

    line: int
    type: str
    database: tuple[str, ...]
    roles: tuple[str, ...]
    address: str | None
    netmask: str | None
    method: str

    @property
    def origin(self) -> str:
        """From where; empty for the server's own sockets."""
        return "/".join(filter(None, (self.address, self.netmask)))

    @property
    def shown(self) -> str:
        """The rule in short."""
        origin = f" from {self.origin}" if self.origin else ""
        return f"line {self.line}: {self.type} {','.join(self.database)}{origin}: {self.method}"


class Subscription(Struct, frozen=True):
    """A subscription; never its connection string."""

    database: str
    name: str
    owner: int
    enabled: bool


class PostgresqlPrincipal(Struct, frozen=True):
    """The principal of Entra that signs in as a role. ``type``: ``user``, ``group`` or ``service``."""

    role: str
    type: str
    object: str
    tenant: str


class Database(Struct, frozen=True):
    """A database. ``is_open``: whether it takes connections."""

    name: str
    owner: int
    is_open: bool
    may_connect: bool


class Definer(Struct, frozen=True):
    """A SECURITY DEFINER function. ``by_everybody``: whether every role may call it."""

    schema: str
    name: str
    arguments: str
    owner: int
    language: str
    by_everybody: bool
    has_search_path: bool


class Mapping(Struct, frozen=True):
    """A user mapping, without its options. ``role``: 0 for all roles."""

    server: str
    role: int
    wrapper: str
