"""Reads mounts, policies, roles, entities, groups and tokens: each function yields coverage and returns records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from msgspec import Raw, structs

from connectors.core.contract import DiscoveredRecord, Gone, Scope, SectionReading
from connectors.core.reading import ReadSection
from connectors.vault.client import requests as r
from connectors.vault.client.payloads import (
    AuthMount,
    Entity,
    EntitySummary,
    Group,
    JwtConfig,
    Keys,
    KubernetesConfig,
    KvMetadata,
    OwnToken,
    PolicyText,
    SecretId,
    SecretMount,
    Token,
    moment,
    simple_strings,
)
from connectors.vault.client.requests import Endpoint
from connectors.vault.logins import LoginRole, parse_role, parse_secret_id
from connectors.vault.methods import APPROLE, JWT, KUBERNETES, METHODS, TOKEN_MOUNTS, LoginMethod
from connectors.vault.reader import VaultReader
from connectors.vault.rights.policies import PolicyError, Rules, parse_policy
from connectors.vault.rights.trusts import MOST_BOUND, binds_too_many
from scanner.errors import Denied, NotOffered, SourceError
from scanner.model import Credential, StoredSecret
from scanner.text import either

T = TypeVar("T")

BUILT_IN_ENGINES = frozenset({"system", "identity", "cubbyhole", "ns_system", "ns_identity", "ns_cubbyhole"})
"""Engines of every namespace; none of them stores secrets of the organisation."""


def read_mounts(reader: VaultReader, name: str, endpoint: Endpoint, row: type[T]) -> ReadSection[dict[str, T] | None]:
    """Mounts by path, without the slash at its end; None if they could not be listed."""
    mounts: dict[str, T] | None = None
    with reader.section(name) as section:
        listed = reader.api.read(endpoint, dict[str, Raw])
        mounts = {path.rstrip("/"): mount for path, mount in reader.rows(section, listed, row).items()}
    yield reader.done(section)
    return mounts


def read_policies(reader: VaultReader) -> ReadSection[tuple[dict[str, Rules | None], bool]]:
    """Rules by policy name, None for a policy that could not be read, and whether all names are known."""
    texts: dict[str, PolicyText | None] = {}
    rules: dict[str, Rules | None] = {}
    complete = False
    with reader.section("sys.policies") as section:
        try:
            listing = reader.api.list(r.POLICIES_WITH_TEXT)
            names = reader.names(section, listing)
            texts = dict.fromkeys(names) | reader.rows(section, listing.key_info or {}, PolicyText)
        except (Denied, NotOffered):
            names = reader.names(section, reader.api.list(r.POLICIES))
            read = _reads(reader, r.POLICY, PolicyText)
            texts = dict(reader.each(section, "policies", read, names, names_suffice=True))
        complete = True
        for name, text in texts.items():
            rules[name] = _rules(section, name, text)
    yield reader.done(section)
    return rules, complete


def _rules(section: SectionReading, name: str, text: PolicyText | None) -> Rules | None:
    try:
        return None if text is None else parse_policy(text.policy)
    except PolicyError as error:
        section.malformed(name, str(error))
        return None


def read_roles(
    reader: VaultReader, method: LoginMethod, mounts: Mapping[str, AuthMount] | None
) -> ReadSection[list[LoginRole]]:
    """The roles of a login method on all mounts of its types."""
    if mounts is None:
        yield reader.skipped(method.section, "the login mounts could not be listed")
        return []
    roles: list[LoginRole] = []
    here = [mount for mount, row in mounts.items() if METHODS.get(row.type) is method]
    if not here:
        yield reader.scope.coverage(method.section, "complete", detail="no such mount")
    for mount in here:
        with reader.section(f"{method.section}:{mount}") as section:
            names = reader.names(section, reader.api.list(method.roles, mount=mount))
            read = _reads(reader, method.role, method.payload, mount=mount)
            for name, payload in reader.each(section, method.title, read, names, names_suffice=True):
                role = parse_role(reader.scope, method, mount, name, payload)
                roles.append(role)
                section.found()
                if binds_too_many(role):
                    section.malformed(name, f"it binds over {MOST_BOUND:,} service accounts")
        coverage = reader.done(section)
        yield structs.replace(coverage, unread_in=(mount,)) if coverage.is_gap else coverage
    return roles


def read_issuers(reader: VaultReader, mounts: Mapping[str, AuthMount] | None) -> ReadSection[dict[str, str | None]]:
    """The issuer of each JWT mount; None for a mount that only has keys. Mounts that were not read are left out."""

    def issuer(mount: str) -> str | None:
        config = reader.api.read(r.LOGIN_CONFIG, JwtConfig, mount=mount)
        return config.bound_issuer or config.oidc_discovery_url or None

    return (yield from _configs(reader, mounts, JWT, "auth.jwt.issuers", issuer))


def read_clusters(
    reader: VaultReader, mounts: Mapping[str, AuthMount] | None
) -> ReadSection[dict[str, KubernetesConfig]]:
    """The cluster of each Kubernetes mount, empty if it is not configured. Mounts that were not read are left out."""

    def cluster(mount: str) -> KubernetesConfig:
        try:
            return reader.api.read(r.LOGIN_CONFIG, KubernetesConfig, mount=mount)
        except Gone:  # it was never configured
            return KubernetesConfig()

    return (yield from _configs(reader, mounts, KUBERNETES, "auth.kubernetes.clusters", cluster))


def _configs(
    reader: VaultReader,
    mounts: Mapping[str, AuthMount] | None,
    method: LoginMethod,
    name: str,
    read: Callable[[str], T],
) -> ReadSection[dict[str, T]]:
    """The configuration of each mount of a login method, as the section ``name``."""
    found: dict[str, T] = {}
    here = [mount for mount, row in (mounts or {}).items() if METHODS.get(row.type) is method]
    if method.section in reader.gaps and not here:
        yield reader.skipped(name, "the login mounts could not be listed")
    elif not here:
        yield reader.scope.coverage(name, "complete", detail="no such mount")
    for mount in here:
        with reader.section(f"{name}:{mount}") as section:
            found[mount] = read(mount)
        yield reader.done(section)
    return found


def read_secret_ids(
    reader: VaultReader, roles: list[LoginRole]
) -> ReadSection[tuple[dict[str, list[Credential]], set[str]]]:
    """Secret-ids by role key, and the keys of roles with unread secret-ids.

    It takes a listing for each role and a look-up for each secret-id: there is no other way.
    """
    approles = [role for role in roles if role.method is APPROLE]
    found: dict[str, list[Credential]] = {}
    unread: set[str] = set()
    if APPROLE.section in reader.gaps and not approles:
        yield reader.skipped("auth.approle.secret_ids", "the AppRoles could not be listed")
    for mount in sorted({role.mount for role in approles}):
        by_name = {role.name: role for role in approles if role.mount == mount}
        with reader.section(f"auth.approle.secret_ids:{mount}") as section:
            pairs, unlisted = _accessors(reader, section, mount, sorted(by_name))
            unread |= {by_name[name].key for name in unlisted}
            read = partial(_secret_id, reader, mount)
            for (name, _), row in reader.each(section, "secret-ids", read, pairs, names_suffice=False):
                role = by_name[name]
                if row is None:
                    unread.add(role.key)
                else:
                    found.setdefault(role.key, []).append(parse_secret_id(role, row))
                    section.found()
        yield reader.done(section)
    return found, unread


def _accessors(
    reader: VaultReader, section: SectionReading, mount: str, roles: Sequence[str]
) -> tuple[list[tuple[str, str]], set[str]]:
    """Pairs of role name and secret-id accessor, and the roles whose secret-ids could not all be listed."""
    pairs: list[tuple[str, str]] = []
    unlisted: set[str] = set()
    for name, keys in reader.each(
        section,
        "roles' secret-ids",
        lambda name: reader.api.list(r.SECRET_IDS, mount=mount, name=name),
        roles,
        names_suffice=False,
    ):
        accessors = [] if keys is None else reader.names(section, keys)
        if keys is None or len(accessors) < len(keys.keys or ()):
            unlisted.add(name)
        pairs += [(name, accessor) for accessor in accessors]
    return pairs, unlisted


def _secret_id(reader: VaultReader, mount: str, role_and_accessor: tuple[str, str]) -> SecretId:
    role, accessor = role_and_accessor
    body = {"secret_id_accessor": accessor}
    return reader.api.lookup(r.SECRET_ID, SecretId, body, mount=mount, name=role)


def other_logins(reader: VaultReader, mounts: Mapping[str, AuthMount] | None) -> ReadSection[None]:
    """Reports the login mounts of types that are not read."""
    for mount, row in (mounts or {}).items():
        if row.type not in METHODS and row.type not in TOKEN_MOUNTS:
            yield reader.scope.coverage(f"auth.other:{mount}", "off", detail=f"auth method {row.type} is not read")


def other_engines(reader: VaultReader, mounts: Mapping[str, SecretMount] | None) -> ReadSection[None]:
    """Reports the secrets engines of types that are not read."""
    for mount, row in (mounts or {}).items():
        if row.type != "kv" and row.type not in BUILT_IN_ENGINES:
            detail = f"secrets engine {row.type} at {mount}/ is not read"
            yield reader.scope.coverage(f"secrets.other:{mount}", "off", detail=detail)


def read_groups(reader: VaultReader) -> ReadSection[dict[str, Group]]:
    """Groups by id."""
    groups: dict[str, Group] = {}
    with reader.section("identity.groups") as section:
        ids = reader.names(section, reader.api.list(r.GROUPS))
        found = reader.each(section, "groups", _reads(reader, r.GROUP, Group), ids, names_suffice=True)
        groups = {id_: group for id_, group in found if group is not None}
    yield reader.done(section)
    return groups


def read_entities(reader: VaultReader) -> ReadSection[tuple[list[Entity], set[str], bool]]:
    """Entities, the ids of those with only name and aliases, and whether at least these were read of every entity."""
    entities: list[Entity] = []
    half_read: set[str] = set()
    all_listed = False
    with reader.section("identity.entities") as section:
        listing = reader.api.list(r.ENTITIES)
        summaries = reader.rows(section, listing.key_info or {}, EntitySummary)
        ids = reader.names(section, listing)
        all_listed = len(ids) == len(listing.keys or ())
        for id_, row in reader.each(section, "entities", _reads(reader, r.ENTITY, Entity), ids, names_suffice=True):
            if row is None:
                half_read.add(id_)
                all_listed &= id_ in summaries
                summary = summaries.get(id_, EntitySummary())
                entities.append(Entity(id=id_, name=summary.name or id_, aliases=summary.aliases))
            else:
                entities.append(row)
            section.found()
    yield reader.done(section)
    return entities, half_read, all_listed


def read_tokens(reader: VaultReader, limit: int, *, holds_own: bool) -> ReadSection[tuple[list[Token], str | None]]:
    """The live tokens, and the accessor of this scan's own token. ``holds_own``: it belongs to this namespace."""
    tokens: list[Token] = []
    own: str | None = None
    with reader.section("auth.token") as section:
        if holds_own:
            own = _own_accessor(reader, section)
        accessors = reader.names(section, reader.api.list(r.TOKEN_ACCESSORS))
        asked = accessors[:limit]
        for _, row in reader.each(
            section,
            "tokens",
            lambda accessor: reader.api.lookup(r.TOKEN, Token, {"accessor": accessor}),
            asked,
            names_suffice=False,
        ):
            if row is not None:
                tokens.append(row)
                section.found()
        if len(asked) < len(accessors):
            were = either(len(asked), "was", "were")
            cap = f"{len(asked)} of {len(accessors)} tokens {were} looked up: max_tokens is {limit}"
            section.lost(SourceError(cap), partial=True)
    yield reader.done(section)
    return tokens, own


def _own_accessor(reader: VaultReader, section: SectionReading) -> str | None:
    try:
        return reader.api.read(r.OWN_TOKEN, OwnToken).accessor
    except (Denied, NotOffered) as error:
        section.note(f"the token of this scan could not be identified: {error}")
        return None


def _reads(reader: VaultReader, endpoint: Endpoint, payload: type[T], **places: str) -> Callable[[str], T]:
    return lambda name: reader.api.read(endpoint, payload, name=name, **places)


# --- Stored secrets: names, and dates if the server reports them. No value is read ---


def parse_secret(scope: Scope, mount: str, version: str, path: str, metadata: KvMetadata | None) -> StoredSecret:
    """A stored secret. Without ``metadata`` only its name is known.

    ``expires_at`` is when its current version was or will be deleted.
    """
    row = metadata or KvMetadata()
    current = (row.versions or {}).get(str(row.current_version))
    return StoredSecret(
        key=f"vault://{scope.id}/{mount}/{path}",
        provider=scope.spec.name,
        source=scope.source,
        scope=scope.id,
        name=path,
        created_at=moment(row.created_time),
        rotated_at=moment(current.created_time) if current else None,
        expires_at=moment(current.deletion_time) if current else None,
        tags=simple_strings(row.custom_metadata),
        attributes={
            "mount": mount,
            "kv_version": version,
            **({"destroyed": True} if current and current.destroyed else {}),
        },
    )


MAX_DEPTH = 64
"""Maximum nesting of folders; deeper ones are hostile."""


def read_secrets(reader: VaultReader, mounts: Mapping[str, SecretMount] | None) -> Iterator[DiscoveredRecord]:
    """The stored secrets of every KV mount, and each mount's coverage."""
    if mounts is None:
        yield reader.skipped("kv.metadata", "the secrets engines could not be listed")
        return
    kv = {mount: row.version for mount, row in mounts.items() if row.type == "kv"}
    if not kv:
        yield reader.scope.coverage("kv.metadata", "complete", detail="no such mount")
    for mount, version in kv.items():
        yield from _read_mount(reader, mount, version)


def _read_mount(reader: VaultReader, mount: str, version: str) -> Iterator[DiscoveredRecord]:
    no_dates: str | None = None
    with reader.section(f"kv.metadata:{mount}") as section:
        endpoint, top, no_dates = _best_listing(reader, mount, version)
        for path, metadata in _walk(reader, section, endpoint, mount, top):
            section.found()
            yield parse_secret(reader.scope, mount, version, path, metadata)
    yield reader.done(section)
    if no_dates:
        yield reader.scope.coverage(f"kv.ages:{mount}", "off", detail=f"ages are unknown: {no_dates}")


def _best_listing(reader: VaultReader, mount: str, version: str) -> tuple[Endpoint, Keys, str | None]:
    """The listing to use and its top folder; and the reason if it has no dates."""
    if version == "1":
        return r.KV1_NAMES, reader.api.list(r.KV1_NAMES, mount=mount, folder=""), "KV version 1 keeps no dates"
    try:
        return r.KV2_WITH_AGES, reader.api.list(r.KV2_WITH_AGES, mount=mount, folder=""), None
    except (Denied, NotOffered) as error:
        reason = f"{error}, it takes {error.permission}" if error.permission else str(error)
        return r.KV2_NAMES, reader.api.list(r.KV2_NAMES, mount=mount, folder=""), reason


def _walk(
    reader: VaultReader, section: SectionReading, endpoint: Endpoint, mount: str, top: Keys
) -> Iterator[tuple[str, KvMetadata | None]]:
    """The path and metadata of every secret, one level of folders after the other."""
    level: list[tuple[str, Keys | None]] = [("", top)]
    for _ in range(MAX_DEPTH):
        folders: list[str] = []
        for folder, keys in level:
            paths = _paths(section, folder, keys or Keys())
            folders += [path for path in paths if path.endswith("/")]
            infos = {} if keys is None else reader.rows(section, _of_secrets(keys), KvMetadata)
            yield from ((path, infos.get(path.removeprefix(folder))) for path in paths if not path.endswith("/"))
        if not folders:
            return
        level = list(
            reader.each(
                section,
                "folders",
                lambda folder: reader.api.list(endpoint, mount=mount, folder=folder),
                folders,
                names_suffice=True,
            )
        )
    section.malformed(level[0][0], f"folders nest deeper than {MAX_DEPTH}")


def _paths(section: SectionReading, folder: str, keys: Keys) -> list[str]:
    """The full paths of a folder's keys, sorted; those of folders end in a slash."""
    paths = set()
    for key in keys.keys or ():
        if isinstance(key, str) and key.strip("/") and "/" not in key[:-1]:
            paths.add(folder + key)
        else:
            section.malformed(f"{folder}{key!r}", "it is not a valid name")
    return sorted(paths)


def _of_secrets(keys: Keys) -> dict[str, Raw]:
    return {name: raw for name, raw in (keys.key_info or {}).items() if not name.endswith("/")}
