"""Each declaration, tried over HTTP on an answer with everything in it that its service could say."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from connectors.aws.workloads.catalog import BY_SECTION, TYPES, wanted
from connectors.aws.workloads.declarations import Fields, ResourceType
from connectors.aws.workloads.paths import found
from scanner.judging.agents.verdict import judge_agent
from scanner.model import Coverage, Identity, Workload
from tests.connectors.aws.workloads.account import HIDDEN, ROLE, SECRET, Account
from tests.connectors.aws.workloads.generated import full_answer, speaks_json
from tests.connectors.aws.workloads.model_server import check

ASSIGNMENTS = {"eks.access_entries", "eks.access_policies"}
"""See test_clusters.py."""
# Their secrets stand in texts that may be anything, or the reference is typed: they have tests of their own.
SPOKEN_FOR = [one for one in TYPES if speaks_json(one) and one.section not in ASSIGNMENTS]


def _speak_for(account: Account, one: ResourceType) -> None:
    for each in (BY_SECTION[section] for section in wanted([one.section])):
        for operation in (each.listing.operation, *(detail.operation for detail in each.details)):
            account.server.say(each.service, operation, full_answer(each, operation))


@pytest.mark.parametrize("one", SPOKEN_FOR, ids=lambda one: one.section)
def test_a_full_answer_becomes_a_record(account: Account, one: ResourceType) -> None:
    """It runs as the roles and is given the secrets that AWS names; nothing that is not declared is kept."""
    fields = one.record
    assert isinstance(fields, Fields)
    _speak_for(account, one)

    reading = account.read(one.section)
    records = [each for each in reading.records if isinstance(each, Identity | Workload) and each.kind == fields.kind]

    assert reading.coverage[one.section].status == "complete", reading.coverage[one.section].detail
    assert len(records) == 1
    [record] = records
    links = {(link.relation, link.target) for link in record.links} if isinstance(record, Identity) else set()
    roles = {target for relation, target in links if relation == "runs_as"} if links else set(_runs_as(record))
    stored = {target for relation, target in links if relation == "stores"} if links else set(_uses(record))
    assert roles == ({ROLE} if fields.roles else set())
    assert stored >= ({SECRET} if fields.secrets else set())
    assert isinstance(record, Identity) == (fields.agent is not None)
    assert isinstance(record, Workload) or judge_agent(record).is_agent
    assert {name for name in fields.facts if name not in record.attributes} <= _in_another_form(one, fields)
    assert (record.created_at is not None) == (fields.created_at is not None)
    untagged = [each if isinstance(each, Coverage) else replace(each, tags={}) for each in reading.records]
    assert HIDDEN not in repr(untagged)


def _in_another_form(one: ResourceType, fields: Fields) -> set[str]:
    """Facts that stand in members of which only one is ever there, and in the answer it was another."""
    answers = [
        full_answer(one, operation) for operation in (one.listing.operation, *(d.operation for d in one.details))
    ]
    rows = [row for answer in answers for path in ("*", "*.*", "") for row in found(answer, path)]
    return {name for name, path in fields.facts.items() if not any(list(found(row, path)) for row in rows)}


def _runs_as(record: Identity | Workload) -> tuple[str, ...]:
    return record.runs_as if isinstance(record, Workload) else ()


def _uses(record: Identity | Workload) -> tuple[str, ...]:
    return record.uses if isinstance(record, Workload) else ()


def test_all_that_the_emulator_cannot_say_is_tried_here() -> None:
    """The others are read from the emulator."""
    left = {one.section for one in TYPES if isinstance(one.record, Fields)} - {one.section for one in SPOKEN_FOR}

    assert left - ASSIGNMENTS == {
        "ec2.instances", "ec2.launch_templates", "autoscaling.launch_configurations", "codebuild.projects",
        "codeconnections.connections", "codebuild.source_credentials", "codepipeline.pipelines",
        "cloudformation.stacks",
    }  # fmt: skip


def test_an_answer_that_aws_could_not_give_is_refused() -> None:
    """Else a test would prove something about an API that there is not."""
    with pytest.raises(AssertionError, match="agentSumaries"):
        check("bedrock-agent", "ListAgents", {"agentSumaries": []})
