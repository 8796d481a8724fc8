"""The section of members: accounts of people and machines, and their identities in single sign-on."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import msgspec
from msgspec import Struct, field

from connectors.core.contract import DiscoveredRecord, SectionReading
from connectors.github import spec as s
from connectors.github.client import payloads as p
from connectors.github.client import requests as r
from connectors.github.identities.people import GithubMember, GithubPeople
from connectors.github.reader import GithubReader
from scanner.errors import SourceError

SSO: Final = """\
query($org: String!, $endCursor: String) {
  organization(login: $org) {
    login
    samlIdentityProvider {
      externalIdentities(first: 100, after: $endCursor, membersOnly: true) {
        pageInfo { hasNextPage endCursor }
        nodes { user { login } samlIdentity { nameId } }
      }
    }
  }
}
"""


def read_people(reader: GithubReader, *, may_have_sso: bool) -> Generator[DiscoveredRecord, None, GithubPeople]:
    """Members, owners and outside collaborators, with their identities in single sign-on."""
    people = GithubPeople({})
    with reader.section(s.MEMBERS) as section:
        for request, role in ((r.MEMBERS, "member"), (r.OUTSIDE, "outside_collaborator"), (r.OWNERS, "admin")):
            people.complete = not section.coverage.is_gap
            for row in reader.listed(section, request, p.Account):
                member = people.members.setdefault(
                    row.login.lower(), GithubMember(login=row.login, id=row.id, type=row.type)
                )
                member.role = role
        if may_have_sso:
            _link(reader, section, people)
        section.found(len(people.members))
    yield reader.done(section)
    return people


class _SsoUser(Struct):
    login: str


class _Saml(Struct):
    name_id: str | None = field(name="nameId", default=None)


class _Linked(Struct):
    user: _SsoUser | None = None
    saml: _Saml | None = field(name="samlIdentity", default=None)


class _Page(Struct):
    has_next: bool = field(name="hasNextPage", default=False)
    cursor: str | None = field(name="endCursor", default=None)


class _Identities(Struct):
    page: _Page = field(name="pageInfo")
    nodes: list[_Linked | None] = []


class _Provider(Struct):
    identities: _Identities = field(name="externalIdentities")


class _Organization(Struct):
    provider: _Provider | None = field(name="samlIdentityProvider", default=None)


def _link(reader: GithubReader, section: SectionReading, people: GithubPeople) -> None:
    """Add the accounts' identities in single sign-on. Without the right to see them, they are unknown, with a note."""
    cursor: str | None = None
    seen: set[str | None] = {None}
    while True:
        try:
            answer = reader.api.query(SSO, {"org": reader.org, "endCursor": cursor}, r.INSTALLATIONS.permission)
            found = msgspec.convert(answer.data.get("organization"), _Organization)
        except (SourceError, msgspec.ValidationError) as error:
            section.note(f"single sign-on could not be read: {error}")
            return
        if found.provider is None:
            people.has_sso = None if answer.errors else False
            return
        for one in found.provider.identities.nodes:
            member = people.members.get(one.user.login.lower()) if one and one.user else None
            if member is not None and one is not None:
                member.linked = (one.saml and one.saml.name_id) or member.login
        page = found.provider.identities.page
        if not page.has_next:
            people.has_sso = True  # only after the last page is it known which accounts are not linked
            return
        cursor = page.cursor
        if cursor in seen:
            section.note("single sign-on could not be read: its pages repeat")
            return
        seen.add(cursor)
