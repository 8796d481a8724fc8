"""Policy documents of a plan or template: what of them is known, and AWS's own as they were published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct

from connectors.aws.client.payloads import PolicyDetail, PolicyVersion
from connectors.aws.planned.forms import AwsDeclared
from connectors.planned import UNKNOWN
from connectors.planned.shapes import listed, mapping

_ON_SOMETHING = "arn:aws:s3:::known-after-deploying"
"""In the place of a resource that only deploying determines: one thing, whatever it is."""
_LISTS = {
    "actions": "Action", "not_actions": "NotAction", "resources": "Resource", "not_resources": "NotResource",
}  # fmt: skip
_PRINCIPALS = {"principals": "Principal", "not_principals": "NotPrincipal"}


class Written(Struct, frozen=True, kw_only=True):
    """A policy document as far as it is known. ``document``: None where nothing of it is."""

    document: Any = None
    is_whole: bool = False


class Documents:
    """The policy documents that data sources of a plan build, by address."""

    def __init__(self, declared: Iterable[AwsDeclared]) -> None:
        self._sources = {each.at: each for each in declared if each.form.what == "document"}

    def of(self, value: Any, refers: Sequence[str]) -> Written:
        """The document that an argument has: a text, a mapping, or that of the data source which it comes from."""
        if value is UNKNOWN:
            return (
                self._built(self._sources[refers[0]]) if len(refers) == 1 and refers[0] in self._sources else Written()
            )
        if isinstance(value, str):
            try:
                value = msgspec.json.decode(value)
            except (msgspec.DecodeError, RecursionError, UnicodeError):
                return Written(document=value)  # what the policy parser refuses
        return known_part(value)

    def _built(self, source: AwsDeclared) -> Written:
        if not source.is_unknown("json"):
            return self.of(source.get("json"), ())
        statements = [_statement(mapping(each)) for each in listed(source.get("statement"))]
        given = [
            *listed(source.values.get("source_policy_documents")),
            *listed(source.values.get("override_policy_documents")),
        ]
        parts = [known_part({"Statement": statements}), *(self.of(each, ()) for each in given)]
        return Written(
            document={"Statement": [one for part in parts for one in _statements(part.document)]},
            is_whole=all(part.is_whole for part in parts) and not source.is_unknown("statement"),
        )


def _statements(document: Any) -> list[Any]:
    written = mapping(document).get("Statement")
    return [written] if isinstance(written, dict) else listed(written)


def _statement(block: Mapping[str, Any]) -> dict[str, Any]:
    """A statement of IAM's, from a block of ``aws_iam_policy_document``."""
    statement: dict[str, Any] = {"Effect": block.get("effect") or "Allow"}
    for name, member in _LISTS.items():
        if block.get(name):
            statement[member] = block[name]
    for name, member in _PRINCIPALS.items():
        if block.get(name):
            statement[member] = UNKNOWN if block[name] is UNKNOWN else _principals(listed(block[name]))
    if block.get("condition"):
        statement["Condition"] = UNKNOWN if block["condition"] is UNKNOWN else _conditions(listed(block["condition"]))
    return mapping(_with_variables(statement))


def _principals(blocks: Iterable[Any]) -> Any:
    by_type: dict[str, Any] = {}
    for block in map(mapping, blocks):
        kind, named = block.get("type"), block.get("identifiers")
        if kind == "*":
            return "*"
        if not isinstance(kind, str) or named is UNKNOWN:
            return UNKNOWN
        by_type[kind] = [*by_type.get(kind, ()), *listed(named)]
    return by_type


def _conditions(blocks: Iterable[Any]) -> Any:
    conditions: dict[str, dict[str, Any]] = {}
    for block in map(mapping, blocks):
        test, variable = block.get("test"), block.get("variable")
        if not isinstance(test, str) or not isinstance(variable, str):
            return UNKNOWN
        conditions.setdefault(test, {})[variable] = block.get("values")
    return conditions


def _with_variables(value: Any) -> Any:
    """The value with ``&{…}`` as ``${…}``: the former is how Terraform writes a policy variable."""
    match value:
        case str():
            return value.replace("&{", "${")
        case list():
            return [_with_variables(each) for each in value]
        case dict():
            return {name: _with_variables(each) for name, each in value.items()}
        case _:
            return value


# --- The known part of a document ---


def known_part(document: Any) -> Written:
    """The document without what is unknown in it.

    A statement of unknown actions, principals or conditions is left out. One on an unknown resource counts for one
    resource, as it allows at least that.
    """
    if not isinstance(document, dict):
        return Written(document=None if _has_unknown(document) else document)  # which the policy parser refuses
    if document.get("Statement") is UNKNOWN:
        return Written()
    parts = [_known_statement(each) for each in _statements(document)]
    others = {name: each for name, each in document.items() if not _has_unknown(each)}
    return Written(
        document={**others, "Statement": [part for part, _ in parts if part is not None]},
        is_whole=all(is_whole for _, is_whole in parts),
    )


def _known_statement(statement: Any) -> tuple[Any, bool]:
    if statement is UNKNOWN:
        return None, False
    if not isinstance(statement, dict):
        return statement, True
    known = dict(statement)
    for name in ("Resource", "Principal"):
        if name in known:
            known[name] = _known_values(known[name], _ON_SOMETHING if name == "Resource" else None)
    if known.get("Principal") in ([], {}) or any(_has_unknown(each) for each in known.values()):
        return None, False
    return known, known == statement


def _known_values(value: Any, instead: str | None) -> Any:
    match value:
        case list():
            values = (instead if each is UNKNOWN else each for each in value)
            return [each for each in values if each is not None]
        case dict():
            known = {name: _known_values(each, instead) for name, each in value.items()}
            return {name: each for name, each in known.items() if each not in (None, [])}
        case _:
            return instead if value is UNKNOWN else value


def _has_unknown(value: Any) -> bool:
    match value:
        case list():
            return any(map(_has_unknown, value))
        case dict():
            return any(map(_has_unknown, value.values()))
        case _:
            return value is UNKNOWN


# --- AWS's own policies ---


@cache
def _published() -> Mapping[str, tuple[Mapping[str, Any], ...]]:
    """The statements of AWS's policies by name, cut down to what is judged, without those of ``rights``' table."""
    data = files("connectors.aws.planned").joinpath("aws_policies.json").read_bytes()
    return msgspec.json.decode(data, type=dict[str, tuple[dict[str, Any], ...]])


def published_details(arns: Iterable[str]) -> Iterator[PolicyDetail]:
    """AWS's own policies among these, as the listing of an account has them."""
    for arn in dict.fromkeys(arns):
        statements = _published().get(arn.rpartition("/")[2]) if ":iam::aws:policy/" in arn else None
        if statements is not None:
            version = PolicyVersion(is_default_version=True, document={"Statement": list(statements)})
            yield PolicyDetail(arn=arn, policy_version_list=(version,), cut_down=True)
