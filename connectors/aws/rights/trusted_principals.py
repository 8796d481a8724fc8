"""The principals of its own account that a role's trust policy allows (pure).

Conditions on who is asking (its ARN, unique id, account, tags) are decided for each identity, and so is a refusal that
names it; every other condition is left open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from connectors.aws.rights.patterns import has_variable, has_wildcard, may_meet, resource_matches, takes_in
from connectors.aws.rights.policy import OPPOSITE, Answer, Condition
from connectors.aws.rights.privilege import ANSWERS
from connectors.aws.rights.trust import ANYONE, EVERYBODY, TrustStatement, account_of
from connectors.aws.rights.vocabulary import ASSUME_ROLE, HolderKind

_TAG = "aws:principaltag/"
_ABSENT = ""


class AwsCaller(Struct, frozen=True, kw_only=True, gc=False):
    """A user or role that may ask to become a role of its account. ``tags``: None where they could not be read."""

    arn: str
    unique_id: str | None = None
    tags: Mapping[str, str] | None = None

    @property
    def is_user(self) -> bool:
        """Whether it is a user; else a role, whose sessions can have names and tags of their own."""
        return ":user/" in self.arn

    @property
    def kind(self) -> HolderKind:
        """Its kind."""
        return "user" if self.is_user else "role"


class RoleTrust(Struct, frozen=True, kw_only=True, gc=False):
    """A role (its ARN), and the statements of its trust policy."""

    role: str
    statements: tuple[TrustStatement, ...]

    @property
    def named(self) -> frozenset[str]:
        """The principals of its own account that it names, without the account itself."""
        account = account_of(self.role)
        return frozenset(
            each.value
            for statement in self._allowing()
            if not statement.not_principals
            for each in statement.principals
            if account_of(each.value) == account and not self._is_whole_account(each.value)
        )

    @property
    def is_open(self) -> bool:
        """Whether it trusts the whole account, or anyone."""
        return any(self._trusts_account(statement) for statement in self._allowing())

    @property
    def is_public(self) -> bool:
        """Whether it trusts anyone: principals of its own account need no permission then."""
        return any(map(_trusts_anyone, self._allowing()))

    @property
    def is_open_to_all(self) -> bool:
        """Whether it trusts every principal of the account."""
        return all(each.allow for each in self.statements) and any(
            self._trusts_account(each) and not each.conditions and not each.not_principals for each in self._allowing()
        )

    def trusts_named(self, caller: AwsCaller) -> Answer:
        """Whether it names and trusts a caller; "maybe": under a condition."""
        naming = (each for each in self._allowing() if not each.not_principals and _names(each, caller))
        return self._decide(naming, caller)

    def trusts_as_anyone(self, caller: AwsCaller) -> Answer:
        """Whether it allows a caller because it allows any principal of its account."""
        return self._decide(
            (each for each in self._allowing() if _trusts_anyone(each) and self._covers_caller(each, caller)), caller
        )

    def trusts_through_account(self, caller: AwsCaller) -> Answer:
        """Whether it allows a caller as one of the account, if that caller's own policies allow the call."""
        return self._decide((each for each in self._allowing() if self._trusts_account(each)), caller)

    def _allowing(self) -> Iterable[TrustStatement]:
        return (each for each in self.statements if each.allow and ASSUME_ROLE in each.actions)

    def _is_whole_account(self, principal: str) -> bool:
        account = account_of(self.role)
        return principal in (ANYONE, account) or (
            account_of(principal) == account and principal.endswith(f":{account}:root")
        )

    def _trusts_account(self, statement: TrustStatement) -> bool:
        return statement.not_principals or any(
            each.type == "AWS" and self._is_whole_account(each.value) for each in statement.principals
        )

    def _decide(self, allowing: Iterable[TrustStatement], caller: AwsCaller) -> Answer:
        answer = _best(_are_met(each.conditions, caller) for each in allowing)
        refused = (
            _are_met(each.conditions, caller)
            for each in self.statements
            if not each.allow and ASSUME_ROLE in each.actions and self._covers_caller(each, caller)
        )
        return min((answer, *(OPPOSITE[each] for each in refused)), key=ANSWERS.index)

    def _covers_caller(self, statement: TrustStatement, caller: AwsCaller) -> bool:
        """Whether a statement is about a caller.

        Beside principals of its own, the account in a ``NotPrincipal`` spares those alone: AWS wants both to be named.
        """
        whole = any(self._is_whole_account(each.value) for each in statement.principals)
        if statement.not_principals and whole:
            account = account_of(self.role)
            whole = not any(
                account_of(each.value) == account and not self._is_whole_account(each.value)
                for each in statement.principals
            )
        return (_names(statement, caller) or whole) != statement.not_principals


def session_of(principal: str) -> str | None:
    """The name of the role whose session a principal is; None for others."""
    _, is_session, session = principal.partition(":assumed-role/")
    return session.partition("/")[0] if is_session else None


def _names(statement: TrustStatement, caller: AwsCaller) -> bool:
    name = None if caller.is_user else caller.arn.rpartition("/")[2]
    return any(
        each.value == caller.arn or (name is not None and session_of(each.value) == name)
        for each in statement.principals
    )


def _trusts_anyone(statement: TrustStatement) -> bool:
    return statement.not_principals or EVERYBODY in statement.principals


def _best(answers: Iterable[Answer]) -> Answer:
    return max((*answers, ANSWERS[0]), key=ANSWERS.index)


def _are_met(conditions: Iterable[Condition], caller: AwsCaller) -> Answer:
    return min((_is_met(each, caller) for each in conditions), key=ANSWERS.index, default="yes")


def _is_met(condition: Condition, caller: AwsCaller) -> Answer:
    operator = condition.operator.lower().removeprefix("foranyvalue:")
    plain = operator.removesuffix("ifexists")
    compare = _COMPARISONS.get(plain.replace("not", ""))
    fact = _fact(condition.key, caller)
    if compare is None or fact is None:
        return "maybe"
    negated = "not" in plain
    if fact == _ABSENT:
        return "yes" if negated or plain != operator else "no"
    named = _best(compare(value, fact) for value in condition.values)
    answer = OPPOSITE[named] if negated else named
    # A session of a role may bring tags that differ from the role's own.
    return "maybe" if answer == "no" and condition.key.startswith(_TAG) and not caller.is_user else answer


def _fact(key: str, caller: AwsCaller) -> str | None:
    """The value of a condition's key, as a pattern if only a part of it is known; None: unknown."""
    if key.startswith(_TAG):
        return _tag(key.removeprefix(_TAG), caller)
    if key == "aws:userid" and caller.unique_id is not None:
        return caller.unique_id if caller.is_user else f"{caller.unique_id}:*"
    return {"aws:principalarn": caller.arn, "aws:principalaccount": account_of(caller.arn)}.get(key)


def _tag(name: str, caller: AwsCaller) -> str | None:
    if caller.tags is None:
        return None
    found = next((value for key, value in caller.tags.items() if key.lower() == name), _ABSENT)
    return None if found == _ABSENT and not caller.is_user else found


def _equals(value: str, fact: str) -> Answer:
    if has_variable(value):
        return "maybe"
    if has_wildcard(fact):
        return "maybe" if resource_matches(fact, value) else "no"
    return "yes" if value == fact else "no"


def _equals_in_any_case(value: str, fact: str) -> Answer:
    return _equals(value.lower(), fact.lower())


def _is_like(value: str, fact: str) -> Answer:
    if has_variable(value) or has_wildcard(fact):
        return "yes" if takes_in(value, fact) else "maybe" if may_meet(value, fact) else "no"
    return "yes" if resource_matches(value, fact) else "no"


_COMPARISONS: Mapping[str, Callable[[str, str], Answer]] = {
    "stringequals": _equals,
    "stringequalsignorecase": _equals_in_any_case,
    "stringlike": _is_like,
    "arnequals": _is_like,
    "arnlike": _is_like,
}
