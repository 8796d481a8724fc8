"""Compares identities with their registry entries."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec
from msgspec import Struct

from scanner.access.blast_radius.counts import Radii
from scanner.access.blast_radius.declared import Statement, beyond, declared_by
from scanner.catalog import read_table
from scanner.matching.actions import Actions, are_within, meets, parsed
from scanner.matching.declared import environment_of, environments
from scanner.matching.globs import compile_glob
from scanner.matching.keys import Known, fold, known, tag_name
from scanner.model import Assessment, Credential, CredentialKind, Drift, Entry, Grant, Identity, Person, ScanResult
from scanner.model.attributes import ALLOWED_ACTIONS, ALLOWED_UNREAD
from scanner.registry.columns import OWNERS
from scanner.registry.roster import Roster
from scanner.text import counted

# --- Discovered credentials against those in the entry: ids, kinds, and the maximum age ---

_NOT_ALNUM = re.compile(r"[\W_]+")


class _Terms(Struct, frozen=True, forbid_unknown_fields=True):
    """drift.toml explains the fields."""

    kinds: Mapping[CredentialKind, tuple[str, ...]]
    anything: frozenset[str]


_TERMS = read_table("scanner.judging", "drift.toml", _Terms)
_HAS_NO_ID: frozenset[CredentialKind] = frozenset({"password", "federation"})
_USUAL_IDS = (
    r"(?i:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",  # UUIDs
    r"(?i:(?:[0-9a-f]{2}:){7,}[0-9a-f]{2})|SHA256:\S+",  # serial numbers and fingerprints
    r"(?=[A-Za-z]*\d)[A-Za-z0-9]{20,}",  # ids of keys and accessors of tokens
)
_WORD = re.compile(r"[^\s,;()]+")
_BETWEEN_KINDS = re.compile(r"[,;/+&()\n]|\b(?:and|or)\b", re.IGNORECASE)


class _Said(Struct, frozen=True):
    """The content of a credentials cell. ``understood``: every text in it is a kind or contains an id."""

    ids: frozenset[str]
    kinds: frozenset[CredentialKind]
    understood: bool


def undeclared_credentials(identity: Identity, entry: Entry, now: datetime) -> Iterator[Drift]:
    """Yield live credentials of which the entry lists neither id nor kind.

    An id counts in any column of the entry. If ids of a kind are listed, others of that kind are undeclared, even if
    the kind is named. Credentials of other kinds are undeclared only if the whole cell is understood: ``see wiki`` may
    allow anything.
    """
    said = _said(entry.credentials)
    named = set(map(_as_compared, (*said.ids, *entry.credentials, *entry.identities)))
    listed = [one for one in identity.credentials if _as_compared(one.id) in named and one.kind not in _HAS_NO_ID]
    by_id: set[CredentialKind] = {one.kind for one in listed}
    kinds_of_ids = _vocabulary().kinds_of_ids
    by_id |= {kind for kind, like in kinds_of_ids for text in (*said.ids, *entry.identities) if like.fullmatch(text)}
    exhaustive = bool(entry.credentials) and said.understood
    for one in _live(identity.credentials, now):
        unknown = one.kind in by_id or (exhaustive and one.kind not in said.kinds)
        if unknown and _as_compared(one.id) not in named:
            other_kind = bool(said.kinds) and one.kind not in said.kinds | by_id
            yield Drift(
                aspect="credential_kind" if other_kind else "credential_id",
                declared="; ".join(entry.credentials or entry.identities),
                found=_described(one),
                credential=one.key,
            )


def overaged_credentials(identity: Identity, entry: Entry, now: datetime) -> Iterator[Drift]:
    """Yield live credentials that are older than the entry allows, except federation, which stores no secret."""
    days = entry.max_credential_age
    if days is None:
        return
    for one in _live(identity.credentials, now):
        if one.kind != "federation" and one.created_at is not None and (now - one.created_at) / timedelta(1) > days:
            declared = f"at most {counted(days, 'day', 'days')} old"
            yield Drift(aspect="credential_age", declared=declared, found=_described(one), credential=one.key)


def listed_credential_ids(entry: Entry) -> frozenset[str]:
    """Return the ids of credentials that an entry lists, normalised; empty if it lists kinds, or that is unreadable."""
    if entry.hides("credentials"):
        return frozenset()
    forms = [form for _, form in _vocabulary().kinds_of_ids]
    ids = {
        *_said(entry.credentials).ids,
        *(text for text in entry.identities if any(one.fullmatch(text) for one in forms)),
    }
    return frozenset(map(_as_compared, (*ids, *entry.credentials))) if ids else frozenset()


def _live(credentials: Sequence[Credential], now: datetime) -> Iterator[Credential]:
    """Yield credentials that are neither disabled nor expired; unknown counts as live."""
    for one in credentials:
        if one.enabled is not False and (one.expires_at is None or one.expires_at > now):
            yield one


def _described(credential: Credential) -> str:
    made = f", created {credential.created_at:%Y-%m-%d}" if credential.created_at else ""
    return f"{credential.kind.replace('_', ' ')} {credential.id}{made}"


def _as_compared(credential_id: str) -> str:
    return fold(credential_id.strip())


@lru_cache(maxsize=1024)
def _said(credentials: tuple[str, ...]) -> _Said:
    ids: set[str] = set()
    kinds: set[CredentialKind] = set()
    understood = True
    known_kinds = _vocabulary().kinds
    for text in credentials:
        own = set(filter(_vocabulary().id.fullmatch, _WORD.findall(text)))
        ids |= own
        for words in _parts(text, own):
            meant = known_kinds.get(words, known_kinds.get(words.removesuffix("s")))
            kinds.update(meant or ())
            understood &= meant is not None or bool(own)
    return _Said(frozenset(ids), frozenset(kinds), understood)


def _parts(text: str, ids: set[str]) -> Iterator[str]:
    """Return the texts besides ids, one kind at a time, normalised."""
    rest = _WORD.sub(lambda word: "," if word[0] in ids else word[0], text)
    parts = [rest] if _as_word(rest) in _vocabulary().kinds else _BETWEEN_KINDS.split(rest)
    return filter(None, map(_as_word, parts))


def _as_word(text: str) -> str:
    """Return the text without case, blanks and punctuation."""
    return _NOT_ALNUM.sub("", fold(text))


# --- Terms for credentials and services in entries: common ones, and those of the known providers ---


class _Vocabulary:
    """The terms and formats of all providers together, because a cell seldom names its provider."""

    def __init__(self, everybody: Known) -> None:
        providers = tuple(everybody.providers.values())
        self.kinds: dict[str, frozenset[CredentialKind]] = {"mfa": frozenset()}  # protects a credential but is none
        for terms in (_TERMS.kinds, *(one.credential_words for one in providers)):
            for kind, listed in terms.items():
                for words in map(_as_word, listed):
                    self.kinds[words] = self.kinds.get(words, frozenset()) | {kind}
        forms = [form for one in providers for form in one.credential_ids]
        self.id = re.compile("|".join(f"(?:{like})" for like in (*(form.like for form in forms), *_USUAL_IDS)))
        self.kinds_of_ids = [(form.kind, re.compile(form.like)) for form in forms if form.kind is not None]
        self.services = frozenset[str]().union(*(one.services for one in providers))
        self.services_also = {also: name for one in providers for also, name in one.services_also.items()}
        self.no_system = frozenset[str]().union(*(one.no_system for one in providers))
        self.everybody_holds = frozenset[str]().union(*(one.everybody_holds for one in providers))
        self.resources = [re.compile(pattern) for one in providers for pattern in one.resources]
        self._actions = [re.compile(pattern, re.IGNORECASE) for one in providers for pattern in one.actions]
        vendors = [word for word, name in everybody.names.items() if everybody.providers[name].services]
        longest_first = sorted(map(re.escape, vendors), key=len, reverse=True)
        self.vendors = re.compile(rf"^(?:{'|'.join(longest_first)})\s+" if vendors else r"(?!)")

    def service_of_action(self, grant: str) -> str | None:
        """Return the service of a grant that is named after an action; else None."""
        found = (pattern.fullmatch(grant) for pattern in self._actions)
        return next((one["service"].lower() for one in found if one), None)

    def actions_from_start(self, permission: str) -> list[str]:
        """Return the actions in a declared permission that begins with one."""
        if self.service_named_first(permission) is None:
            return []
        return [found[0] for pattern in self._actions for found in pattern.finditer(permission)]

    def service_named_first(self, permission: str) -> str | None:
        """Return the service of the action at the beginning of a declared permission; people add words after it."""
        found = (pattern.match(permission) for pattern in self._actions)
        return next((one["service"].lower() for one in found if one), None)


_vocabulary_of = lru_cache(maxsize=1)(_Vocabulary)


def _vocabulary() -> _Vocabulary:
    return _vocabulary_of(known())


# --- Whether two owners are close to each other on the roster ---


def are_near(one: Person, other: Person, roster: Roster) -> bool:
    """Return whether they are the same, share a member, or one is the other's manager, as far as that can be read."""
    if "manager" in (*one.unread, *other.unread):
        return True
    managers = [roster.resolve(person.manager) for person in (one, other) if person.manager]
    shared = roster.with_members(one) & roster.with_members(other)
    return bool(shared) or any(person is not None and person.email in (one.email, other.email) for person in managers)


# --- Permissions and services against those in the entry, as far as grants show ---
#
# The name of a policy does not say what it allows. So four facts count: admin rights, the actions that policies allow,
# grants named in the same terms as the declared permissions, and services in a grant's actions or resources. Where the
# allowed actions are known, they decide.

NAMED = 5
"""The most grants or services that are named; the others are counted."""
_LETTERS = re.compile(r"[^\W\d_]+")


def undeclared_reach(identity: Identity, entry: Entry) -> Iterator[Drift]:
    """Yield permissions and systems beyond those declared."""
    permissions, systems = "; ".join(entry.permissions), "; ".join(entry.systems)
    if any(map(allows_anything, (*entry.permissions, *entry.systems))):
        return
    if (admin := _admin(identity)) is not None:
        yield Drift(aspect="permissions" if permissions else "systems", declared=permissions or systems, found=admin)
    says_nothing = _vocabulary().everybody_holds
    limited = [grant for grant in identity.grants if not grant.admin and grant.name not in says_nothing]
    allowed = _allowed(identity, limited, entry)
    grants = _undeclared_grants(limited, entry.permissions) | _undeclared_actions(allowed, entry)
    if grants:
        yield Drift(aspect="permissions", declared=permissions, found=_listed(grants))
    if services := _undeclared_services(limited, allowed, entry):
        yield Drift(aspect="systems", declared=systems, found=_listed(services))


def not_compared(identity: Identity, entry: Entry) -> Iterator[str]:
    """Yield what the entry declares and was not compared with what is allowed, with the reason, as sentences."""
    if entry.hides("systems", "permissions"):
        yield "permissions and systems: a cell of the entry cannot be read"
        return
    declares = bool(entry.permissions or entry.systems)
    if not declares or any(map(allows_anything, (*entry.permissions, *entry.systems))) or _admin(identity) is not None:
        return
    unread = identity.attributes.get(ALLOWED_UNREAD)
    if isinstance(unread, list | tuple) and unread:
        yield f"permissions and systems: {_listed({text for text in unread if isinstance(text, str)})}"
    elif "permissions" in identity.unread:
        yield "permissions and systems: not all that is allowed could be read"
    elif _attributed(identity) is None and identity.grants:
        yield "permissions and systems: the source says which grants it has, and not what they allow"
    declared = _declared_actions(entry)
    allowed = _allowed(identity, identity.grants, entry)
    if in_part := {str(one) for one in allowed if _may_be_declared(one, declared) and not are_within(one, declared)}:
        yield f"permissions: which actions is not known of {_listed(in_part)}"
    names = [text for text in entry.permissions if not _vocabulary().actions_from_start(text)]
    if unclear := _not_covered(names, [grant.name for grant in identity.grants]):
        yield f"permissions: {_listed(unclear)} names no action and none of its grants"
    if unknown := [text for text in entry.systems if known_service(text) is None]:
        yield f"systems: {_listed(unknown)} is no known service"


def allows_anything(declared: str) -> bool:
    """Return whether a text in an entry's systems or permissions allows everything."""
    return not any(map(str.isalnum, declared)) or not _TERMS.anything.isdisjoint(_LETTERS.findall(fold(declared)))


def _admin(identity: Identity) -> str | None:
    through = _listed({f"{grant.name} ({grant.via})" for grant in identity.grants if grant.admin})
    if through:
        return f"admin through {through}"
    return "; ".join(("admin", *identity.privilege.evidence[:1])) if identity.privilege.level == "admin" else None


def _undeclared_grants(grants: Sequence[Grant], permissions: Sequence[str]) -> set[str]:
    """Return grants that no declared permission covers, among actions, and among names of policies and roles.

    Actions can always be compared. A list of names is compared only if it has any of the granted names: ``read only``
    may mean any policy.
    """
    actions, names = _by_sort(permissions)
    granted_actions, granted_names = _by_sort({grant.name for grant in grants})
    other_actions = _not_covered(granted_actions, actions) if actions else set()
    other_names = _not_covered(granted_names, names)
    return other_actions | (other_names if len(other_names) < len(granted_names) else set())


def _allowed(identity: Identity, grants: Sequence[Grant], entry: Entry) -> list[Actions]:
    """Return the actions that these grants allow, as far as the source says, but for grants that the entry names."""
    names = _not_covered({grant.name for grant in grants}, entry.permissions)
    return [actions for name, actions in _attributed(identity) or () if name in names]


def _attributed(identity: Identity) -> list[tuple[str, Actions]] | None:
    """Return the actions that the identity's grants allow, each with the grant; None if the source does not say."""
    found = identity.attributes.get(ALLOWED_ACTIONS)
    if not isinstance(found, Mapping):
        return None
    listed = ((name, texts) for name, texts in found.items() if isinstance(texts, list | tuple))
    return [(name, parsed(text)) for name, texts in listed for text in texts if isinstance(text, str)]


def _undeclared_actions(allowed: Sequence[Actions], entry: Entry) -> set[str]:
    """Return allowed actions that no declared action covers; none if the entry names no action.

    Of actions that are not listed, the service decides: some of a declared service may be the declared ones.
    """
    declared = _declared_actions(entry)
    if not declared:
        return set()
    covered = (*declared, *_vocabulary().everybody_holds)
    return {str(one) for one in allowed if not _may_be_declared(one, declared) and not are_within(one, covered)}


def _may_be_declared(actions: Actions, declared: Sequence[str]) -> bool:
    """Return whether these are actions that are not listed, of a service of which some are declared."""
    return actions.unlisted and any(meets(pattern, actions.pattern) for pattern in declared)


def _declared_actions(entry: Entry) -> list[str]:
    words = _vocabulary()
    return [action for text in entry.permissions for action in words.actions_from_start(text)]


def _by_sort(texts: Collection[str]) -> tuple[set[str], set[str]]:
    """Return the actions, and all other texts."""
    actions = {text for text in texts if _vocabulary().service_of_action(text)}
    return actions, set(texts) - actions


def _not_covered(granted: Collection[str], declared: Collection[str]) -> set[str]:
    return {name for name in granted if not any(_covers(text, name) for text in declared)}


def _covers(declared: str, granted: str) -> bool:
    """Return whether a declared text covers a grant. Only last parts count, so that a policy's ARN equals its name."""
    return _glob(declared.rpartition("/")[2]).match(granted.rpartition("/")[2]) is not None


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    return compile_glob(pattern, ignore_case=True)


def _undeclared_services(grants: Sequence[Grant], allowed: Sequence[Actions], entry: Entry) -> set[str]:
    """Return services in grants that the entry does not list; none if it lists a system that is no known service."""
    systems = [known_service(text) for text in entry.systems]
    if not systems or None in systems:
        return set()
    words = _vocabulary()
    declared = {service for text in entry.permissions if (service := words.service_named_first(text))}
    known = {*declared, *filter(None, systems), *words.no_system}
    everything = [f"{service}:*" for service in known]
    beyond = {one.service or str(one) for one in allowed if not are_within(one, everything)}
    return ({service for grant in grants for service in _services(grant)} - known) | beyond


def known_service(system: str) -> str | None:
    """Return the service that a text in an entry's systems means, as the prefix of its actions; None if unknown."""
    words = _vocabulary()
    name = words.vendors.sub("", fold(system.strip()))
    name = words.services_also.get(name, name)
    return name if name in words.services else None


def _services(grant: Grant) -> Iterator[str]:
    words = _vocabulary()
    if service := words.service_of_action(grant.name):
        yield service
    for pattern in words.resources:
        yield from (found["service"] for found in pattern.finditer(grant.resource or ""))


def _listed(texts: Collection[str]) -> str:
    """Return the first few by name."""
    named = sorted(texts)
    more = len(named) - NAMED
    return ", ".join(named[:NAMED]) + (f" and {counted(more, 'other', 'others')}" if more > 0 else "")


# --- All aspects together, and those besides credentials and permissions ---
#
# Only known facts on both sides can differ. An empty cell, an unknown word and an unread fact are no drift.


def drift_of(
    identity: Identity, entry: Entry, roster: Roster | None, *, owner_tags: Collection[str], now: datetime
) -> tuple[Drift, ...]:
    """Return the drift of an identity from its entry, in a stable order.

    ``owner_tags``: the tags that name an owner, as normalised by ``tag_name``. Without a roster, owners are not
    compared.
    """
    declares_reach = bool(entry.systems or entry.permissions) and not entry.hides("systems", "permissions")
    compares_owners = roster is not None and bool(identity.tags) and not entry.hides(*OWNERS, "team")
    has_list = bool(identity.credentials) and not entry.hides("credentials")
    return (
        *(_owner(identity, entry, roster, owner_tags) if compares_owners and roster is not None else ()),
        *(_environment(identity, entry) if entry.environment else ()),
        *(undeclared_reach(identity, entry) if declares_reach else ()),
        *(undeclared_credentials(identity, entry, now) if has_list else ()),
        *(overaged_credentials(identity, entry, now) if identity.credentials else ()),
    )


def _owner(identity: Identity, entry: Entry, roster: Roster, owner_tags: Collection[str]) -> Iterator[Drift]:
    """Yield drift if tags name an active person who is neither declared nor close to a declared owner.

    One tag with a declared owner is enough, and so is one declared owner who is not on the roster.
    """
    tags = {key: value for key, value in sorted(identity.tags.items()) if value and tag_name(key) in owner_tags}
    declared = (*entry.owner, *entry.technical_owner, *entry.backup_owner, *((entry.team,) if entry.team else ()))
    if not tags or not declared:
        return
    answering = [roster.resolve(text) for text in declared]
    known = [person for person in answering if person is not None]
    tagged = {key: person for key, value in tags.items() if (person := roster.resolve(value)) is not None}
    if len(known) < len(answering) or any(are_near(one, other, roster) for one in tagged.values() for other in known):
        return
    others = [f"tag {key}={tags[key]}" for key, person in tagged.items() if roster.is_active(person)]
    if others:
        yield Drift(aspect="owner", declared=", ".join(declared), found=", ".join(others))


def _environment(identity: Identity, entry: Entry) -> Iterator[Drift]:
    declared = environments(entry.environment)
    found, evidence = environment_of(identity)
    if declared and found and declared.isdisjoint(found):
        yield Drift(aspect="environment", declared=entry.environment or "", found=evidence)


# --- What is within reach beyond what entries declare ---


def with_reach(
    fresh: Sequence[Assessment], estate: ScanResult, entry_of: Callable[[Assessment], Entry | None]
) -> list[Assessment]:
    """Return the assessments with the drift of their reach. ``estate``: everything that they may reach.

    Where no entry declares it in words that can be compared, nothing is computed.
    """
    declared: dict[str, Statement] = {}
    for one in fresh:
        entry = entry_of(one)
        if entry is not None and (statement := declared_by(entry)):
            declared[one.identity.key] = statement
    if not declared:
        return list(fresh)
    radii = Radii(estate)
    return [_with_drift(one, declared.get(one.identity.key), radii) for one in fresh]


def _with_drift(one: Assessment, statement: Statement | None, radii: Radii) -> Assessment:
    radius = None if statement is None else radii.of(one.identity.key)
    found = None if statement is None or radius is None else beyond(statement, radius)
    if found is None:
        return one
    return msgspec.structs.replace(
        one, drift=(*one.drift, Drift(aspect="reach", declared=found.declared, found=found.found))
    )
