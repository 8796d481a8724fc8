"""Who may become a service account from outside, and how far that is narrowed."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from connectors.gcp.rights.providers import Provider, parse_provider
from connectors.gcp.rights.trusts import FOREIGN, Pools, trusts_of
from scanner.access.federation import with_federation
from scanner.model import TokenSubject, Trust
from scanner.model.reach import Said
from tests.connectors.gcp.rights.estate import (
    BILLING,
    BUILDER,
    DEPLOYER,
    ORGANIZATION,
    OUTSIDER,
    TREE,
    bound,
    holdings,
    key_of,
)
from tests.factories import make_identity

POOL = "projects/111/locations/global/workloadIdentityPools/ci"
SUBJECT = f"principal://iam.googleapis.com/{POOL}/subject/repo:acme/app:ref:refs/heads/main"
SET = f"principalSet://iam.googleapis.com/{POOL}"
USER = "roles/iam.workloadIdentityUser"
GITHUB = "https://token.actions.githubusercontent.com"
MAPPING = {
    "google.subject": "assertion.sub",
    "attribute.repository": "assertion.repository",
    "attribute.owner": "assertion['repository_owner']",
    "attribute.actor": "assertion.actor",
}


def _provider(issuer: str = GITHUB, condition: str = "", **fields: Any) -> Provider:
    payload = {"name": f"{POOL}/providers/main", "state": "ACTIVE", "attributeMapping": MAPPING}
    payload |= {"oidc": {"issuerUri": issuer}} if issuer else {}
    return parse_provider(payload | ({"attributeCondition": condition} if condition else {}) | fields)


def _trusts(
    member: str, *providers: Provider, on: str = key_of(BILLING), role: str = USER, read: bool = True, **facts: Any
) -> tuple[Trust, ...]:
    binding = bound(on, role, member, facts.pop("condition", None))
    found, _ = trusts_of(
        [binding],
        holdings(binding, **facts),
        {"acme-prod": (BILLING, DEPLOYER), "acme-dev": (BUILDER,)},
        Pools(providers if read else None),
    )
    return found.get(BILLING, ())


AWS = _provider("", aws={"accountId": "123456789012"}, attributeMapping={})
ROLE = "arn:aws:sts::123456789012:assumed-role/deploy"
GKE_SET = "principalSet://iam.googleapis.com/projects/111/locations/global/workloadIdentityPools/acme-prod.svc.id.goog"


@pytest.mark.parametrize(
    ("member", "condition", "restriction"),
    [
        (SUBJECT, "", "exact"),
        (f"{SET}/attribute.repository/acme/app", "", "exact"),
        (f"{SET}/attribute.owner/acme", "", "loose"),
        (f"{SET}/attribute.actor/octocat", "", "none"),
        (f"{SET}/attribute.unmapped/x", "", "none"),
        (f"{SET}/group/admins", "", "none"),
        (f"{SET}/*", "", "none"),
        (f"{SET}/*", "assertion.repository_owner == 'acme'", "loose"),
        (f"{SET}/*", "assertion['repository_owner']=='acme'", "loose"),
        (f"{SET}/*", "attribute.owner == 'acme'", "loose"),
        (f"{SET}/*", "assertion.repository == 'acme/app'", "exact"),
        (f"{SET}/*", "assertion.repository_owner in ['acme']", "loose"),
        (f"{SET}/*", "assertion.sub.startsWith('repo:acme/')", "loose"),
        (f"{SET}/*", "assertion.sub.startsWith('repo:')", "none"),
        (f"{SET}/*", "assertion['sub'].startsWith('repo:acme/')", "loose"),
        (f"{SET}/*", "assertion.sub.matches('^repo:acme/.+:ref:refs/heads/main$')", "loose"),
        (f"{SET}/*", "assertion.sub.matches(r'^repo:acme/.+')", "loose"),
        (f"{SET}/*", "assertion.sub.matches('^repo:acme/?')", "none"),
        (f"{SET}/*", "assertion.sub.matches('^repo:acme/|x')", "none"),
        (f"{SET}/*", "assertion.sub.matches('repo:acme/')", "none"),
        (f"{SET}/*", "assertion.sub.contains('repo:acme/')", "none"),
        (f"{SET}/*", "assertion.job_workflow_ref.startsWith('acme/')", "loose"),
        (f"{SET}/*", "assertion.job_workflow_ref.startsWith('a')", "none"),
        (f"{SET}/*", "assertion.repository.startsWith('acme/')", "loose"),
        (f"{SET}/*", "attribute.repository.startsWith('acme/')", "loose"),
        (f"{SET}/*", "assertion.repository.endsWith('/infra')", "none"),
        (f"{SET}/*", "assertion.repository.endsWith('acme/infra')", "none"),
        (f"{SET}/*", "assertion.repository_owner.startsWith('a')", "none"),
        (f"{SET}/*", "'acme/app'.startsWith(assertion.repository)", "none"),
        (f"{SET}/*", "assertion.ref == 'refs/heads/main'", "none"),
        (f"{SET}/*", "assertion.repository_owner != 'evil'", "none"),
        (f"{SET}/*", "!(assertion.repository_owner == 'acme')", "none"),
        (f"{SET}/*", "assertion.repository_owner == 'acme' || true", "none"),
        (f"{SET}/*", "(assertion.repository_owner == 'acme' || true) && assertion.ref == 'x'", "none"),
        (f"{SET}/*", "assertion.repository == 'a/b' || assertion.repository_owner == 'acme'", "loose"),
        (f"{SET}/*", "'assertion.repository == 1' == 'x'", "none"),
        (f"{SET}/attribute.actor/octocat", "assertion.repository == 'acme/app'", "exact"),
    ],
)
def test_only_a_claim_that_names_the_tenant_keeps_outsiders_out(member: str, condition: str, restriction: str) -> None:
    """An issuer that signs for everyone signs for outsiders, too."""
    (trust,) = _trusts(member, _provider(condition=condition))

    assert (trust.kind, trust.external, trust.restriction) == ("federated", True, restriction)


@pytest.mark.parametrize(
    ("provider", "member", "restriction"),
    [
        (_provider("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"), f"{SET}/*", "loose"),
        (_provider("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"), SUBJECT, "exact"),
        (_provider("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"), f"{SET}/group/admins", "exact"),
        (_provider(f"{GITHUB}/acme"), f"{SET}/*", "loose"),
        (_provider("", aws={"accountId": "123456789012"}), f"{SET}/*", "loose"),
        (_provider("", saml={}), f"{SET}/*", "loose"),
        (_provider("", oidc={"issuerUri": GITHUB, "jwksJson": "{}"}), f"{SET}/*", "loose"),
    ],
)
def test_an_issuer_of_ones_own_narrows_by_itself(provider: Provider, member: str, restriction: str) -> None:
    """A cluster, a tenant, an account."""
    (trust,) = _trusts(member, provider)

    assert (trust.external, trust.restriction) == (None, restriction)


@pytest.mark.parametrize(
    ("provider", "member", "subject"),
    [
        (_provider(), SUBJECT, "repo:acme/app:ref:refs/heads/main"),
        (_provider(), f"{SET}/attribute.repository/acme/app", "repo:acme/app:*"),
        (_provider(), f"{SET}/attribute.actor/octocat", None),
        (_provider(), f"{SET}/*", None),
        (_provider(attributeMapping={"google.subject": "assertion.actor"}), SUBJECT, None),
        (_provider("https://issuer.example"), SUBJECT, "repo:acme/app:ref:refs/heads/main"),
        (_provider("https://issuer.example"), f"{SET}/attribute.repository/acme/app", None),
        (AWS, f"{SET}/attribute.aws_role/{ROLE}", f"{ROLE}/*"),
        (AWS, f"{SET}/*", "arn:aws:sts::123456789012:*"),
        (AWS, f"{SET}/attribute.colour/red", None),
    ],
)
def test_who_tokens_must_be_for_is_reported_as_their_issuer_has_it(
    provider: Provider, member: str, subject: str | None
) -> None:
    """So that anyone who bears them can be found with another provider."""
    (trust,) = _trusts(member, provider)

    assert (trust.issuer, trust.subject) == (provider.issuer, subject)


@pytest.mark.parametrize(
    ("member", "subject"),
    [
        ("serviceAccount:acme-prod.svc.id.goog[shop/web]", "system:serviceaccount:shop:web"),
        (f"{GKE_SET}/namespace/shop", "system:serviceaccount:shop:*"),
        (f"{GKE_SET}/kubernetes.cluster/https://container.googleapis.com/v1/x", None),
        (f"{GKE_SET.replace('Set', '')}/subject/ns/shop/sa/web", "system:serviceaccount:shop:web"),
    ],
)
def test_pods_are_reported_as_their_cluster_has_them(member: str, subject: str | None) -> None:
    """Its issuer is Google's, one for each project."""
    (trust,) = _trusts(member)

    assert (trust.issuer, trust.subject) == ("acme-prod.svc.id.goog", subject)


def test_a_claim_that_keeps_no_one_out_without_another_is_no_exact_one() -> None:
    """A pool of Cognito signs for those who did not sign in, too."""
    pool = _provider("https://cognito-identity.amazonaws.com", "assertion.aud == 'eu-west-1:1'")

    (trust,) = _trusts(f"{SET}/*", pool)

    assert trust.restriction == "loose"


def test_the_evidence_names_role_resource_issuer_and_condition() -> None:
    """So that someone can check it."""
    (trust,) = _trusts(f"{SET}/*", _provider(condition="assertion.repository_owner == 'acme'"))

    assert trust.principal == f"{SET}/*"
    assert trust.evidence == (
        f"{USER} on {BILLING}; main takes tokens of {GITHUB} if assertion.repository_owner == 'acme'"
    )


@pytest.mark.parametrize(
    ("providers", "read", "expected"),
    [
        ((), True, 0),
        ((_provider(disabled=True),), True, 0),
        ((_provider(state="DELETED"),), True, 0),
        ((_provider(), _provider("https://gitlab.com")), True, 2),
        ((), False, 0),
    ],
)
def test_anyone_who_signs_for_a_pool_lets_its_principals_in(
    providers: tuple[Provider, ...], read: bool, expected: int
) -> None:
    """No one does for a pool of ours without a provider that is on; what was not read lets in no one knows who."""
    binding = bound(key_of(BILLING), USER, SUBJECT)
    pools = Pools(providers if read else None)

    found, unread = trusts_of([binding], holdings(binding), {"acme-prod": (BILLING,)}, pools)

    assert len(found.get(BILLING, ())) == expected
    assert unread == (frozenset() if read else {BILLING})


def test_a_pool_that_another_unit_reads_is_read_for_this_one() -> None:
    """Its own unit may say that it has no provider, or one."""
    binding = bound(key_of(BILLING), USER, SUBJECT)
    signed, unread = trusts_of(
        [binding], holdings(binding), {"acme-prod": (BILLING,)}, Pools(None, {POOL: (_provider(),)})
    )
    unsigned, _ = trusts_of([binding], holdings(binding), {"acme-prod": (BILLING,)}, Pools(None, {POOL: ()}))

    assert [trust.issuer for trust in signed[BILLING]] == [GITHUB]
    assert (unsigned, unread) == ({}, frozenset())


def test_a_pool_of_somebody_else_may_have_any_provider() -> None:
    """Its project is none of ours."""
    (trust,) = _trusts(SUBJECT.replace("/111/", "/999/"))

    assert (trust.external, trust.restriction, FOREIGN in trust.evidence) == (None, "exact", True)


@pytest.mark.parametrize(
    ("member", "role", "whole", "kind", "external", "restriction"),
    [
        ("allUsers", USER, True, "anyone", True, "none"),
        ("allAuthenticatedUsers", "roles/iam.serviceAccountTokenCreator", True, "anyone", True, "none"),
        (OUTSIDER, "roles/iam.serviceAccountTokenCreator", True, "principal", True, "none"),
        (OUTSIDER, "roles/iam.serviceAccountTokenCreator", False, "principal", None, "none"),
        ("serviceAccount:acme-prod.svc.id.goog[shop/web]", USER, True, "federated", False, "exact"),
        ("serviceAccount:other.svc.id.goog[shop/web]", USER, True, "federated", None, "exact"),
    ],
)
def test_outsiders_of_every_sort(
    member: str, role: str, whole: bool, kind: str, external: bool | None, restriction: str
) -> None:
    """Everyone, accounts of projects that are not ours, and pods."""
    (trust,) = _trusts(member, role=role, tree=structs.replace(TREE, is_whole=whole))

    assert (trust.kind, trust.external, trust.restriction) == (kind, external, restriction)


@pytest.mark.parametrize(
    ("member", "role"),
    [
        (BUILDER, "roles/iam.serviceAccountTokenCreator"),
        ("user:ada@example.com", "roles/iam.serviceAccountTokenCreator"),
        ("serviceAccount:service-111@gcp-sa-pubsub.iam.gserviceaccount.com", "roles/iam.serviceAccountTokenCreator"),
        ("serviceAccount:service-999@gcp-sa-pubsub.iam.gserviceaccount.com", "roles/iam.serviceAccountTokenCreator"),
        ("serviceAccount:a-name-of-no-form", "roles/iam.serviceAccountTokenCreator"),
        (SUBJECT, "roles/iam.serviceAccountUser"),
        (f"deleted:{SUBJECT}", USER),
    ],
)
def test_others_are_no_outsiders(member: str, role: str) -> None:
    """Accounts of ours have assignments, people are no machines, and acting as an account takes more than that."""
    assert _trusts(member, _provider(), role=role) == ()


@pytest.mark.parametrize("on", ["projects/acme-prod", "folders/45", ORGANIZATION])
def test_what_is_given_above_is_given_on_every_account_below(on: str) -> None:
    """Rights are inherited."""
    binding = bound(on, USER, SUBJECT)
    accounts = {"acme-prod": (BILLING, DEPLOYER), "acme-dev": (BUILDER,)}

    found, _ = trusts_of([binding], holdings(binding), accounts, Pools([_provider()]))

    assert set(found) == ({BILLING, DEPLOYER, BUILDER} if on == ORGANIZATION else {BILLING, DEPLOYER})


def test_a_condition_on_the_binding_narrows_too() -> None:
    """No one can say how far: loose, and it says so."""
    (trust,) = _trusts("allUsers", condition="resource.name == 'x'")

    assert trust.restriction == "loose"
    assert "under a condition" in trust.evidence


@pytest.mark.parametrize(
    "payload", [{}, {"name": "projects/1"}, {"name": 7}, {"name": "a/providers/b", "oidc": {}}, []]
)
def test_a_provider_that_is_none_is_refused(payload: Any) -> None:
    """One row, reported by its name."""
    with pytest.raises(ValueError, match=r"Expected|no provider|required"):
        parse_provider(payload)


LOCAL = "https://kubernetes.default.svc.cluster.local"
JWKS = '{"keys": [{"kty": "RSA", "kid": "k1", "n": "AQ", "e": "AQAB"}, {"kid": ""}]}'


@pytest.mark.parametrize(
    ("issuer", "jwks", "kid", "joined"),
    [
        (LOCAL, JWKS, "k1", True),
        (LOCAL, JWKS, "k2", False),
        (LOCAL, "{", "k1", False),
        (LOCAL, '{"keys": 3}', "k1", False),
        ("https://issuer.example", JWKS, None, True),
    ],
)
def test_a_cluster_is_known_by_the_keys_that_a_provider_was_given(
    issuer: str, jwks: str, kid: str | None, *, joined: bool
) -> None:
    """Where many clusters call their issuer so; as Google says for clusters that it cannot reach."""
    said = (Said("kid", kid),) if kid else ()
    account = make_identity("cart", token_subjects=(TokenSubject(issuer, "system:serviceaccount:shop:cart", said),))
    member = SUBJECT.rpartition("/subject/")[0] + "/subject/system:serviceaccount:shop:cart"
    trusts = _trusts(member, _provider("", oidc={"issuerUri": issuer, "jwksJson": jwks}))
    billing = make_identity("billing", key="billing", trusts=trusts)

    _, edges = with_federation([account, billing])

    assert [edge.target for edge in edges if not edge.conditional] == (["billing"] if joined else [])
