"""Rows for workloads that run as service accounts, and for secrets, in the form of the APIs.

Every field that may contain a secret does: variables, metadata and passwords, which a scanner must not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scanner.demo.fakes.gcp.cloud import CREATED, Cloud, Row, digits

AT = "europe-west1"
VALUE = "hunter2-the-value-of-a-variable"
"""The value of all secrets, which must not occur in any output."""
_COMPUTE = "https://www.googleapis.com/compute/v1"
_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]


def add_instance(cloud: Cloud, project: str, name: str, email: str | None = None, **fields: Any) -> Row:
    """An instance, with or without a service account."""
    zone = f"{_COMPUTE}/projects/{project}/zones/{AT}-b"
    row = {
        "kind": "compute#instance",
        "id": digits(name, 19),
        "name": name,
        "zone": zone,
        "selfLink": f"{zone}/instances/{name}",
        "creationTimestamp": "2025-02-03T04:05:06.789-08:00",
        "labels": {"team": "shop"},
        "metadata": {"kind": "compute#metadata", "items": [{"key": "startup-script", "value": f"export PW={VALUE}"}]},
        **({} if email is None else {"serviceAccounts": [{"email": email, "scopes": _SCOPES}]}),
    }
    return cloud.add(f"projects/{project}/instances", row | fields)


def add_template(cloud: Cloud, project: str, name: str, email: str) -> Row:
    """An instance template."""
    row = {
        "name": name,
        "selfLink": f"{_COMPUTE}/projects/{project}/global/instanceTemplates/{name}",
        "creationTimestamp": "2025-02-03T04:05:06.789-08:00",
        "properties": {"serviceAccounts": [{"email": email, "scopes": _SCOPES}], "labels": {"team": "shop"}},
    }
    return cloud.add(f"projects/{project}/global/instanceTemplates", row)


def add_run(
    cloud: Cloud,
    project: str,
    name: str,
    email: str = "",
    *,
    secrets: Sequence[str] = (),
    job: bool = False,
    **more: Any,
) -> Row:
    """A service or a job of Cloud Run. The first secret is a variable, the others are files."""
    kind = "jobs" if job else "services"
    env: list[Row] = [{"name": "PASSWORD", "value": VALUE}]
    env += [
        {"name": "DB", "valueSource": {"secretKeyRef": {"secret": one, "version": "latest"}}} for one in secrets[:1]
    ]
    template: Row = {
        **({"serviceAccount": email} if email else {}),
        "containers": [{"image": "gcr.io/acme/app", "env": env}],
        "volumes": [{"name": f"v{n}", "secret": {"secret": one}} for n, one in enumerate(secrets[1:])],
    }
    row = {
        "name": f"projects/{project}/locations/{AT}/{kind}/{name}",
        "createTime": CREATED,
        "creator": "ada@example.com",
        "labels": {"team": "shop"},
        "template": {"template": template} if job else template,
    }
    return cloud.add(f"projects/{project}/locations/{AT}/{kind}", row | more)


def add_run_v1(
    cloud: Cloud, project: str, name: str, email: str = "", *, secrets: Sequence[str] = (), job: bool = False
) -> Row:
    """The same in version 1 of the API, where an annotation may define an alias of a secret."""
    pod: Row = {
        **({"serviceAccountName": email} if email else {}),
        "containers": [
            {
                "image": "gcr.io/acme/app",
                "env": [
                    {"name": "PASSWORD", "value": VALUE},
                    *({"name": "DB", "valueFrom": {"secretKeyRef": {"name": one, "key": "1"}}} for one in secrets[:1]),
                ],
            }
        ],
        "volumes": [{"name": f"v{n}", "secret": {"secretName": f"alias-{n}"}} for n, _ in enumerate(secrets[1:])],
    }
    aliases = ",".join(f"alias-{n}:{one}" for n, one in enumerate(secrets[1:]))
    template = {"metadata": {"annotations": {"run.googleapis.com/secrets": aliases}}, "spec": pod}
    if job:
        template = {"metadata": template["metadata"], "spec": {"template": {"spec": pod}}}
    kind = "jobs" if job else "services"
    row = {
        "metadata": {
            "name": name,
            "selfLink": f"/apis/serving.knative.dev/v1/namespaces/1111/{kind}/{name}",
            "creationTimestamp": CREATED,
            "annotations": {"serving.knative.dev/creator": "ada@example.com"},
            "labels": {"team": "shop"},
        },
        "spec": {"template": template},
    }
    return cloud.add(f"projects/{project}/knative/{kind}", row)


def add_function(
    cloud: Cloud, project: str, name: str, email: str = "", *, secrets: Sequence[tuple[str, str]] = (), **fields: Any
) -> Row:
    """A function of the second generation. ``secrets``: project and name of each."""
    config = {
        **({"serviceAccountEmail": email} if email else {}),
        "environmentVariables": {"PASSWORD": VALUE},
        "secretEnvironmentVariables": [
            {"key": "DB", "projectId": home, "secret": one, "version": "1"} for home, one in secrets[:1]
        ],
        "secretVolumes": [{"mountPath": "/s", "projectId": home, "secret": one} for home, one in secrets[1:]],
    }
    row = {
        "name": f"projects/{project}/locations/{AT}/functions/{name}",
        "createTime": CREATED,
        "environment": "GEN_2",
        "labels": {"team": "shop"},
        "serviceConfig": config,
    }
    return cloud.add(f"projects/{project}/locations/{AT}/functions", row | fields)


def add_old_function(cloud: Cloud, project: str, name: str, email: str = "") -> Row:
    """A function of the first generation, in the form of its own API."""
    row = {
        "name": f"projects/{project}/locations/{AT}/functions/{name}",
        "labels": {"team": "shop"},
        "environmentVariables": {"PASSWORD": VALUE},
        "secretEnvironmentVariables": [{"key": "DB", "projectId": project, "secret": "db", "version": "1"}],
        **({"serviceAccountEmail": email} if email else {}),
    }
    return cloud.add(f"projects/{project}/locations/{AT}/cloudFunctions", row)


def add_cluster(cloud: Cloud, project: str, name: str, **fields: Any) -> Row:
    """A cluster, with a password that the API still returns."""
    row = {
        "name": name,
        "location": AT,
        "selfLink": f"https://container.googleapis.com/v1/projects/{project}/locations/{AT}/clusters/{name}",
        "createTime": "2025-01-01T00:00:00+00:00",
        "resourceLabels": {"team": "shop"},
        "masterAuth": {"username": "admin", "password": VALUE, "clientKey": VALUE},
        "workloadIdentityConfig": {"workloadPool": f"{project}.svc.id.goog"},
    }
    return cloud.add(f"projects/{project}/clusters", row | fields)


def add_node_pool(cloud: Cloud, project: str, cluster: str, name: str, email: str = "default", mode: str = "") -> Row:
    """A node pool of a cluster."""
    link = f"https://container.googleapis.com/v1/projects/{project}/locations/{AT}/clusters/{cluster}/nodePools/{name}"
    config: Row = {"serviceAccount": email, "oauthScopes": _SCOPES, "metadata": {"token": VALUE}}
    row = {"name": name, "selfLink": link, "config": config}
    if mode:
        config["workloadMetadataConfig"] = {"mode": mode}
    return cloud.add(f"projects/{project}/nodePools", row)


def add_secret(
    cloud: Cloud,
    project: str,
    name: str,
    versions: Sequence[tuple[str, str]] = (("ENABLED", CREATED),),
    location: str | None = None,
    **fields: Any,
) -> Row:
    """A secret with its versions, oldest first: state and time of each."""
    within = "secrets" if location is None else f"locations/{location}/secrets"
    own = f"{cloud.projects[project]['name']}/{within}/{name}"
    for number, (state, written) in enumerate(versions, 1):
        version = {"name": f"{own}/versions/{number}", "state": state, "createTime": written}
        cloud.add(f"projects/{project}/{within}/{name}/versions", version)
    row = {"name": own, "createTime": CREATED, "etag": '"1"'}
    replication: Row = {"replication": {"automatic": {}}} if location is None else {}
    return cloud.add(f"projects/{project}/{within}", row | replication | fields)
