"""Accounts of people and machines, with the tokens and keys that act as them (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from connectors.core.reading import unread_facts
from connectors.github import keys
from connectors.github.client.payloads import AccessToken, Authorization, Role, moment
from connectors.github.identities.place import GithubScope
from connectors.github.rights.privileges import highest, of_permissions, of_role, of_scopes, ways, ways_of_role
from scanner.model import Credential, CredentialKind, Grant, Identity, Privilege, Signal, credential_key
from scanner.model.attributes import FORMER_MEMBER
from scanner.model.reach import Way

_BOT_LIKE = re.compile(
    r"(?:^|[-_.+])(?:bot|robot|ci|cd|cicd|svc|service|deploy(?:er|ment)?|automation|machine|build|release|jenkins|sync)"
    r"(?:$|[-_.+\d@])",
    re.IGNORECASE,
)


class GithubMember(Struct, kw_only=True):
    """An account, as the organization lists it. ``linked``: the name that single sign-on knows it by.

    ``role``: ``member``, ``admin`` or ``outside_collaborator``; None for one that is no longer any of these.
    """

    login: str
    id: int | None = None
    type: str = "User"
    role: str | None = None
    email: str | None = None
    linked: str | None = None


class GithubPeople(Struct):
    """The accounts by login, in lower case. ``complete``: whether all members and collaborators are known.

    ``has_sso``: whether the organization signs people in by single sign-on; None where that is not shown.
    """

    members: dict[str, GithubMember]
    complete: bool = False
    has_sso: bool | None = None

    def is_former(self, login: str | None) -> bool:
        """Whether it is known to be no member and no collaborator."""
        is_app = (login or "").endswith("[bot]")
        return self.complete and bool(login) and not is_app and str(login).lower() not in self.members

    def known_as(self, login: str) -> str:
        """The address that single sign-on knows an account by, or else its login; what is no login stays as it is."""
        member = self.members.get(login.lower())
        return member.linked if member and member.linked and "@" in member.linked else login


class Holdings(Struct):
    """Credentials that act as accounts, and roles of accounts. ``roles``: by login in lower case; None if unknown.

    ``reachable``: the repositories that tokens are limited to, by the id of their grant, as far as these were read.
    """

    tokens: Iterable[AccessToken] = ()
    authorizations: Iterable[Authorization] = ()
    roles: Mapping[str, Sequence[Role]] | None = {}
    reachable: Mapping[int, Sequence[str]] = {}


class AccountCredentials(Struct):
    """Of one account."""

    tokens: list[AccessToken]
    authorizations: list[Authorization]
    roles: Sequence[Role] | None = ()
    reachable: Mapping[int, Sequence[str]] = {}


def identities(place: GithubScope, people: GithubPeople, holdings: Holdings, *, unread: bool) -> Iterator[Identity]:
    """The accounts that are, or may be, of machines, and those that hold a token or key.

    Who signs in by single sign-on, holds nothing and has an ordinary name is a person, and left out. ``unread``:
    tokens and keys could not all be read.
    """
    held: dict[str, AccountCredentials] = {}
    for token in holdings.tokens:
        held.setdefault(token.owner.login.lower(), AccountCredentials([], [])).tokens.append(token)
    for one in holdings.authorizations:
        held.setdefault(one.login.lower(), AccountCredentials([], [])).authorizations.append(one)
    named = {token.owner.login.lower(): token.owner.login for mine in held.values() for token in mine.tokens}
    named |= {one.login.lower(): one.login for mine in held.values() for one in mine.authorizations}
    for login in sorted({*people.members, *held}):
        member = people.members.get(login) or GithubMember(login=named[login])
        mine = held.get(login)
        if mine is None and member.linked is not None and not is_bot_like(member):
            continue
        roles = None if holdings.roles is None else holdings.roles.get(login, ())
        yield _identity(
            place,
            people,
            member,
            replace(mine or AccountCredentials([], []), roles=roles, reachable=holdings.reachable),
            unread=unread,
        )


def is_bot_like(member: GithubMember) -> bool:
    """Whether its name, or its address, is that of a machine."""
    local = (member.email or member.linked or "").partition("@")[0]
    return member.type == "Bot" or any(_BOT_LIKE.search(text) for text in (member.login, local) if text)


def _identity(
    place: GithubScope, people: GithubPeople, member: GithubMember, held: AccountCredentials, *, unread: bool
) -> Identity:
    facts = place.facts(f"users/{member.login}", _kind(people, member), member.login)
    former = {FORMER_MEMBER: member.login} if people.is_former(member.login) else {}
    rights = [of_permissions(one.permissions.flat, one.repository_selection) for one in held.tokens]
    levels = [*(one.privilege for one in rights), *(of_scopes(one.scopes or ()) for one in held.authorizations)]
    levels += [of_role(one.name, one.base_role, one.permissions) for one in held.roles or ()]
    if member.role == "admin":
        levels.append(Privilege(level="admin", evidence=("owner of the organization",)))
    privilege = highest((level.level, why) for level in levels for why in level.evidence or ("",) if why)
    if held.roles is None and privilege.level == "normal" and member.role != "outside_collaborator":
        privilege = Privilege(level="unknown", evidence=("its roles in the organization could not be read",))
    credentials = {one.key: one for one in _credentials(facts["key"], held, former)}
    grants: list[Grant] = [grant for one in rights for grant in one.grants]
    grants += [Grant(name=scope, via="direct") for one in held.authorizations for scope in sorted(one.scopes or ())]
    grants += [Grant(name=f"role: {one.name}", via="direct") for one in held.roles or ()]
    used = [one.last_used_at for one in credentials.values() if one.last_used_at is not None]
    attributes: dict[str, Any] = {"role": member.role} if member.role else {}
    if member.email:
        attributes["email"] = member.email
    if member.linked:
        attributes["sso"] = member.linked
    return Identity(
        **facts,
        unique_id=None if member.id is None else f"user:{member.id}",
        aliases=tuple(dict.fromkeys(one for one in (member.email, member.linked) if one and "@" in one)),
        last_used_at=max(used, default=None),
        attributes=attributes,
        signals=tuple(_signals(people, member, has_keys=bool(credentials))),
        credentials=tuple(credentials.values()),
        grants=tuple(dict.fromkeys(grants)),
        privilege=privilege,
        reach=tuple(dict.fromkeys(_ways(place, held))),
        unread=unread_facts(credentials=unread, use=unread),
    )


def _ways(place: GithubScope, held: AccountCredentials) -> Iterator[Way]:
    """The workflows that its tokens and roles can take over. The repositories of a classic token are not listed."""
    for one in held.tokens:
        named = held.reachable.get(one.id)
        only = None if named is None else [keys.repository(place.organization.host, name) for name in named]
        yield from ways(one.permissions.flat, one.repository_selection, place.root, only)
    if any(one.scopes and "repo" in one.scopes for one in held.authorizations):
        yield from ways({"contents": "write"}, "", place.root)
    for role in held.roles or ():
        yield from ways_of_role(role.name, role.base_role, place.root)


def _kind(people: GithubPeople, member: GithubMember) -> str:
    if people.is_former(member.login):
        return "former_member"
    return "outside_collaborator" if member.role == "outside_collaborator" else "member"


def _credentials(key: str, held: AccountCredentials, former: dict[str, str]) -> Iterator[Credential]:
    for token in held.tokens:
        ends = moment(token.token_expires_at)
        yield Credential(
            key=credential_key(key, "token", str(token.token_id)),
            kind="token",
            id=str(token.token_id),
            enabled=not token.token_expired,
            created_at=moment(token.access_granted_at),
            expires_at=ends,
            never_expires=token.token_expires_at is None and not token.token_expired,
            last_used_at=moment(token.token_last_used_at),
            attributes={
                "name": token.token_name,
                "type": "fine-grained",
                "grant_id": token.id,
                **({"repositories": list(held.reachable[token.id])} if token.id in held.reachable else {}),
                **former,
            },
        )
    for one in held.authorizations:
        kind: CredentialKind = "ssh_key" if "ssh" in one.credential_type.lower() else "token"
        id_ = _fingerprint(one.fingerprint) or str(one.authorized_credential_id or one.credential_id)
        title = one.authorized_credential_title or one.authorized_credential_note
        yield Credential(
            key=credential_key(key, kind, id_),
            kind=kind,
            id=id_,
            created_at=moment(one.credential_authorized_at),
            expires_at=moment(one.authorized_credential_expires_at),
            last_used_at=moment(one.credential_accessed_at),
            attributes={"type": one.credential_type, **({"name": title} if title else {}), **former},
        )


def _fingerprint(text: str | None) -> str | None:
    """As keys have it everywhere: ``SHA256:…``."""
    if not text:
        return None
    return text if ":" in text else f"SHA256:{text.rstrip('=')}"


def _signals(people: GithubPeople, member: GithubMember, *, has_keys: bool) -> Iterator[Signal]:
    if member.type == "Bot":
        yield Signal(says="machine", sort="provider", evidence="an account of type Bot")
    if is_bot_like(member):
        yield Signal(says="machine", sort="name", evidence=f"the name {member.login}", strength="weak")
    if member.linked is not None and not is_bot_like(member):
        yield Signal(says="human", sort="provider", evidence=f"signs in by single sign-on as {member.linked}")
    elif people.has_sso and member.linked is None and member.role in ("member", "admin"):
        yield Signal(
            says="machine",
            sort="credential",
            evidence="not linked to single sign-on, which the organization signs people in by",
            strength="strong" if is_bot_like(member) or has_keys else "weak",
        )
