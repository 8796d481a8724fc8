"""Calls that must be allowed on each of several things: a command takes an instance and a document that runs code."""

from __future__ import annotations

from typing import Any

import pytest

from tests.connectors.aws.rights.policies import allow, deny, doc, verdict

INSTANCES = "arn:aws:ec2:*:*:instance/*"
DOCUMENTS = "arn:aws:ssm:*:*:document"
SCRIPTS = "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript"
REMOTE = ["arn:aws:ssm:*:*:managed-instance/*", f"{DOCUMENTS}/AWS-RunRemoteScript"]
ALL_BUT_INSTANCES = {"Effect": "Allow", "Action": "ssm:SendCommand", "NotResource": INSTANCES}


@pytest.mark.parametrize(
    ("statements", "level"),
    [
        ([allow("ssm:SendCommand")], "high"),
        ([allow("ssm:SendCommand", [INSTANCES, f"{DOCUMENTS}/AWS-RunPatchBaseline"])], "normal"),
        ([allow("ssm:CreateAssociation", [INSTANCES, f"{DOCUMENTS}/AWS-RunPatchBaseline"])], "normal"),
        ([allow("ssm:SendCommand", INSTANCES)], "normal"),
        ([allow(["ssm:SendCommand", "ssm:GetParameter"], [f"{DOCUMENTS}/*", "arn:aws:ssm:*:*:parameter/*"])], "high"),
        ([allow("ssm:SendCommand", [INSTANCES, f"{DOCUMENTS}/*"])], "high"),
        ([allow("ssm:SendCommand", INSTANCES), allow("ssm:Send*", SCRIPTS)], "high"),
        ([allow("ssm:CreateAssociation", [INSTANCES, f"{DOCUMENTS}/AWS-Run*"])], "high"),
        ([allow("ssm:SendCommand", [f"{INSTANCES[:-1]}i-1", f"{DOCUMENTS}/*"])], "normal"),
        ([allow("ssm:SendCommand"), deny("ssm:SendCommand", f"{DOCUMENTS}/AWS-RunShellScript")], "high"),
        ([allow("ssm:SendCommand"), deny("ssm:SendCommand", f"{DOCUMENTS}/*")], "normal"),
        ([allow("ssm:SendCommand", REMOTE)], "high"),
        ([allow("ssm:SendCommand", "arn:aws:*:*:*:instance/*")], "normal"),
        ([allow("ssm:SendCommand", INSTANCES), allow("ssm:CreateAssociation", f"{DOCUMENTS}/*")], "normal"),
        ([allow("ssm:SendCommand", INSTANCES), ALL_BUT_INSTANCES], "high"),
    ],
    ids=str,
)  # fmt: skip
def test_an_instance_and_a_document_are_both_needed(statements: list[dict[str, Any]], level: str) -> None:
    """On all instances, with one of the documents that run what the caller gives them; one's denial leaves others."""
    judged = verdict(doc(*statements))

    assert judged.level == level
    assert all(reason.family is not None for reason in judged.reasons) or "ssm:GetParameter" in str(statements)


def test_evidence_names_the_call_and_not_its_halves() -> None:
    """As AWS calls it."""
    (reason,) = verdict(doc(allow("ssm:SendCommand"))).reasons

    assert reason.names == ("ssm:SendCommand",)


CHECK = {"Condition": {"BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"}}}
PORTS, SHELL = (f"{DOCUMENTS}/{name}" for name in ("AWS-StartPortForwardingSession", "SSM-SessionManagerRunShell"))


@pytest.mark.parametrize(
    ("statements", "level"),
    [
        ([allow("ssm:StartSession")], "high"),
        ([allow("ssm:StartSession", INSTANCES)], "high"),
        ([allow("ssm:StartSession", "arn:aws:ecs:*:*:task/*")], "high"),
        ([allow("ssm:StartSession", f"{DOCUMENTS}/*")], "normal"),
        ([allow("ssm:StartSession", PORTS)], "normal"),
        ([allow("ssm:StartSession", [INSTANCES, PORTS])], "high"),
        ([allow("ssm:StartSession", [INSTANCES, PORTS], **CHECK)], "normal"),
        ([allow("ssm:StartSession", [INSTANCES, SHELL], **CHECK)], "high"),
        ([allow("ssm:StartSession", [INSTANCES, PORTS, SHELL], **CHECK)], "high"),
        ([allow("ssm:StartSession", "*", **CHECK)], "high"),
        ([allow("ssm:StartSession", INSTANCES, **CHECK)], "high"),
        ([allow("ssm:StartSession"), deny("ssm:StartSession", [INSTANCES, SHELL], **CHECK)], "high"),
        ([allow("ssm:StartSession", [INSTANCES, PORTS], Condition={"Bool": {"ssm:x": "true"}})], "high"),
        ([allow("ssm:StartSession", [INSTANCES, PORTS], Condition={"Bool": {"ssm:x": [{}]}})], "high"),
    ],
    ids=str,
)
def test_a_session_is_a_shell_unless_its_document_is_checked(statements: list[dict[str, Any]], level: str) -> None:
    """Anyone who names no document gets the usual one, allowed or not; with the check, only those that are allowed."""
    judged = verdict(doc(*statements))

    assert judged.level == level
    assert all(reason.family is not None for reason in judged.reasons) or "ssm:GetParameter" in str(statements)
