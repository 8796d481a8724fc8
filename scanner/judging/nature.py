"""Judges whether an identity is a person, a machine, or an account shared by both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from msgspec import Struct
from msgspec.structs import replace

from scanner.catalog import read_table
from scanner.model import CredentialKind, Identity, NatureVerdict, NatureVerdictName, Signal
from scanner.registry.roster import Roster
from scanner.text import few


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    machine_kinds: frozenset[str]
    keyless_credentials: frozenset[CredentialKind]


# The verdict on a person's account, by whether it has active keys; None if that could not be read.
_HUMAN_WITH_KEYS: Mapping[bool | None, NatureVerdictName] = {True: "mixed", False: "human", None: "unknown"}

_TABLE = read_table("scanner.judging", "nature.toml", _Table)

_KEYS_NAMED = 5
_NO_SIGN = NatureVerdict(verdict="unknown")


def judge_nature(identity: Identity, roster: Roster | None) -> NatureVerdict:
    """Return the nature with all signals.

    The provider's type decides first. Otherwise a console password or a match on the roster (None without a roster)
    indicates a person, and an active key makes that account mixed. Weak signals are listed but do not decide.
    """
    keys = _active_keys(identity) if identity.credentials else []
    given = tuple(signal for signal in identity.signals if signal.says != "agent") if identity.signals else ()
    holder = None if roster is None else roster.holder(identity)
    signals = (*given, *_own_signals(identity, keys, given))
    if holder is not None:
        signals = (*signals, Signal(says="human", sort="roster", evidence=holder[1]))
    if not signals:
        return _NO_SIGN
    verdict = _verdict(_decide(given, signals, has_keys=_has_keys(identity, keys)), signals)
    if roster is None or holder is None:
        return verdict
    person, has_left = holder[0], roster.has_left(holder[0])
    return replace(verdict, person=person.email, has_left=has_left, left_on=person.left_on if has_left else None)


@lru_cache(maxsize=10_000)
def _verdict(verdict: NatureVerdictName, signals: tuple[Signal, ...]) -> NatureVerdict:
    """Return a cached verdict: most identities have the same signals."""
    return NatureVerdict(verdict=verdict, signals=signals)


def _active_keys(identity: Identity) -> list[str]:
    return sorted(
        f"{credential.kind} {credential.id}"
        for credential in identity.credentials
        if credential.kind not in _TABLE.keyless_credentials and credential.enabled is not False
    )


def _has_keys(identity: Identity, keys: list[str]) -> bool | None:
    """Return whether it has active keys, listed or counted; None if that could not be read."""
    counted = identity.attributes.get("active_keys")
    if keys or (isinstance(counted, int) and counted > 0):
        return True
    return None if "credentials" in identity.unread and counted is None else False


def _decide(given: tuple[Signal, ...], signals: tuple[Signal, ...], *, has_keys: bool | None) -> NatureVerdictName:
    if any(_strong(signal, "machine") and signal.sort == "provider" for signal in signals):
        return "mixed" if any(_strong(signal, "human") for signal in given) else "non_human"
    if any(_strong(signal, "human") for signal in signals):
        return _HUMAN_WITH_KEYS[has_keys]
    return "non_human" if any(_strong(signal, "machine") for signal in signals) else "unknown"


def _strong(signal: Signal, says: str) -> bool:
    return signal.says == says and signal.strength == "strong"


def _own_signals(identity: Identity, keys: list[str], given: tuple[Signal, ...]) -> Iterator[Signal]:
    """Yield the signals in the identity's facts that its connector did not report."""
    said = {(signal.says, signal.sort) for signal in given}
    has_password = _has_password(identity)
    if identity.kind in _TABLE.machine_kinds and ("machine", "provider") not in said:
        yield _machine_kind(identity.kind)
    if has_password and ("human", "credential") not in said:
        mfa = ", with MFA" if identity.attributes.get("mfa_active") is True else ""
        yield Signal(says="human", sort="credential", evidence=f"console password{mfa}")
    if keys and ("machine", "credential") not in said:
        # Keys without a password prove a machine only if there is known to be no password.
        yield Signal(
            says="machine",
            sort="credential",
            evidence=f"active {few(keys, _KEYS_NAMED)}",
            strength="strong" if has_password is False else "weak",
        )


@cache
def _machine_kind(kind: str) -> Signal:
    return Signal(says="machine", sort="provider", evidence=f"kind {kind}")


def _has_password(identity: Identity) -> bool | None:
    """Return whether it has a console password; None if that could not be read."""
    if any(credential.kind == "password" and credential.enabled is not False for credential in identity.credentials):
        return True
    said = identity.attributes.get("console_password")
    return said if isinstance(said, bool) else None
