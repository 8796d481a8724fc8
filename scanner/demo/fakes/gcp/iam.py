"""Methods of IAM that are not plain listings: keys by type, and policies of service accounts and secrets."""

from __future__ import annotations

from scanner.demo.fakes.gcp.call import Call, FakeRoute, paged
from scanner.demo.fakes.gcp.cloud import Row
from scanner.demo.fakes.gcp.faults import Refused
from scanner.demo.fakes.gcp.resource_manager import policy_of


def _keys(call: Call) -> Row:
    account = account_of(call, call.places["account"])
    wanted = call.query.get("keyTypes", ())
    collection = f"projects/{call.places['project']}/serviceAccounts/{account['email']}/keys"
    heeds = wanted and not call.cloud.faults.unheeded_key_types
    keys = [key for key in call.cloud.rows[collection] if not heeds or key.get("keyType") in wanted]
    return {"keys": keys} if keys else {}


def _account_policy(call: Call) -> Row:
    account = account_of(call, call.places["account"])
    name = f"//iam.googleapis.com/projects/{call.places['project']}/serviceAccounts/{account['email']}"
    return policy_of(call, name, _version(call))


def _secret_policy(call: Call) -> Row:
    name = f"//secretmanager.googleapis.com/projects/{call.places['project']}/secrets/{call.places['secret']}"
    return policy_of(call, name, _version(call))


def _providers(call: Call) -> Row:
    """The providers of a pool. Pools that are trust domains have none and refuse the request."""
    pool = call.path.removesuffix("/providers")
    for row in call.cloud.rows[pool.rpartition("/")[0]]:
        if str(row["name"]).endswith(f"/{call.places['pool']}") and row.get("mode") in _TRUST_DOMAINS:
            raise Refused(400, "Providers are not supported in workload identity pools of this mode.")
    return paged(call, call.cloud.rows[call.path], "workloadIdentityPoolProviders", default=50, cap=100)


def _deny_policies(call: Call) -> Row:
    """Deny policies, without their rules, as in the listing of the API."""
    policies = call.cloud.rows[_attached(call)]
    return paged(call, [{**one, "rules": []} for one in policies], "policies", default=1000, cap=1000)


def _deny_policy(call: Call) -> Row:
    for policy in call.cloud.rows[_attached(call)]:
        if policy["name"].rpartition("/")[2] == call.places["policy"]:
            return policy
    raise Refused(404, "no such policy")


def _attached(call: Call) -> str:
    """The collection of the deny policies of a resource: ``projects/acme/denypolicies``."""
    return f"{call.cloud.canonical(call.places['kind'] + '/' + call.places['place'])}/denypolicies"


def _version(call: Call) -> dict[str, int]:
    return {"requestedPolicyVersion": int(call.one("options.requestedPolicyVersion", "1"))}


def account_of(call: Call, name: str) -> Row:
    """The account by e-mail or unique id."""
    for row in call.cloud.rows[f"projects/{call.places['project']}/serviceAccounts"]:
        if name in (row["email"], row.get("uniqueId")):
            return row
    raise Refused(404, f"Unknown service account: {name}")


_TRUST_DOMAINS = ("TRUST_DOMAIN", "SYSTEM_TRUST_DOMAIN")
_PROVIDERS = "/v1/projects/{project}/locations/global/workloadIdentityPools/{pool}/providers"
_ACCOUNT = "/v1/projects/{project}/serviceAccounts/{account}"
_DENY = "/v2/policies/cloudresourcemanager.googleapis.com/{kind}/{place}/denypolicies"
ROUTES = (
    FakeRoute(api="iam", path=_ACCOUNT, answer=lambda call: account_of(call, call.places["account"])),
    FakeRoute(api="iam", path=f"{_ACCOUNT}/keys", answer=_keys),
    FakeRoute(api="iam", path=_PROVIDERS, answer=_providers),
    FakeRoute(api="iam", path=_DENY, answer=_deny_policies),
    FakeRoute(api="iam", path=f"{_DENY}/{{policy}}", answer=_deny_policy),
    FakeRoute(api="iam", path=f"{_ACCOUNT}:getIamPolicy", method="POST", answer=_account_policy),
    FakeRoute(api="secretmanager", path="/v1/projects/{project}/secrets/{secret}:getIamPolicy", answer=_secret_policy),
)
