"""Write the demo's registry, roster, list of bots, and config."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from connectors.fakes.azure.server import AzureServer
from scanner.demo.estate import days_ago

# Headings as an organisation would write them, not Muster's own.
_REGISTRY = ("ID", "Service account", "Provider", "Type", "Owner e-mail", "Backup owner", "Purpose", "Env", "Status",
             "Last reviewed", "Expires")  # fmt: skip
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
endpoint_url = "{aws}"
regions = [{regions}]

[[source]]
name = "vault"
type = "vault"
url = "{vault}"
token = {{ env = "MUSTER_DEMO_VAULT_TOKEN" }}

[[source]]
name = "azure"
type = "azure"
tenant_id = "{azure.tenant.id}"
client_id = "{azure.tenant.client_id}"
client_secret = {{ env = "MUSTER_DEMO_AZURE_SECRET" }}
endpoint_url = "{azure.url}"
ca_file = "{azure.ca_file}"

[[source]]
name = "gcp"
type = "gcp"
endpoint_url = "{gcp}"
access_token = {{ env = "MUSTER_DEMO_GCP_TOKEN" }}

[[source]]
name = "saas-bots"
type = "file"
path = "bots.csv"
"""


def write_lists(folder: Path, estate: dict[str, Any], *, aws: str, vault: str, azure: AzureServer, gcp: str) -> Path:
    """Write registry.csv, people.csv, bots.csv and config.toml; returns the config's path."""
    _write(folder / "registry.csv", _REGISTRY, map(_entry, estate["registry"]))
    _write(folder / "people.csv", _PEOPLE, map(_person, estate["people"]))
    _write(folder / "bots.csv", _BOTS, map(_bot, estate["bots"]))
    config = folder / "config.toml"
    regions = ", ".join(f'"{region}"' for region in estate["regions"])
    text = _CONFIG.format(aws=aws, vault=vault, azure=azure, gcp=gcp, regions=regions)
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


def _entry(entry: dict[str, Any]) -> list[str]:
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
