"""AWS's own policies as they were published, and the table of those that matter, made from them.

``python -m tests.connectors.aws.rights.published_policies > connectors/aws/rights/aws_policies.json`` writes the table
anew; with the argument ``rest``, that of all others, ``connectors/aws/planned/aws_policies.json``; with ``services``,
the services of all, ``connectors/aws/rights/aws_services.json``.
moto ships the documents as ``iam:GetPolicyVersion`` gave them on the day that it was made.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data

from connectors.aws.rights.policy import parse_statements
from connectors.aws.rights.reach import AwsReachDocument, sum_up
from connectors.aws.rights.vocabulary import ASSUME_ROLE
from tests.connectors.aws.rights.policies import ACCOUNT, WORDS, verdict

SHORT = (",", ":")
_SERVICE_LINKED = "/aws-service-role/"
"""What is under this path can be attached to AWS's own roles only."""


@cache
def published() -> Mapping[str, Mapping[str, Any]]:
    """Every policy by name."""
    return dict(json.loads(aws_managed_policies_data))


def document_of(statements: Any, number: int = 0) -> AwsReachDocument:
    """The document of these statements."""
    return sum_up(parse_statements({"Statement": statements}), number=number, words=WORDS, account=ACCOUNT)


def table() -> dict[str, Any]:
    """The policies that make a user or role an administrator, or able to become one, cut down to what is judged."""
    return {
        "as_of": max(policy["UpdateDate"] for policy in published().values())[:10],
        "policies": {
            name: {"version": policy["DefaultVersionId"], "statements": _cut_down(policy["Document"]["Statement"])}
            for name, policy in sorted(published().items())
            if policy["Path"] != _SERVICE_LINKED and matters(policy["Document"]["Statement"])
        },
    }


def matters(statements: Any) -> bool:
    """Whether the policy by itself makes an admin, or allows a method, whoever or whatever that leads to."""
    document = document_of(statements)
    judged = verdict(document)
    changing = WORDS.bits((*WORDS.tables.changes.raising, ASSUME_ROLE))
    return (
        judged.level == "admin"
        or any(reason.family is not None and not reason.condition for reason in judged.reasons)
        or bool(document.certain.somewhere & changing & (document.certain.wide | ~WORDS.bits((ASSUME_ROLE,))))
    )


def _cut_down(statements: Any) -> list[dict[str, Any]]:
    """The statements, labelled as in the whole document, without the actions that nothing here is decided by."""
    listed = [statements] if isinstance(statements, dict) else statements
    kept = []
    for place, statement in enumerate(listed, start=1):
        given = statement.get("Action", ())
        named = [each for each in ([given] if isinstance(given, str) else given) if WORDS.mask(each)]
        if "NotAction" in statement or named:
            rest = {name: value for name, value in statement.items() if name not in ("Action", "Sid")}
            actions = {"Action": named} if named else {}
            kept.append({"Sid": statement.get("Sid") or str(place), **actions, **rest})
    return kept


def written() -> str:
    """The table as it is shipped, a policy a line."""
    made = table()
    rows = ",\n".join(
        f"{json.dumps(name)}:{json.dumps(each, separators=SHORT)}" for name, each in made["policies"].items()
    )
    return f'{{"as_of": "{made["as_of"]}", "policies": {{\n{rows}\n}}}}\n'


def written_rest() -> str:
    """The other policies that can be attached, cut down in the same way, a policy a line."""
    others = {
        name: _cut_down(policy["Document"]["Statement"])
        for name, policy in sorted(published().items())
        if policy["Path"] != _SERVICE_LINKED and not matters(policy["Document"]["Statement"])
    }
    rows = ",\n".join(f"{json.dumps(name)}:{json.dumps(each, separators=SHORT)}" for name, each in others.items())
    return f"{{\n{rows}\n}}\n"


def written_services() -> str:
    """The services of which each policy that can be attached allows something, a policy a line."""
    rows = ",\n".join(
        f"{json.dumps(name)}:{json.dumps(sorted(_services_in(policy['Document']['Statement'])), separators=SHORT)}"
        for name, policy in sorted(published().items())
        if policy["Path"] != _SERVICE_LINKED
    )
    return f"{{\n{rows}\n}}\n"


def _services_in(statements: Any) -> set[str]:
    listed = [statements] if isinstance(statements, dict) else statements
    given = [each.get("Action", ()) for each in listed if each["Effect"] == "Allow"]
    actions = [one for each in given for one in ([each] if isinstance(each, str) else each)]
    return {action.partition(":")[0].lower() for action in actions if ":" in action}


if __name__ == "__main__":
    wanted = {"rest": written_rest, "services": written_services}
    sys.stdout.write(wanted.get("".join(sys.argv[1:]), written)())
