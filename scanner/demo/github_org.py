"""The demo's organization at GitHub, from github.toml, in a simulator on loopback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from scanner.demo.estate import days_ago
from scanner.demo.fakes.github.organization import URL, Organization
from scanner.demo.fakes.github.server import github_server

Table = Mapping[str, Any]


@contextmanager
def organization_server(estate: Table, token: str) -> Iterator[str]:
    """Serve the organization for the duration of a ``with`` block; yields its URL."""
    with github_server(planted(estate), token) as url:
        yield url


def planted(estate: Table) -> Organization:
    """The simulator with the whole organization."""
    organization = Organization(estate["organization"])
    for member in estate["members"]:
        organization.add_member(member["login"], sso=member.get("sso"), role=member.get("role", "member"))
    for app in estate["apps"]:
        facts = {"contact_email": app["contact"]} if "contact" in app else {}
        organization.add_app(app["slug"], app["permissions"], created_at=_moment(app["created"]), **facts)
    for token in estate["tokens"]:
        made = {"access_granted_at": _moment(token["created"]), "token_last_used_at": _moment(token["used"])}
        organization.add_token(token["login"], token["id"], {"repository": token["permissions"]}, **made)
    for repository in estate["repositories"]:
        _repository(organization, repository)
    for number, runner in enumerate(estate["runners"], start=2):
        _runner(organization, number, runner)
    return organization


def _repository(organization: Organization, row: Table) -> None:
    files = {f".github/workflows/{name}": text for name, text in row.get("workflows", {}).items()}
    files |= row.get("files", {})
    if "owners" in row:
        files[".github/CODEOWNERS"] = row["owners"]
    full_name = organization.add_repository(
        row["name"],
        files=files,
        environments=row.get("environments", []),
        visibility=row.get("visibility", "PRIVATE"),
        createdAt=_moment(row["created"]),
        pushedAt=_moment(1),
    )
    for team, level in row.get("teams", {}).items():
        organization.teams.append({"slug": team, "repositories": {full_name: level}})
    for key in row.get("keys", ()):
        organization.add_key(
            full_name,
            key["title"],
            created_at=_moment(key["created"]),
            last_used=_moment(key["used"]),
            read_only=not key["writes"],
            added_by=key["added_by"],
        )
    for secret in row.get("secrets", ()):
        made = _moment(secret["created"])
        organization.add_secret(f"/repos/{full_name}/actions/secrets", secret["name"], created_at=made, updated_at=made)


def _runner(organization: Organization, number: int, row: Table) -> None:
    organization.rows("actions/runner-groups").append(
        {"id": number, "name": row["group"], "visibility": "all", "default": False, "runners_url": URL,
         "inherited": False, "allows_public_repositories": row["public"]}
    )  # fmt: skip
    organization.rows("actions/runners").append(
        {"id": number, "name": row["name"], "os": "linux", "status": "online", "busy": False,
         "runner_group_id": number, "labels": [{"name": "self-hosted"}]}
    )  # fmt: skip


def _moment(days: float) -> str:
    return f"{days_ago(days):%Y-%m-%dT%H:%M:%SZ}"
