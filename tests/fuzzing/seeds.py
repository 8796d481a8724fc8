"""Valid inputs of each parser, from which others are bred. Where a first byte chooses, each choice has one."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator

from scanner.registry.tables import SUFFIXES
from tests.fuzzing.targets import AGENT_FILES, LOGS

_POLICY = {
    "Statement": [
        {"Effect": "Allow", "Action": ["iam:*"], "Resource": "*", "Condition": {"StringLike": {"aws:x": ["b"]}}},
        {"Effect": "Deny", "NotAction": "s3:Get*", "NotResource": ["arn:aws:s3:::a/*"]},
    ]
}
_ROLE = {"RoleName": {"Fn::Sub": "a-${AWS::Region}"}, "Policies": [{"PolicyName": "p", "PolicyDocument": _POLICY}]}
_CHANGE = {
    "address": "aws_iam_role.a",
    "type": "aws_iam_role",
    "name": "a",
    "mode": "managed",
    "provider_name": "registry.terraform.io/hashicorp/aws",
    "change": {"actions": ["create"], "before": None, "after": {"name": "a", "assume_role_policy": "{}"}},
}
_MANIFESTS = """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: shop, namespace: web}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: b}
roleRef: {kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: shop, namespace: web}]
"""
_WORKFLOW = """\
name: deploy
on: [push]
permissions: {id-token: write}
jobs:
  a:
    runs-on: x
    steps: [{uses: a/b@v1, with: {role-to-assume: "${{ vars.R }}"}}]
"""
_EVENT = {
    "eventTime": "2026-01-01T00:00:00Z",
    "eventName": "GetObject",
    "eventSource": "s3.amazonaws.com",
    "sourceIPAddress": "192.0.2.1",
    "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/a", "accessKeyId": "AKIAEXAMPLE"},
}
_LISTS = (
    "id;Identitäten;owner;status;expires\nN-1;svc-a, svc-b;ada@example.com;aktiv;2026-01-31\n",
    '[{"id": "N-1", "identities": ["a"], "owner": "ada@example.com"}]',
    "- id: N-1\n  identities: [a]\n  owner: ada@example.com\n",
    '[[entry]]\nid = "N-1"\nidentities = ["a"]\n',
)
_CONFIG = """\
[store]
url = "sqlite:///muster.db"

[[source]]
name = "a"
type = "aws"

[[registry]]
path = "r.csv"
"""
_LEAK = {"RuleID": "aws", "File": "config.yaml", "StartLine": 1, "Secret": "AKIAIOSFODNN7EXAMPLE", "Commit": "abc"}
_FOUND = {"SourceMetadata": {"Data": {"Git": {"file": "a"}}}, "DetectorName": "AWS", "Raw": "AKIA"}

_AGENTS = {
    "mcpServers": {"a": {"command": "npx", "args": ["-y", "@acme/tool"], "env": {"TOKEN": "x"}, "url": "https://a/b"}},
    "name": "a",
    "url": "https://a/b",
    "skills": [{"id": "s", "name": "s"}],
    "agents": {"a": {"aws": {"execution_role": "arn:aws:iam::123456789012:role/a", "region": "eu-west-1"}}},
    "services": {"a": {"host": "azure.ai.agent"}},
}
_ACCEPTED = """\
[[acknowledged]]
rule = "dormant"
match = "svc-*"
reason = "used once a year"
by = "ada@example.com"
until = 2026-06-30
"""

_SID = "S-1-5-21-1-2-3"
_COLLECTED = {
    "users": {
        "ObjectIdentifier": f"{_SID}-1101",
        "Properties": {
            "domain": "LAB.LOCAL",
            "name": "A@LAB.LOCAL",
            "distinguishedname": "CN=A,DC=LAB,DC=LOCAL",
            "enabled": True,
            "pwdlastset": 1600000000,
            "useraccountcontrol": 512,
            "serviceprincipalnames": ["http/a"],
            "gmsa": False,
            "userpassword": "x",
            "supportedencryptiontypes": ["RC4-HMAC-MD5"],
            "description": "password: a",
        },
        "Aces": [{"PrincipalSID": "LAB.LOCAL-S-1-5-32-544", "RightName": "GenericAll", "IsInherited": True}],
        "PrimaryGroupSID": f"{_SID}-513",
    },
    "computers": {
        "ObjectIdentifier": f"{_SID}-1201",
        "Properties": {"domain": "LAB.LOCAL", "name": "W.LAB.LOCAL", "whencreated": 1, "operatingsystem": "x"},
        "AllowedToAct": [{"ObjectIdentifier": f"{_SID}-1101"}],
        "UserRights": [{"Collected": True, "Privilege": "SeX", "Results": [{"ObjectIdentifier": f"{_SID}-1101"}]}],
        "IsDC": True,
    },
    "groups": {
        "ObjectIdentifier": f"{_SID}-512",
        "Properties": {"domain": "LAB.LOCAL", "name": "DA@LAB.LOCAL", "admincount": True},
        "Members": [{"ObjectIdentifier": f"{_SID}-1101"}],
    },
    "domains": {
        "ObjectIdentifier": _SID,
        "Properties": {"name": "LAB.LOCAL", "functionallevel": "2025", "netbios": "LAB"},
    },
}
_SIGN_IN = {"TargetUserName": "svc-sql", "TargetSid": f"{_SID}-1101", "IpAddress": "::ffff:10.1.2.3", "Status": "0x0"}
_FIELDS = "".join(f"<Data Name='{name}'>{value}</Data>" for name, value in _SIGN_IN.items())
_AS_XML = f"""\
<Events><Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>4768</EventID>
<TimeCreated SystemTime='2026-01-01T10:05:14.1Z'/><EventRecordID>1</EventRecordID><Computer>DC1</Computer></System>
<EventData>{_FIELDS}</EventData></Event></Events>
"""
_FLAT = {"TimeGenerated": "2026-01-01T10:05:14Z", "Computer": "DC1", "EventID": "4768", **_SIGN_IN}


def _collected() -> Iterator[str]:
    """Each type of file."""
    for kind, row in _COLLECTED.items():
        yield json.dumps({"data": [row], "meta": {"type": kind, "version": 6, "methods": 0xFFFF}})


def _archive() -> bytes:
    """All types of files in one."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for text in _collected():
            archive.writestr(f"{len(archive.filelist)}.json", text)
    return b"\1" + packed.getvalue()


_TEXTS: dict[str, tuple[str, ...]] = {
    "acknowledgements": (_ACCEPTED,),
    "agents": tuple(chr(at) + json.dumps(_AGENTS) for at in range(len(AGENT_FILES))),
    "cells": ("a, b", "a/b\0svc-billing (old)", "a und b\nab", "arn:aws:iam::123456789012:role/a"),
    "collections": tuple("\0" + text for text in _collected()),
    "configs": (_CONFIG,),
    "directories": (
        "\0\x0a\x04\x03a=b0\x0b0\x09\x04\x02cn1\x03\x04\x01x",
        "\0\x04\x0aldap://a/b\x04\x00",
        "\1\x0a\x01\x00\x04\x00\x04\x00",
        "\2\x01\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x14\x00\x00\x00\x02\x00\x08\x00\x00\x00\x00\x00",
        "\3B:22:000200000100010a0100040a:CN=a",
        "\4dn: cn=a\nobjectClass: account\ncn:: YQ==\n",
    ),
    "logs": tuple(chr(at) + json.dumps({"Records": [_EVENT]}) for at in range(len(LOGS))),
    "masking": (
        "password=hunter2 AKIAIOSFODNN7EXAMPLE",
        "https://user:secret@host/path?token=abc",
        '{"auth": "dXNlcjpwYXNz"}',
    ),
    "plans": (
        json.dumps({"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": _ROLE}}}),
        json.dumps({"format_version": "1.2", "resource_changes": [_CHANGE]}),
        _MANIFESTS,
        _WORKFLOW,
    ),
    "dumps": (
        '-- PostgreSQL database cluster dump\nCREATE ROLE "a b";\nALTER ROLE "a b" WITH LOGIN PASSWORD \'x\';',
        "-- PostgreSQL database cluster dump\nCOMMENT ON ROLE a IS E'\\\\';\nGRANT a TO b WITH ADMIN OPTION;",
    ),
    "policies": (
        "\0" + json.dumps(_POLICY),
        '\1path "secret/data/+" { capabilities = ["read"] } # all',
        '\2request.time < timestamp("2026-01-01T00:00:00Z") && !resource.type.startsWith("b")',
    ),
    "reports": (json.dumps([_LEAK]), json.dumps(_FOUND) + "\n"),
    "shards": ('{"muster":"shard","version":1}\n',),
    "tables": tuple(chr(at) + text for at in range(len(SUFFIXES)) for text in _LISTS),
    "windows_events": (
        _AS_XML,
        json.dumps({"@timestamp": "2026-01-01T10:05:14Z", "winlog": {"event_id": "4768", "event_data": _SIGN_IN}}),
        json.dumps([_FLAT]),
        "\n".join(",".join(row) for row in (_FLAT, _FLAT.values())),
    ),
}
SEEDS: dict[str, tuple[bytes, ...]] = {name: tuple(text.encode() for text in texts) for name, texts in _TEXTS.items()}
SEEDS["collections"] += (_archive(),)
