"""Valid inputs of each parser, from which others are bred. Where a first byte chooses, each choice has one."""

from __future__ import annotations

import json

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

_TEXTS: dict[str, tuple[str, ...]] = {
    "acknowledgements": (_ACCEPTED,),
    "agents": tuple(chr(at) + json.dumps(_AGENTS) for at in range(len(AGENT_FILES))),
    "cells": ("a, b", "a/b\0svc-billing (old)", "a und b\nab", "arn:aws:iam::123456789012:role/a"),
    "configs": (_CONFIG,),
    "directories": (
        "\0\x0a\x04\x03a=b0\x0b0\x09\x04\x02cn1\x03\x04\x01x",
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
}
SEEDS: dict[str, tuple[bytes, ...]] = {name: tuple(text.encode() for text in texts) for name, texts in _TEXTS.items()}
