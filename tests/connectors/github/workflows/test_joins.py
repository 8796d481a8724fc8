"""Workflows joined with the trusts that the connectors of the clouds read: each becomes its role, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.anthropic import payloads as anthropic_payloads
from connectors.anthropic.reading import trust_of as anthropic_trust
from connectors.aws.rights.trust import parse_trusts
from connectors.azure.identities.federation import Expression, Terms, trust_of
from connectors.core.budget import Limits
from connectors.core.contract import Scope
from connectors.gcp.rights.members import parse_member
from connectors.gcp.rights.providers import parse_provider
from connectors.gcp.rights.trusts import Pools, external_principals
from connectors.github.facts import Repository, SubjectTemplate
from connectors.openai import payloads
from connectors.openai.reading import trust_of as openai_trust
from connectors.testing import Asked, Reply, read
from connectors.vault.logins import parse_role
from connectors.vault.methods import JWT, JwtPayload
from connectors.vault.rights.trusts import trusts_of
from connectors.vault.spec import SPEC
from scanner.access.edges import resolve
from scanner.model import Coverage, Identity, Trust, Workload
from tests.connectors.gcp.rights.estate import TREE
from tests.connectors.github.estates import DEPLOY, TOKEN, VALUE, connector
from tests.connectors.github.fake import Organization, served
from tests.connectors.github.workflows.test_subjects import ISSUER, NEW, found, on, organization, repository
from tests.factories import make_identity

HOST = "token.actions.githubusercontent.com"
POOL = "projects/1/locations/global/workloadIdentityPools/pool"
PROD = "environment: prod,"
WORKFLOWS = {
    "main": (on("{push: {branches: [main]}}"), repository()),
    "prod": (on("{push: {branches: [main]}}", PROD), repository()),
    "pull": (on("pull_request"), repository()),
    "other": (on("{push: {branches: [main]}}"), repository(full_name="acme/other", database_id=21)),
    "new": (on("{push: {branches: [main]}}"), repository(full_name="acme/new", database_id=22, created_at=NEW)),
    "custom": (
        on("{push: {branches: [main]}}"),
        repository(
            full_name="acme/custom",
            database_id=23,
            template=SubjectTemplate(use_default=False, claim_keys=("repository_owner", "ref")),
        ),
    ),
}
"""By name: a workflow, and the repository that it is in."""


def aws(operator: str, **claims: str | list[str]) -> Iterator[Trust]:
    """The trusts of a role, with conditions on claims."""
    conditions = {operator: {f"{HOST}:{name}": value for name, value in claims.items()}}
    principal = {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{HOST}"}
    action = "sts:AssumeRoleWithWebIdentity"
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Condition": conditions}
    yield from parse_trusts({"Version": "2012-10-17", "Statement": statement}, "123456789012")


def azure(subject: str | None = None, expression: str | None = None) -> Iterator[Trust]:
    """The trust of a federated credential."""
    matching = None if expression is None else Expression(value=expression)
    yield trust_of("github", Terms(issuer=ISSUER, subject=subject, claims_matching_expression=matching), "T-1")


def google(member: str, condition: str = "", **mapping: str) -> Iterator[Trust]:
    """The trust of a service account in a member of a pool."""
    attributes = {"google.subject": "assertion.sub", **{f"attribute.{name}": text for name, text in mapping.items()}}
    payload: dict[str, Any] = {
        "name": f"{POOL}/providers/github",
        "attributeMapping": attributes,
        "attributeCondition": condition,
        "oidc": {"issuerUri": ISSUER},
    }
    parsed = parse_member(f"{member}")
    for principal in external_principals(parsed, TREE, Pools([parse_provider(payload)])):
        yield principal.trust(principal.restriction, "roles/iam.workloadIdentityUser")


def vault(subject: str | None = None, *, kind: str = "string", **claims: str | list[str]) -> Iterator[Trust]:
    """The trusts of a JWT role."""
    payload = JwtPayload(role_type="jwt", bound_subject=subject, bound_claims=dict(claims), bound_claims_type=kind)
    scope = Scope(source="vault", spec=SPEC, id="vault.acme.example")
    yield from trusts_of(parse_role(scope, JWT, "jwt", "ci", payload), {"jwt": ISSUER}) or ()


def openai(*transformed: str, **matchers: str) -> Iterator[Trust]:
    """The trust of a federation rule of OpenAI. ``transformed``: attributes that are no plain claim."""
    made = tuple(payloads.Transformation(one, f"assertion.{one}.lowerAscii()") for one in transformed)
    provider = payloads.Provider(id="p", issuer=ISSUER, audience="openai", attribute_transformations=made)
    yield openai_trust(provider, payloads.Rule(id="r", service_account_id="s", attribute_matchers=matchers))


def anthropic(prefix: str | None = None, condition: str | None = None, **claims: str) -> Iterator[Trust]:
    """The trust of a federation rule of Anthropic."""
    match = anthropic_payloads.Match(subject_prefix=prefix, audience="x", claims=claims, condition=condition)
    target = anthropic_payloads.RuleTarget(service_account_id="s")
    issuer = anthropic_payloads.Issuer(id="i", issuer_url=ISSUER)
    yield anthropic_trust(issuer, anthropic_payloads.Rule(id="r", issuer_id="i", match=match, target=target))


def principal(rest: str) -> str:
    """A member that is one subject of the pool."""
    return f"principal://iam.googleapis.com/{POOL}/{rest}"


def principals(rest: str) -> str:
    """A member that is a set of principals of the pool."""
    return f"principalSet://iam.googleapis.com/{POOL}/{rest}"


def everyone() -> dict[str, Identity]:
    """The identities of the workflows, by name."""
    return {name: found(text, where).identities[0] for name, (text, where) in WORKFLOWS.items()}


MAIN = "repo:acme/app:ref:refs/heads/main"
OF_PATH = "acme/app/.github/workflows/deploy.yml@refs/heads/main"


def test_jobs_that_name_one_role_become_it() -> None:
    """The links of two jobs to one target leave room for the one by its trust."""
    role = "arn:aws:iam::123456789012:role/deploy"
    take = f"steps: [{{uses: aws-actions/configure-aws-credentials@v5, with: {{role-to-assume: '{role}'}}}}]"
    both = found(
        f"on: {{push: {{branches: [main]}}}}\npermissions: {{id-token: write}}\njobs:\n"
        f"  plan: {{runs-on: x, {take}}}\n  apply: {{runs-on: x, {take}}}"
    )
    target = make_identity("deploy", key=role, trusts=tuple(aws("StringEquals", sub=MAIN)))
    resolved = resolve([*both.identities, target], {}, [both.workload], ())

    assert {(one.relation, one.target) for one in resolved.identities[0].links} == {
        ("can_assume", role),
        ("federates", role),
    }
    assert (both.identities[0].key, role) in {(edge.source, edge.target) for edge in resolved.edges}


@pytest.mark.parametrize(
    ("trusts", "become", "perhaps"),
    [
        (aws("StringEquals", sub=MAIN), {"main"}, set()),
        (aws("StringEquals", sub=[MAIN, "repo:acme/app:environment:prod"]), {"main", "prod"}, set()),
        (aws("StringLike", sub="repo:acme/app:*"), {"main", "prod", "pull"}, set()),
        (aws("StringLike", sub="repo:acme/*:ref:refs/heads/main"), {"main", "other"}, set()),
        (aws("StringLike", sub="repo:acme@10/*"), {"new"}, set()),
        (aws("StringEquals", sub="repo:acme/new:ref:refs/heads/main"), set(), set()),
        (aws("StringEquals", sub="repository_owner:acme:ref:refs/heads/main"), {"custom"}, set()),
        (aws("StringLike", sub="repo:acme/app:*", ref="refs/heads/main"), {"main", "prod"}, set()),
        (aws("StringLike", sub="repo:acme/app:*", actor="jane"), set(), {"main", "prod", "pull"}),
        (aws("StringEquals", repository="acme/app"), {"main", "prod", "pull"}, set()),
        (aws("StringEquals", repository_id="22"), {"new"}, set()),
        (aws("StringEquals", repository="acme/app", environment="prod", aud="sts.amazonaws.com"), {"prod"}, set()),
        (aws("StringLike", job_workflow_ref="acme/app/.github/workflows/*@refs/heads/main"), {"main", "prod"}, set()),
        (aws("StringLike", job_workflow_ref="acme/elsewhere/*"), set(), set()),
        (aws("StringEquals", aud="sts.amazonaws.com"), set(), set()),
        (aws("StringNotEquals", sub=MAIN), set(), set()),
        (azure(MAIN), {"main"}, set()),
        (azure("repo:acme/app:*"), set(), set()),
        (azure("repo:acme@10/new@22:ref:refs/heads/main"), {"new"}, set()),
        (azure(expression="claims['sub'] matches 'repo:acme/app:*'"), {"main", "prod", "pull"}, set()),
        (
            azure(expression=f"claims['sub'] matches 'repo:acme/*' and claims['job_workflow_ref'] eq '{OF_PATH}'"),
            {"main", "prod"},
            set(),
        ),
        (google(principal(f"subject/{MAIN}")), {"main"}, set()),
        (google(principals("attribute.repo/acme/app"), repo="assertion.repository"), {"main", "prod", "pull"}, set()),
        (google(principals("attribute.repo/acme/new"), repo="assertion.repository"), {"new"}, set()),
        (google(principals("attribute.id/22"), id="assertion.repository_id"), {"new"}, set()),
        (
            google(
                principals("attribute.owner/acme"),
                "assertion.ref == 'refs/heads/main' && attribute.env in ['prod', 'stage']",
                owner="assertion.repository_owner",
                env="assertion.environment",
            ),
            {"prod"},
            set(),
        ),
        (
            google(
                principals("attribute.repo/acme/app"),
                "assertion.ref.startsWith('refs/pull/')",
                repo="assertion.repository",
            ),
            {"pull"},
            set(),
        ),
        (google(principal(f"subject/{MAIN}"), "assertion.actor == 'jane'"), set(), {"main"}),
        (google(principal(f"subject/{MAIN}"), "assertion.sub.size() > 5"), set(), {"main"}),
        (google(principal(f"subject/{MAIN}"), "assertion.ref == 'a' || assertion.ref == 'b'"), set(), {"main"}),
        (google(principal(f"subject/{MAIN}"), "assertion.aud == 'x'"), {"main"}, set()),
        (google(principals("*")), set(), set()),
        (vault(MAIN), {"main"}, set()),
        (vault(kind="glob", sub=["repo:acme/app:environment:*", "repo:acme/other:*"]), {"prod", "other"}, set()),
        (vault(sub="repo:acme/app:*"), set(), set()),
        (vault(repository="acme/app", ref="refs/heads/main"), {"main", "prod"}, set()),
        (
            vault(kind="glob", sub="repo:acme/*", job_workflow_ref="acme/app/*", actor="j*"),
            set(),
            {"main", "prod", "pull"},
        ),
        (vault(), set(), set()),
        (openai(sub=MAIN), {"main"}, set()),
        (openai(repository="acme/app"), {"main", "prod", "pull"}, set()),
        (openai(repository="acme/app", environment="prod"), {"prod"}, set()),
        (openai("actor", sub=MAIN, actor="jane"), set(), {"main"}),
        (openai(repository="acme/elsewhere"), set(), set()),
        (anthropic(MAIN), {"main"}, set()),
        (anthropic("repo:acme/app:*"), {"main", "prod", "pull"}, set()),
        (anthropic("repo:acme/*", ref="refs/heads/main"), {"main", "other", "prod"}, set()),
        (anthropic("repo:acme/app:*", "claims.actor == 'jane'"), set(), {"main", "prod", "pull"}),
        (anthropic(None, repository="acme/app"), {"main", "prod", "pull"}, set()),
    ],
)
def test_a_workflow_becomes_what_trusts_it(trusts: Iterator[Trust], become: set[str], perhaps: set[str]) -> None:
    """Whatever the cloud, by subject, claims and conditions; a claim that is not known makes it conditional."""
    edges = list(_edges(list(trusts), everyone()))

    assert {name for name, conditional in edges if not conditional} == become
    assert {name for name, conditional in edges if conditional} == perhaps


@pytest.mark.parametrize(
    ("claimed", "become", "perhaps"),
    [(("team",), True, False), (("team", "tier"), True, False), (("tier",), False, False), (None, False, True)],
)
def test_a_custom_property_counts_where_tokens_have_it(
    claimed: tuple[str, ...] | None, become: bool, perhaps: bool
) -> None:
    """A repository's property is no claim unless the organization says so; while that is unknown, it may be one."""
    where = repository(properties={"team": "core", "size": "big"})
    owner = organization(oidc=SubjectTemplate(properties=claimed))
    workflow = {"x": found(on("schedule"), where, owner).identities[0]}
    edges = list(_edges(list(aws("StringEquals", repo_property_team="core", repository="acme/app")), workflow))
    others = list(_edges(list(aws("StringEquals", repo_property_team="other", repository="acme/app")), workflow))

    assert edges == ([("x", perhaps)] if become or perhaps else [])
    assert others == ([("x", True)] if perhaps else [])


def _edges(trusts: list[Trust], workflows: dict[str, Identity]) -> Iterator[tuple[str, bool]]:
    """Resolve each workflow alone with a role of these trusts, because some have the same key."""
    for name, workflow in workflows.items():
        role = make_identity("role", key="role", trusts=tuple(trusts))
        for edge in resolve([workflow, role], {}, (), ()).edges:
            if (edge.source, edge.target) == (workflow.key, "role"):
                yield name, edge.conditional


def _workload(where: Repository) -> Workload:
    return found(on("push"), where).workload


@pytest.mark.parametrize(
    ("subject", "presented", "sent_as"),
    [
        (MAIN, "presented", None),
        ("repo:acme/app:*", "presented", None),
        ("repo:acme/app:environment:gone", "not_presented", None),
        ("repo:acme/quiet:*", "not_presented", None),
        ("repo:acme/renamed:*", "gone", None),
        ("repo:acme/new:ref:refs/heads/main", "other_form", "repo:acme@10/new@22:ref:refs/heads/main"),
        ("repo:acme@10/app@20:ref:refs/heads/main", "other_form", MAIN),
        ("repo:elsewhere/app:*", None, None),
        ("repo:*", "presented", None),
        (None, None, None),
    ],
)
@pytest.mark.parametrize("status", ["complete", "partial"])
def test_trusts_that_no_workflow_fits(
    subject: str | None, presented: str | None, sent_as: str | None, status: Any
) -> None:
    """Known where the whole organization was read; under a gap only what fits is known."""
    whole = (repository(), WORKFLOWS["new"][1], repository(full_name="acme/quiet", database_id=9))
    workflows = [everyone()["main"], everyone()["new"]]
    trust = Trust(principal="p", kind="federated", evidence="x", issuer=ISSUER, subject=subject)
    role = make_identity("role", key="role", trusts=(trust,))
    (*_, resolved) = resolve([*workflows, role], {}, [_workload(one) for one in whole], _read(status)).identities

    expected = (presented, sent_as) if status == "complete" or presented == "presented" else (None, None)
    assert (resolved.trusts[0].presented, resolved.trusts[0].sent_as) == expected


def _read(repositories: Any, workflows: Any = "complete") -> list[Coverage]:
    """How completely the organization was read; the audit log lists no workflows."""
    kinds = ("workflow",)
    return [
        Coverage(source="", provider="github", scope="acme", section="repositories", status=repositories, kinds=kinds),
        Coverage(source="", provider="github", scope="acme", section="workflows", status=workflows, kinds=kinds),
        Coverage(source="", provider="github", scope="acme", section="audit_log", status="denied"),
    ]


ELSEWHERE = "{push: {branches: [main]}}\npermissions: write-all\njobs: {go: {uses: other/x/.github/workflows/y.yml@v1}}"
BY_TEMPLATE = SubjectTemplate(use_default=False, claim_keys=("repository_owner",))


@pytest.mark.parametrize(
    ("subject", "presented"),
    [
        # Of another repository, of the one that is not wholly read, of both, in either form, of one that is gone.
        ("repo:acme/quiet:environment:prod", "not_presented"),
        ("repo:acme/odd:environment:prod", None),
        ("repo:acme/odd:*", None),
        ("repo:acme@10/odd@77:environment:prod", None),
        ("repo:acme/o*:environment:prod", None),
        ("repo:acme/*:environment:prod", None),
        ("repo:acme/?dd:*", None),
        ("repo:acme/renamed:*", "gone"),
        ("repo:acme/odd", "gone"),
        ("repo:acme/oddity:*", "gone"),
        (MAIN, "presented"),
        ("repo:elsewhere/app:*", None),
    ],
)
@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("on: push\njobs: {", {}),
        (f"on: {ELSEWHERE}", {}),
        (on("push"), {"template": None}),
    ],
    ids=["no YAML", "calls what was not read", "unknown form"],
)
def test_an_unreadable_repository_leaves_the_others_known(
    subject: str, presented: Any, text: str, facts: dict[str, Any]
) -> None:
    """Only a trust that one of its jobs might fit is unknown, whatever the state of the section."""
    unread = found(text, repository(full_name="acme/odd", database_id=77, **facts), organization(oidc=BY_TEMPLATE))
    whole = [unread.workload, *(_workload(one) for one in (repository(), repository(full_name="acme/quiet")))]
    trust = Trust(principal="p", kind="federated", evidence="x", issuer=ISSUER, subject=subject)
    role = make_identity("role", key="role", trusts=(trust,))
    for status in ("partial", "denied", "complete"):
        (_, resolved) = resolve([everyone()["main"], role], {}, whole, _read("complete", status)).identities
        is_known = status != "denied" or presented == "presented"
        assert resolved.trusts[0].presented == (presented if is_known else None)


@pytest.mark.parametrize(
    ("hidden", "page", "accounted", "presented"),
    [
        ("/orgs/acme/properties/values", "", ["workflows", "repositories"], "not_presented"),
        ("/orgs/acme/actions/variables", "", ["workflows", "repositories"], "not_presented"),
        ("", "2", ["workflows"], None),
    ],
)
def test_only_what_repositories_have_besides_may_be_missing(
    hidden: str, page: str, accounted: list[str], presented: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without properties, owners or variables, repositories and their tokens are still known."""
    monkeypatch.setenv(TOKEN, VALUE)
    org = Organization()
    names = ("app", "other", "quiet", "rest")
    for name in names:
        org.add_repository(name, files={".github/workflows/deploy.yml": DEPLOY})

    def fault(asked: Asked) -> Reply | None:
        is_lost = page and f'"endCursor":"{page}"'.encode() in asked.body.replace(b" ", b"")
        return Reply(status=403, body={"message": "no"}) if is_lost else None

    with served(org, token=VALUE, per_page=2) as (github, url):
        github.hidden, github.faults = {hidden}, fault
        records = read(connector(url), deadline=60.0, limits=Limits())
    workloads = [one for one in records if isinstance(one, Workload)]
    coverage = [one for one in records if isinstance(one, Coverage)]
    role = make_identity(
        "role",
        key="role",
        trusts=(
            Trust(principal="p", kind="federated", evidence="x", issuer=ISSUER, subject="repo:acme/quiet:pull_request"),
        ),
    )
    identities = [*(one for one in records if isinstance(one, Identity)), role]
    resolved = resolve(identities, {}, workloads, coverage).identities[-1]

    assert {one.name for one in workloads} == {f"acme/{name}" for name in names[: 2 if page else 4]}
    assert [one.attributes["gaps_accounted_in"] for one in workloads] == [accounted] * len(workloads)
    assert {one.section for one in coverage if one.is_gap and "workflow" in one.kinds}
    assert resolved.trusts[0].presented == presented


def test_a_workflow_that_names_what_was_not_read_is_of_unknown_privilege() -> None:
    """With the role known, or one of its aliases, its own privilege counts again."""
    text = on("schedule").replace("steps: []", "steps: [{uses: azure/login@v2, with: {client-id: AB-1, tenant-id: T}}]")
    workflow = found(text).identities[0]
    app = make_identity("app", key="azure://t/applications/ab-1")
    also = make_identity("app", key="x", aliases=("azure://t/applications/ab-1",))

    levels = [resolve([workflow, *others], {}, (), ()).identities[0].privilege.level for others in ([], [app], [also])]
    assert levels == ["unknown", "normal", "normal"]
