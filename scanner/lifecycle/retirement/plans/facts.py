"""What commands name: the facts of an identity as texts and lists, by the names that the tables use. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import quote

from msgspec import Struct

from scanner.matching.keys import is_email, provider_key
from scanner.model import Credential, Identity
from scanner.model.attributes import REPOSITORY
from scanner.model.retirement import RETIRED_POLICY

Item: TypeAlias = Mapping[str, str]


class Facts(Struct, frozen=True, kw_only=True):
    """``texts``: facts by name; a missing one is unknown. ``lists``: what commands repeat for."""

    texts: Mapping[str, str]
    lists: Mapping[str, Sequence[Item]] = {}

    def has(self, name: str) -> bool:
        """Whether a fact is known, and not empty."""
        return bool(self.texts.get(name) or self.lists.get(name))


_NOT_IN_A_FILE = re.compile(r"[^A-Za-z0-9._-]+")


def facts_of(identity: Identity, held: Credential | None) -> Facts:
    """The facts of an identity, and of the credential that is retired alone."""
    texts = {"name": identity.name, "scope": identity.scope, "key": identity.key}
    if identity.unique_id:
        texts |= {"unique_id": identity.unique_id, "unique_id_url": quote(identity.unique_id, safe="")}
    if its := identity.unique_id if held is None else held.id:
        texts |= {"id": its, "id_url": quote(its, safe="")}
    more, lists = _PROVIDERS.get(provider_key(identity.provider) or "", _nothing)(identity)
    kept = {name: text for name, text in {**texts, **more}.items() if "\0" not in text}
    return Facts(texts=kept, lists={name: tuple(items) for name, items in lists.items()})


_Found: TypeAlias = tuple[dict[str, str], dict[str, Iterable[Item]]]


def _nothing(_identity: Identity) -> _Found:
    return {}, {}


def _items(values: Iterable[str], ending: str = "", stem: str = "") -> Iterator[Item]:
    for value in values:
        yield {"item": value, "item_file": _file(f"{stem}.{value}{ending}")}


def _file(name: str) -> str:
    """The name of a file that a command writes: letters and digits, in the current folder."""
    return _NOT_IN_A_FILE.sub("_", name).lstrip("-.") or "saved"


def _ids(identity: Identity, kind: str, *, active: bool = False) -> list[str]:
    return [
        one.id for one in identity.credentials if one.kind == kind and not (active and one.enabled is False)
    ]  # fmt: skip


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else []


# --- Providers ---


def _aws(identity: Identity) -> _Found:
    texts = {"trust_file": _file(f"{identity.name}.trust.json")}
    inline = sorted({one.name for one in identity.grants if one.via == "inline"} - {RETIRED_POLICY})
    kinds = {
        "access_keys": "access_key",
        "service_specifics": "service_specific",
        "ssh_keys": "ssh_key",
        "certificates": "certificate",
        "passwords": "password",
    }
    lists: dict[str, Iterable[Item]] = {
        "policy_arns": _items(_texts(identity.attributes.get("attached_policies"))),
        "inline_policies": _items(inline, ".json", identity.name),
        "groups": _items(_texts(identity.attributes.get("groups"))),
        "instance_profiles": _items(_texts(identity.attributes.get("instance_profiles"))),
    }
    for name, kind in kinds.items():
        lists[name] = _items(_ids(identity, kind))
        lists[f"active_{name}"] = _items(_ids(identity, kind, active=True))
    return texts, lists


def _azure(identity: Identity) -> _Found:
    guid = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
    texts: dict[str, str] = {}
    for alias in identity.aliases:
        if guid.fullmatch(alias) and alias != identity.unique_id:
            texts.setdefault("client_id", alias)
        if "/userassignedidentities/" in alias.lower():
            texts.setdefault("resource_id", alias)
    if "/userassignedidentities/" in identity.key.lower():
        texts.setdefault("resource_id", identity.key)
    assigned = [
        {"item_name": one.name, "item_resource": one.resource}
        for one in identity.grants
        if one.via == "direct" and one.resource and one.resource.startswith("/")
    ]
    return texts, {"assignments": assigned}


def _gcp(identity: Identity) -> _Found:
    email = next((one for one in identity.aliases if is_email(one)), None)
    texts = {} if email is None else {"email": email}
    roles = [
        {"item_name": one.name, "item_project": one.resource.rpartition("/")[2]}
        for one in identity.grants
        if one.via == "direct" and one.resource is not None and one.resource.startswith("projects/")
        and one.resource.count("/") == 1
    ]  # fmt: skip
    return texts, {"project_roles": roles}


_BINDING = re.compile(
    r"(?P<kind>(?:cluster)?role ?binding) +(?:(?P<namespace>[^/ ]+)/)?(?P<name>[^/ ]+)", re.IGNORECASE
)


def _kubernetes(identity: Identity) -> _Found:
    namespace = (identity.display_name or "").partition("/")[0]
    texts = {"namespace": namespace} if namespace else {}
    within: dict[tuple[str, str], Item] = {}
    everywhere: dict[str, Item] = {}
    for grant in identity.grants:
        found = _BINDING.search(grant.via)
        if found is None:
            continue
        name = found["name"]
        if found["kind"].lower().startswith("cluster"):
            everywhere[name] = {"item": name, "item_file": _file(f"clusterrolebinding.{name}.yaml")}
        elif place := found["namespace"] or namespace:
            file = _file(f"{place}.rolebinding.{name}.yaml")
            item = {"item": name, "item_kind": "rolebinding", "item_namespace": place, "item_file": file}
            within[place, name] = item
    return texts, {"role_bindings": within.values(), "cluster_role_bindings": everywhere.values()}


def _github(identity: Identity) -> _Found:
    texts = {"organization": identity.scope.rpartition("/")[2]}
    repository = identity.attributes.get(REPOSITORY)
    if isinstance(repository, str) and repository:
        texts["repository"] = repository
    number = (identity.unique_id or "").partition(":")[2]
    if number.isdigit():
        texts |= {"key_number": number, "installation": number}
    return texts, {}


_SERVERS_OWN = frozenset({"default"})


def _vault(identity: Identity) -> _Found:
    attributes = identity.attributes
    mount = attributes.get("mount")
    texts = {"mount": mount} if isinstance(mount, str) else {}
    if namespace := identity.scope.partition("/")[2]:
        texts["namespace"] = namespace
    own = {one.name for one in identity.grants if one.via == "direct"} - _SERVERS_OWN
    texts["policies"] = ",".join(sorted(own))
    for fact, name in (("token_cidrs", "token_bound_cidrs"), ("secret_id_cidrs", "secret_id_bound_cidrs")):
        texts[fact] = ",".join(_texts(attributes.get(name)))
    return texts, {"entity_ids": _items(identity.aliases if identity.kind in ("approle", "userpass_user") else ())}


def _postgresql(identity: Identity) -> _Found:
    role = _sql_name(identity.name)
    limit = identity.attributes.get("connection_limit")
    before = limit if isinstance(limit, int) and limit > 0 else -1
    texts = {
        "refuse": f"ALTER ROLE {role} CONNECTION LIMIT 0",
        "admit": f"ALTER ROLE {role} CONNECTION LIMIT {before}",
        "reassign_owned": f"REASSIGN OWNED BY {role} TO CURRENT_USER",
        "drop_owned": f"DROP OWNED BY {role}",
        "drop_role": f"DROP ROLE {role}",
    }
    memberships = [
        {"revoke_item": f"REVOKE {_sql_name(one)} FROM {role}", "grant_item": f"GRANT {_sql_name(one)} TO {role}"}
        for one in sorted(_memberships(identity))
    ]
    if any(one.name == _SUPERUSER and one.via == "direct" for one in identity.grants):
        texts |= {"superuser": f"ALTER ROLE {role} SUPERUSER", "nosuperuser": f"ALTER ROLE {role} NOSUPERUSER"}
    return texts, {"memberships": memberships}


_SUPERUSER = "SUPERUSER"


def _memberships(identity: Identity) -> set[str]:
    """The roles that it is a direct member of."""
    return {
        link.target.partition("/roles/")[2]
        for link in identity.links
        if link.relation in ("member_of", "can_assume")
        and "/roles/" in link.target
        and " through " not in link.evidence
    }


def _sql_name(name: str) -> str:
    """A quoted identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def _mysql(identity: Identity) -> _Found:
    account = next((one for one in (identity.name, *identity.aliases) if "@" in one), identity.name)
    user, _, host = account.rpartition("@") if "@" in account else (account, "", "%")
    named = f"{_sql_text(user.strip(_QUOTES))}@{_sql_text(host.strip(_QUOTES))}"
    return {
        "lock_account": f"ALTER USER {named} ACCOUNT LOCK",
        "unlock_account": f"ALTER USER {named} ACCOUNT UNLOCK",
        "drop_user": f"DROP USER {named}",
    }, {}


_QUOTES = "'`\""


def _sql_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


_DISABLED = 2


def _directory(identity: Identity) -> _Found:
    attributes = identity.attributes
    texts: dict[str, str] = {}
    dn = next((one for one in (attributes.get("dn"), attributes.get("distinguished_name"), *identity.aliases)
               if isinstance(one, str) and re.match(r"(?i)(?:cn|ou|uid)=", one)), None)  # fmt: skip
    if dn is not None and not re.search(r"[\r\n]", dn):
        texts["dn"] = dn
    uac = attributes.get("user_account_control")
    if isinstance(uac, int):
        texts |= {"uac": str(uac & ~_DISABLED), "uac_off": str(uac | _DISABLED)}
    return texts, {}


def _vendor(identity: Identity) -> _Found:
    texts: dict[str, str] = {}
    for source in (identity.attributes, *(one.attributes for one in identity.credentials)):
        for name in ("project_id", "project"):
            if isinstance(value := source.get(name), str) and value:
                texts.setdefault("project", value)
                texts.setdefault("project_url", quote(value, safe=""))
    return texts, {}


_PROVIDERS: Mapping[str, Callable[[Identity], _Found]] = {
    "aws": _aws,
    "azure": _azure,
    "gcp": _gcp,
    "kubernetes": _kubernetes,
    "github": _github,
    "vault": _vault,
    "postgresql": _postgresql,
    "mysql": _mysql,
    "activedirectory": _directory,
    "ldap": _directory,
    "openai": _vendor,
    "anthropic": _vendor,
}
