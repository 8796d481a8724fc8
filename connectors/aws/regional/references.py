"""What resources call roles and secrets, as the keys that these have everywhere else (pure)."""

from __future__ import annotations

import re

from connectors.aws.regional.declarations import Where

_ROLE = re.compile(r"arn:[\w-]+:iam::\d{12}:(?:role|user)/\S+", re.ASCII)
_NAME = re.compile(r"[\w+=,.@/-]{1,576}", re.ASCII)
# What follows a secret's name in a reference to one: member of its JSON, stage and version.
_SECRET = re.compile(r"(arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:[^:\s]+)(?::[^:\s]*){0,3}", re.ASCII)
_PARAMETER = re.compile(r"(arn:[\w-]+:ssm:[\w-]+:\d{12}:parameter/[^:\s]+)(?::\d+)?", re.ASCII)


def role_key(reference: str, where: Where) -> str:
    """The ARN of a role (or user) that is named by ARN, or of a role that is named. Raises ValueError.

    A name alone does not tell the role's path, of which there is none then.
    """
    if _ROLE.fullmatch(reference):
        return reference
    if reference.startswith("arn:") or not _NAME.fullmatch(reference):
        raise ValueError("what should be a role is none")
    return f"arn:{where.partition}:iam::{where.account}:role/{reference.lstrip('/')}"


def secret_key(reference: str, where: Where) -> str | None:
    """The ARN of the secret or parameter that is meant; a secret's name makes a partial one. None: no such thing."""
    arn, name = stored_arn(reference), _name(reference)
    if arn is not None or name is None:
        return arn
    return f"arn:{where.partition}:secretsmanager:{where.region}:{where.account}:secret:{name}"


def parameter_key(reference: str, where: Where) -> str | None:
    """The ARN of the parameter that is meant by name, or of what is meant by ARN. None: no such thing."""
    arn, name = stored_arn(reference), _name(reference)
    return arn if arn is not None or name is None else parameter_arn(name, where)


def _name(reference: str) -> str | None:
    """The name in a reference, which may pick a part or version; None where it is none, or an ARN."""
    name = reference.partition(":")[0]
    return name if _NAME.fullmatch(name) and not reference.startswith("arn:") else None


def parameter_arn(name: str, where: Where) -> str:
    """The ARN of a parameter of this region."""
    return f"arn:{where.partition}:ssm:{where.region}:{where.account}:parameter/{name.removeprefix('/')}"


def stored_arn(text: str) -> str | None:
    """The ARN of the secret or parameter that the text is, without what picks a part or version of it; else None."""
    match = _SECRET.fullmatch(text) or _PARAMETER.fullmatch(text)
    return match[1] if match else None
