"""Write the demo's registry, roster, list of bots, and config."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec import Struct

from scanner.demo.estate import days_ago
from scanner.demo.exports import ANTHROPIC, LEAKS
from scanner.demo.fakes.azure.server import AzureServer
from scanner.demo.trail import DAYS, FOLDER, Principal
from scanner.demo.vault_server import AUDIT_LOG

# Headings as an organisation would write them, not Muster's own.
_REGISTRY = ("ID", "Service account", "Provider", "Type", "Owner e-mail", "Backup owner", "Purpose", "Env", "Status",
             "Last reviewed", "Expires", "Systems", "Credentials")  # fmt: skip
_PEOPLE = ("E-mail", "Full name", "Team", "Manager", "Status", "Last day", "Members")
_LISTS = ("config.toml", "registry.csv", "people.csv", "bots.csv")
_WRITTEN = ".written-by-the-demo.json"
"""A file with the hash of each list, so that the demo asks before it overwrites edited ones."""
_BOTS = ("name", "kind", "description", "created_at", "last_used_at", "use_tracked_days")

_CONFIG = """\
# The demo's config, as it was scanned. Its servers are gone when the demo ends.
# `muster show`, `report` and `diff` go on working, from the store; `muster scan` and `doctor` do not reach the servers.

[store]
url = "sqlite:///demo.db"

[[registry]]
path = "registry.csv"

[[people]]
path = "people.csv"

[[source]]
name = "aws"
type = "aws"
endpoint_url = "{servers.aws}"
regions = [{regions}]

[[source]]
name = "vault"
type = "vault"
url = "{servers.vault}"
token = {{ env = "MUSTER_DEMO_VAULT_TOKEN" }}

[[source]]
name = "azure"
type = "azure"
tenant_id = "{servers.azure.tenant.id}"
client_id = "{servers.azure.tenant.client_id}"
client_secret = {{ env = "MUSTER_DEMO_AZURE_SECRET" }}
endpoint_url = "{servers.azure.url}"
ca_file = "{servers.azure.ca_file}"

[[source]]
name = "gcp"
type = "gcp"
endpoint_url = "{servers.gcp}"
access_token = {{ env = "MUSTER_DEMO_GCP_TOKEN" }}

[[source]]
name = "github"
type = "github"
organization = "{github}"
endpoint_url = "{servers.github}"
token = {{ env = "MUSTER_DEMO_GITHUB_TOKEN" }}

[[source]]
name = "cluster"
type = "kubernetes"
url = "{servers.kubernetes}"
token = {{ env = "MUSTER_DEMO_KUBERNETES_TOKEN" }}

[[source]]
name = "anthropic"
type = "anthropic"
organization = "Tidewater"
from_files = "{anthropic}"

[[source]]
name = "leaks"
type = "secrets_report"
path = "{leaks}"
repository = "tidewater/warehouse"

[[source]]
name = "saas-bots"
type = "file"
path = "bots.csv"

[[log]]
name = "{trail}"
type = "cloudtrail"
path = "{trail}"
source = "aws"
since = "{days}d"

[[log]]
name = "openbao-audit"
type = "vault_audit"
path = "{openbao}"
source = "vault"

[[log]]
name = "sign-ins"                 # asked for live
type = "entra"
source = "azure"
since = "3d"
"""


class Addresses(Struct, frozen=True, kw_only=True):
    """Where the demo's servers are, and who is in AWS."""

    aws: str
    vault: str
    azure: AzureServer
    gcp: str
    github: str
    kubernetes: str
    principals: Mapping[str, Principal]


def write_lists(folder: Path, estate: dict[str, Any], servers: Addresses) -> Path:
    """Write registry.csv, people.csv, bots.csv and config.toml; returns the config's path."""
    entries = (_entry(entry, servers.principals) for entry in estate["registry"])
    _write(folder / "registry.csv", _REGISTRY, entries)
    _write(folder / "people.csv", _PEOPLE, map(_person, estate["people"]))
    _write(folder / "bots.csv", _BOTS, map(_bot, estate["bots"]))
    config = folder / "config.toml"
    regions = ", ".join(f'"{region}"' for region in estate["regions"])
    text = _CONFIG.format(
        servers=servers,
        regions=regions,
        github=estate["github"]["organization"],
        trail=FOLDER,
        days=DAYS,
        openbao=AUDIT_LOG,
        anthropic=ANTHROPIC,
        leaks=LEAKS,
    )
    text += "".join(map(_exemption, estate["exempt"]))
    config.write_text(text, encoding="utf-8")
    (folder / _WRITTEN).write_text(json.dumps(_hashes(folder), indent=1), encoding="utf-8")
    return config


def edited_lists(folder: Path) -> list[str]:
    """The files in that folder that were edited since the last demo."""
    try:
        written = json.loads((folder / _WRITTEN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        written = None
    known = written if isinstance(written, dict) else {}
    return [name for name, found in _hashes(folder).items() if known.get(name) != found]


def _hashes(folder: Path) -> dict[str, str]:
    there = (name for name in _LISTS if (folder / name).is_file())
    return {name: sha256((folder / name).read_bytes()).hexdigest() for name in there}


def _write(path: Path, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(headings)
        writer.writerows(rows)


def _day(table: dict[str, Any], key: str) -> str:
    return f"{days_ago(table[key]):%Y-%m-%d}" if key in table else ""


def _entry(entry: dict[str, Any], principals: Mapping[str, Principal]) -> list[str]:
    return [
        entry["id"],
        "; ".join(entry["identities"]),
        entry.get("provider", ""),
        entry.get("kind", ""),
        entry.get("owner", ""),
        entry.get("backup_owner", ""),
        entry["purpose"],
        entry.get("environment", ""),
        entry.get("status", ""),
        _day(entry, "reviewed"),
        _day(entry, "expires"),
        "; ".join(entry.get("systems", ())),
        "; ".join(principals[one].keys[0] for one in entry.get("credentials", ())),
    ]


def _person(person: dict[str, Any]) -> list[str]:
    return [
        person["email"],
        person["name"],
        person.get("team", ""),
        person.get("manager", ""),
        person.get("status", ""),
        _day(person, "left"),
        "; ".join(person.get("members", ())),
    ]


def _bot(bot: dict[str, Any]) -> list[str]:
    return [bot["name"], bot["kind"], bot.get("description", ""), _day(bot, "created"), _day(bot, "used"), "365"]


def _exemption(exempt: dict[str, Any]) -> str:
    until = f"{days_ago(-exempt['until']):%Y-%m-%d}"
    return f'\n[[exempt]]\nmatch = "{exempt["match"]}"\nreason = "{exempt["reason"]}"\nuntil = {until}\n'
