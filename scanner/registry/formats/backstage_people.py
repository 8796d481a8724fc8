"""Backstage: users and groups as people.

Who belongs to a group is said in four places (``members``, ``memberOf``, ``children``, ``parent``); all count.

https://backstage.io/docs/features/software-catalog/descriptor-format#kind-group
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scanner.registry.formats.backstage import Ref, parse_ref, ref_of
from scanner.registry.formats.declaration import Declaration, Document, filled, text, texts

_USER_ALIASES = ("github.com/user-login", "graph.microsoft.com/user-id", "backstage.io/ldap-uuid")
_GROUP_ALIASES = ("github.com/team-slug", "graph.microsoft.com/group-id", "backstage.io/ldap-uuid")


def people(documents: Sequence[Document]) -> Iterator[Declaration]:
    """The users and groups; a group goes by ``team:`` and its name, a user without an e-mail by the reference."""
    entities = [(ref, one) for one in documents if (ref := ref_of(one.data)) and ref.kind in ("user", "group")]
    members = _members(entities)
    same = _same_address(entities)
    for ref, document in entities:
        if ref.kind == "group":
            fields = _group(ref, document.data, members[ref])
        elif (users := same[_address(ref, document.data).lower()])[0] == ref:
            fields = _user(ref, document.data, users[1:])
        else:
            continue
        yield Declaration(document=document, stand_in=str(ref), fields=fields)


def _members(entities: Sequence[tuple[Ref, Document]]) -> Mapping[Ref, dict[str, None]]:
    """The members of each group, in the order of the documents.

    A user of this catalog goes by the reference, which is unique; any other by the name, which another list may know.
    """
    known = {ref for ref, _ in entities}
    members: dict[Ref, dict[str, None]] = defaultdict(dict)
    for ref, document in entities:
        data = document.data
        if ref.kind == "user":
            for group in texts(data, "spec", "memberOf"):
                members[parse_ref(group, "group")][str(ref)] = None
            continue
        for user in texts(data, "spec", "members"):
            named = parse_ref(user, "user")
            members[ref][str(named) if named in known else named.person] = None
        for child in texts(data, "spec", "children"):
            members[ref][parse_ref(child, "group").person] = None
        if parent := text(data, "spec", "parent"):
            members[parse_ref(parent, "group")][ref.person] = None
    return members


def _address(ref: Ref, data: Mapping[str, Any]) -> str:
    return text(data, "spec", "profile", "email") or str(ref)


def _same_address(entities: Sequence[tuple[Ref, Document]]) -> Mapping[str, list[Ref]]:
    """The users of each address: one person may be a user of several namespaces."""
    users: dict[str, list[Ref]] = defaultdict(list)
    for ref, document in entities:
        if ref.kind == "user":
            users[_address(ref, document.data).lower()].append(ref)
    return users


def _user(ref: Ref, data: Mapping[str, Any], others: Sequence[Ref]) -> dict[str, Any]:
    names = [name for other in others for name in (str(other), other.short)]
    groups = texts(data, "spec", "memberOf")
    return {
        "email": _address(ref, data),
        "id": str(ref),
        "name": text(data, "spec", "profile", "displayName"),
        "aliases": filled(ref.short, *names, *_annotated(data, _USER_ALIASES)),
        "team": parse_ref(groups[0], "group").short if groups else None,
    }


def _group(ref: Ref, data: Mapping[str, Any], members: Mapping[str, None]) -> dict[str, Any]:
    return {
        "email": ref.person,
        "id": str(ref),
        "name": text(data, "spec", "profile", "displayName"),
        "aliases": filled(text(data, "spec", "profile", "email"), *_annotated(data, _GROUP_ALIASES)),
        "members": list(members) or None,
    }


def _annotated(data: Mapping[str, Any], names: Sequence[str]) -> list[str | None]:
    return [text(data, "metadata", "annotations", name) for name in names]
