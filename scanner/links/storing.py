"""Which stored secret holds whose credential, where the secret says so. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from msgspec import structs

from scanner.model import Identity, Link, StoredSecret

HOLDS_FOR = "identity"
"""Among a stored secret's attributes: whose credential it is, by key, unique id, id of a credential, or name."""


def with_stored(identities: Sequence[Identity], secrets: Iterable[StoredSecret]) -> tuple[Identity, ...]:
    """The identities, with ``stores`` links to the secrets that say they hold a credential of theirs.

    A bare name counts within the secret's own scope, and only where it is one identity's.
    """
    saying = [(one, who) for one in secrets if isinstance(who := one.attributes.get(HOLDS_FOR), str) and who]
    if not saying:
        return tuple(identities)
    meant = {who for _, who in saying}
    exactly: dict[str, str] = {}
    by_name: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in identities:
        exactly |= dict.fromkeys(meant.intersection(_ids(one)), one.key)
        if one.name in meant:
            by_name[one.provider, one.scope, one.name].append(one.key)
    links: defaultdict[str, list[Link]] = defaultdict(list)
    for secret, who in saying:
        named = by_name.get((secret.provider, secret.scope, who), [])
        holder = exactly.get(who) or (named[0] if len(named) == 1 else None)
        if holder is not None:
            evidence = f"{secret.name} says that it holds a credential of {who}"
            links[holder].append(Link(relation="stores", target=secret.key, evidence=evidence))
    return tuple(_linked(one, links[one.key]) if one.key in links else one for one in identities)


def _ids(identity: Identity) -> Iterator[str]:
    yield identity.key
    if identity.unique_id is not None:
        yield identity.unique_id
    for credential in identity.credentials:
        yield credential.id


def _linked(identity: Identity, links: Iterable[Link]) -> Identity:
    held = {(link.relation, link.target): link for link in (*links, *identity.links)}
    every = sorted(held.values(), key=lambda link: (link.relation, link.target))
    return structs.replace(identity, links=tuple(every))
