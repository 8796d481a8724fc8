"""4,000 workflows as identities, and their join with 3,000 trusts, against reading their YAML alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import yaml

from connectors.github.facts import GithubOrganization, Repository, WorkflowFile
from connectors.github.workflows.identities import Workflows, workflow_identities
from scanner.access.federation import with_federation
from scanner.model import Claim, Edge, Identity, Trust

REPOSITORIES, WORKFLOWS, TRUSTS = 1_000, 4, 3_000
ISSUER = "https://token.actions.githubusercontent.com"
ORGANIZATION = GithubOrganization(login="acme", database_id=1)
_HEAD = """
name: Deploy
on: {push: {branches: [main]}, pull_request: {}}
permissions: {id-token: write, contents: read}
env: {ROLE: "arn:aws:iam::123456789012:role/deploy"}
jobs:
"""
_JOB = """
  job%d:
    runs-on: ubuntu-24.04
    environment: prod
    steps:
      - uses: actions/checkout@v4
      - uses: aws-actions/configure-aws-credentials@v4
        with: {role-to-assume: "${{ env.ROLE }}", aws-region: eu-west-1}
      - run: |
          make test
          make deploy
"""
TEXT = _HEAD + "".join(_JOB % number for number in range(4))
FILES = [WorkflowFile(path=f".github/workflows/w{number}.yml", text=TEXT) for number in range(WORKFLOWS)]

T = TypeVar("T")


def role(number: int) -> Identity:
    """A role that trusts a repository by its subject, a pattern of it, or a claim."""
    name = f"acme/s{number % REPOSITORIES}"
    subject = (f"repo:{name}:environment:prod", f"repo:{name}:*", None)[number % 3]
    claims = () if subject else (Claim(name="repository", values=(name,)),)
    trust = Trust(
        principal="p", kind="federated", evidence="its trust policy", issuer=ISSUER, subject=subject, claims=claims
    )
    return Identity(
        key=f"role-{number}", provider="aws", source="aws", scope="1", kind="role", name="role", trusts=(trust,)
    )


def taken(title: str, work: Callable[[], T]) -> tuple[T, float]:
    """What some work gives, and the seconds of CPU that it took, printed."""
    began = time.process_time()
    result = work()
    took = time.process_time() - began
    print(f"{title}: {took:.2f} s CPU", flush=True)
    return result, took


def read(number: int) -> Workflows:
    """The workflows of a repository."""
    where = Repository(full_name=f"acme/s{number}", database_id=number, owner_id=1, default_branch="main")
    return workflow_identities(ORGANIZATION, where, FILES)


def joined(identities: list[Identity]) -> tuple[Edge, ...]:
    """The edges from workflows to roles."""
    return with_federation([*identities, *map(role, range(TRUSTS))])[1]


def main() -> None:
    """Print the times and their ratio."""
    count = REPOSITORIES * WORKFLOWS
    _, floor = taken(
        f"YAML of {count} workflows", lambda: [yaml.load(TEXT, Loader=yaml.CSafeLoader) for _ in range(count)]
    )
    found, took = taken("as identities", lambda: [read(number) for number in range(REPOSITORIES)])
    print(f"{took / floor:.1f} times the YAML")
    edges, _ = taken("joined", lambda: joined([one for each in found for one in each.identities]))
    assert len(edges) == TRUSTS * WORKFLOWS


if __name__ == "__main__":
    main()
