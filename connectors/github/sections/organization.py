"""Sections of the organization itself: roles, rulesets, the policy of Actions, runners, and private registries."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct, field

from connectors.core.contract import DiscoveredRecord, SectionReading
from connectors.github import spec as s
from connectors.github.client import payloads as p
from connectors.github.client import requests as r
from connectors.github.client.connections import nodes_of
from connectors.github.client.requests import GithubRequest
from connectors.github.identities.apps import runner_group
from connectors.github.identities.organization import jobs_token, registry
from connectors.github.reader import GithubReader
from scanner.errors import Denied, NotOffered, SourceError
from scanner.model import Identity

T = TypeVar("T")

RULESETS: Final = """\
query($org: String!, $endCursor: String) {
  organization(login: $org) {
    rulesets(first: 50, after: $endCursor) {
      pageInfo { hasNextPage endCursor }
      nodes {
        name enforcement
        bypassActors(first: 100) { nodes { deployKey actor { ... on App { slug } } } }
      }
    }
  }
}
"""
_ACTIVE: Final = "ACTIVE"


class Bypasses(Struct, frozen=True):
    """The names of rulesets that Apps (by slug) and deploy keys bypass."""

    apps: Mapping[str, Sequence[str]] = {}
    deploy_keys: Sequence[str] = ()


class _Actor(Struct):
    slug: str | None = None


class _Bypass(Struct):
    deploy_key: bool = field(name="deployKey", default=False)
    actor: _Actor | None = None


class _Bypasses(Struct):
    nodes: list[_Bypass | None] | None = None


class _Ruleset(Struct):
    name: str
    enforcement: str
    bypasses: _Bypasses | None = field(name="bypassActors", default=None)


def read_rulesets(reader: GithubReader) -> Generator[DiscoveredRecord, None, Bypasses]:
    """Actors that bypass the organization's rulesets. GitHub shows them only to accounts that can change rulesets."""
    if not reader.settings.rulesets:
        yield reader.place.scope.coverage(s.RULESETS, "off")
        return Bypasses()
    apps: dict[str, list[str]] = {}
    keys: list[str] = []
    with reader.section(s.RULESETS) as section:
        hidden = 0
        for one in _rulesets(reader, section):
            hidden += one.bypasses is None
            if one.bypasses is None or one.enforcement != _ACTIVE:
                continue
            for bypass in one.bypasses.nodes or ():
                if bypass is not None and bypass.deploy_key:
                    keys.append(one.name)
                elif bypass is not None and bypass.actor and bypass.actor.slug:
                    apps.setdefault(bypass.actor.slug.lower(), []).append(one.name)
        if hidden:
            error = Denied(f"who bypasses {hidden} rulesets is not shown", permission=r.BYPASSES.line)
            section.lost(error, partial=True)
    yield reader.done(section)
    return Bypasses(apps, keys)


def _rulesets(reader: GithubReader, section: SectionReading) -> Iterator[_Ruleset]:
    for number, node in enumerate(nodes_of(reader.api, section, RULESETS, reader.org, "rulesets", asked=r.BYPASSES)):
        try:
            yield msgspec.convert(node, _Ruleset)
        except msgspec.ValidationError as error:
            section.malformed(f"ruleset {number + 1}", str(error))


def read_roles(reader: GithubReader) -> Generator[DiscoveredRecord, None, Mapping[str, Sequence[p.Role]]]:
    """The organization roles of accounts, including those of their teams, by login in lower case."""
    held: dict[str, list[p.Role]] = {}
    with reader.section(s.ROLES) as section:
        roles = reader.listed(section, r.ROLES, p.Role)

        def users(role: p.Role) -> list[p.RoleHolder]:
            return list(reader.api.rows(r.ROLE_USERS, p.RoleHolder, section, org=reader.org, role_id=str(role.id)))

        for role, holders in reader.each(section, "roles", users, roles, lambda role: role.name):
            for holder in holders:
                held.setdefault(holder.login.lower(), []).append(role)
    yield reader.done(section)
    return held


def read_actions_policy(reader: GithubReader) -> Generator[DiscoveredRecord, None, Identity | None]:
    """The default permissions of job tokens, and the policy for workflows. Returns the token, if it was read."""
    facts: dict[str, Any] = {}
    with reader.section(s.ACTIONS_POLICY) as section:
        errors: list[SourceError] = []
        token = _one(reader, section, r.WORKFLOW_POLICY, p.WorkflowPolicy, errors)
        section.found(token is not None)
        for request, shape, prefix in (
            (r.ACTIONS_POLICY, p.ActionsPolicy, ""),
            (r.RUNNER_POLICY, p.RunnerPolicy, "own_runners_"),
            (r.FORK_APPROVAL, p.ForkApproval, "forks_"),
            (r.FORK_POLICY, p.ForkPolicy, "private_forks_"),
        ):
            found = _one(reader, section, request, shape, errors)
            facts |= {prefix + name: value for name, value in msgspec.to_builtins(found or {}).items()}
        for error in errors:
            section.lost(error, partial=bool(facts))
    yield reader.done(section)
    return None if token is None else jobs_token(reader.place, token, {**msgspec.to_builtins(token), **facts})


def _one(
    reader: GithubReader, section: SectionReading, request: GithubRequest, shape: type[T], errors: list[SourceError]
) -> T | None:
    """A single response; None with an error or a note if there is none."""
    try:
        return reader.api.one(request, shape, org=reader.org)
    except NotOffered as error:
        section.note(str(error))
    except SourceError as error:
        errors.append(error)
    return None


def read_registries(reader: GithubReader) -> Generator[DiscoveredRecord, None, None]:
    """Private registries: names of stored secrets, or links to the identities that GitHub's tokens sign in as."""
    with reader.section(s.PRIVATE_REGISTRIES) as section:
        for row in reader.listed(section, r.PRIVATE_REGISTRIES, p.Registry):
            yield registry(reader.place, row)
            section.found()
    yield reader.done(section)


def read_runners(reader: GithubReader) -> Generator[DiscoveredRecord, None, None]:
    """Runner groups with their runners. A default group without runners is left out."""
    with reader.section(s.RUNNERS) as section:
        groups = reader.listed(section, r.RUNNER_GROUPS, p.RunnerGroup)
        runners = reader.listed(section, r.RUNNERS, p.Runner)
        hosted: list[p.HostedRunner] = []
        try:
            hosted.extend(reader.api.rows(r.HOSTED_RUNNERS, p.HostedRunner, section, org=reader.org))
        except NotOffered:
            section.note("runners that GitHub hosts for the organization are not offered")
        except SourceError as error:
            section.lost(error, partial=bool(groups))
        are_known = not section.coverage.is_gap
        for group in groups:
            own = [one for one in runners if one.runner_group_id == group.id]
            by_github = [one for one in hosted if one.runner_group_id == group.id]
            if own or by_github or not group.default or not are_known:
                yield runner_group(reader.place, group, own, by_github)
                section.found()
    yield reader.done(section)
