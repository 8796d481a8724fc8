"""The high-consequence actions that policies allow, on anything at all (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from connectors.aws.rights.patterns import arn_parts, has_variable, resource_matches
from connectors.aws.rights.privilege import Effective, Limit, patterns_left
from connectors.aws.rights.reach import AppliedPolicy, AwsReachDocument
from connectors.aws.rights.vocabulary import Vocabulary
from scanner.model import Consequence
from scanner.text import few

ACTIONS_NAMED = 3
POLICIES_NAMED = 3
MOST_PATTERNS = 50
"""The most patterns of secrets that are kept; policies with more leave open which secrets can be read."""
_SECRETS = {
    "secretsmanager:GetSecretValue": "arn:*:secretsmanager:*:*:secret:*",
    "secretsmanager:BatchGetSecretValue": "arn:*:secretsmanager:*:*:secret:*",
    "ssm:GetParameter": "arn:*:ssm:*:*:parameter*",
    "ssm:GetParameters": "arn:*:ssm:*:*:parameter*",
    "ssm:GetParametersByPath": "arn:*:ssm:*:*:parameter*",
    "ssm:GetParameterHistory": "arn:*:ssm:*:*:parameter*",
}
"""The actions that read stored secrets, with all that each can be about."""


def consequences_in(
    documents: Sequence[AwsReachDocument],
    limits: Sequence[Limit],
    effective: Effective,
    words: Vocabulary,
    account: str,
) -> tuple[Consequence, ...]:
    """The consequences that a set of policies allows within limits. ``by`` is empty: equal policies differ in name."""
    found: list[Consequence] = []
    for kind, bits in words.consequences.items():
        certain = effective.certain.somewhere & bits
        allowed = certain or effective.possible.somewhere & bits
        if not allowed:
            continue
        wide = (effective.certain if certain else effective.possible).wide
        names = words.names(allowed)
        one = Consequence(kind=kind, actions=names[:ACTIONS_NAMED], narrow=not allowed & wide, conditional=not certain)
        if kind == "read_secrets":
            on = _secrets(documents, limits, names, words, account, certainly=bool(certain))
            one = replace(one, on=on, narrow=one.narrow or not on)
        found.append(one)
    return tuple(found)


def with_policies(
    consequences: Iterable[Consequence], held: Sequence[AppliedPolicy], words: Vocabulary
) -> tuple[Consequence, ...]:
    """The consequences with the names of the policies that allow them."""
    return tuple(replace(one, by=_policies(held, words.bits(one.actions))) for one in consequences)


def _policies(held: Sequence[AppliedPolicy], bits: int) -> str:
    names = [
        f"policy {each.name} ({each.via})"
        for each in held
        if each.document is not None and each.document.possible.somewhere & bits
    ]
    return few(names, POLICIES_NAMED)


def _secrets(
    documents: Sequence[AwsReachDocument],
    limits: Sequence[Limit],
    actions: Iterable[str],
    words: Vocabulary,
    account: str,
    *,
    certainly: bool,
) -> tuple[str, ...]:
    """Patterns of the stored secrets that these actions read; none where only a request decides, or too many would be.

    Only those of the account: another one has a say in who reads its secrets.
    """
    patterns: set[str] = set()
    for action in actions:
        if every := _SECRETS.get(action):
            for left in patterns_left(documents, limits, words.bits((action,)), words, certainly=certainly):
                parts = arn_parts(every if not left.strip("*") else left)
                if not parts[4] or resource_matches(parts[4], account):
                    patterns.add(":".join((*parts[:4], account, parts[5])))
    return tuple(sorted(patterns)) if len(patterns) <= MOST_PATTERNS and not any(map(has_variable, patterns)) else ()
