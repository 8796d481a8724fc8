"""The ARNs that a plan's or template's resources would have, and texts that refer to them.

IAM is judged by ARN. Where the account or a name is only known after deploying, an ARN is made up for judging, and the
identity's key is ``planned:`` and its resource.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import chain, count
from typing import Any

from msgspec import Struct, structs

from connectors.aws.planned.forms import AwsDeclared, What
from connectors.planned import UNKNOWN, Resource, planned_key

MADE_UP_ACCOUNT = "000000000000"
PARTITION = "aws"
_MADE_UP_REGION = "region"
_KINDS: Mapping[str, str] = {
    "role": "role",
    "service_linked_role": "role",
    "serverless": "role",
    "user": "user",
    "group": "group",
    "policy": "policy",
    "instance_profile": "instance-profile",
    "oidc_provider": "oidc-provider",
    "saml_provider": "saml-provider",
}
_VARIABLE = re.compile(r"\$\{(AWS::\w+|[A-Za-z0-9]+(?:\.[A-Za-z0-9.]+)?)\}")
_NOT_IN_NAMES = re.compile(r"[^\w+=,.@-]", re.ASCII)
_ARN = re.compile(r"arn:[\w-]+:iam::(?:\d{12}|aws):[a-z-]+/\S+", re.ASCII)
_OF_AWS = re.compile(r"AWS::(\w+)::")
_REFERS_BY_ARN = frozenset({"policy", "oidc_provider", "saml_provider"})
"""Kinds whose ``Ref`` is an ARN; of all others it is a name."""
_NAMES_IT = ("Arn", "ARN", "Id", "ID", "Name")
"""Suffixes of attributes that name their resource, and are not its content."""


class AwsNamed(Struct, frozen=True, kw_only=True, gc=False):
    """The names of a resource of IAM. ``key``: of an identity; its ARN, unless that is made up."""

    what: What
    arn: str
    name: str
    path: str
    key: str
    name_known: bool


class Names:
    """The names of a file's resources of IAM, by address or logical id."""

    def __init__(self, declared: Iterable[AwsDeclared], resources: Iterable[Resource]) -> None:
        self._others = {each.place.resource: each for each in resources}
        """All resources that texts may refer to."""
        self.of: dict[str, AwsNamed] = {}
        named = [each for each in declared if each.form.what in _KINDS]
        self._taken = {name for each in named if (name := each.text("name"))}
        for each in named:
            self.of[each.at] = self._named(each)

    def filled(self, declared: AwsDeclared) -> AwsDeclared:
        """The same with the references in a template's texts replaced; what they do not settle is UNKNOWN."""
        if declared.resource.format != "cloudformation":
            return declared
        return structs.replace(declared, values=self.fill(declared.values, declared.resource))

    def fill(self, value: Any, within: Resource) -> Any:
        """The value of an argument of a template's resource, with its references replaced."""
        match value:
            case str() if "${" in value:
                unsettled: list[str] = []

                def settle(variable: re.Match[str]) -> str:
                    settled = self._settled(variable[1], within)
                    if settled is None:
                        unsettled.append(variable[1])
                    return settled or ""

                text = _VARIABLE.sub(settle, value)
                return UNKNOWN if unsettled else text
            case list():
                return [self.fill(each, within) for each in value]
            case dict():
                return {name: self.fill(each, within) for name, each in value.items()}
            case _:
                return value

    def _settled(self, variable: str, within: Resource) -> str | None:
        region, account = within.region or _MADE_UP_REGION, within.account or MADE_UP_ACCOUNT
        partition = within.partition or PARTITION
        pseudo = {"AccountId": account, "Region": region, "Partition": partition, "URLSuffix": "amazonaws.com"}
        if variable.startswith("AWS::"):
            return pseudo.get(variable.removeprefix("AWS::"))
        at, _, attribute = variable.partition(".")
        if (named := self.of.get(at)) and named.what != "serverless":
            return named.arn if attribute.endswith("Arn") or named.what in _REFERS_BY_ARN else named.name
        other = self._others.get(at)
        service = _OF_AWS.match(other.type) if other is not None else None
        if service is None or service[1] == "CloudFormation" or not (attribute == "" or attribute.endswith(_NAMES_IT)):
            return None
        is_arn = attribute.endswith(("Arn", "ARN"))
        return f"arn:{partition}:{service[1].lower()}:{region}:{account}:{at}" if is_arn else at

    def _named(self, declared: AwsDeclared) -> AwsNamed:
        resource, what = declared.resource, declared.form.what
        partition, account = resource.partition or PARTITION, resource.account or MADE_UP_ACCOUNT
        written = declared.text("name") or ""
        given = None if what == "serverless" or "${AWS::" in written else self.fill(written, resource)
        name_known = isinstance(given, str) and given != ""
        name = str(given) if name_known else self._made_up(declared.at)
        if what == "oidc_provider":
            name = name.partition("://")[2] or name
        path = declared.text("path") or "/"
        if what == "service_linked_role":
            path = f"/aws-service-role/{declared.text('service') or 'unknown'}/"
        given_arn = declared.text("arn") or ""
        arn = given_arn if _ARN.fullmatch(given_arn) else f"arn:{partition}:iam::{account}:{_KINDS[what]}{path}{name}"
        key = arn if name_known and resource.account else planned_key(resource.place)
        return AwsNamed(what=what, arn=arn, name=name, path=path, key=key, name_known=name_known)

    def _made_up(self, at: str) -> str:
        """A name for judging that nothing else has: the address, as far as names may have its characters."""
        plain = _NOT_IN_NAMES.sub("_", at)
        name = next(name for name in chain((plain,), (f"{plain}-{n}" for n in count())) if name not in self._taken)
        self._taken.add(name)
        return name
