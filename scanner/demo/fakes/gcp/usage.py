"""Policy Analyzer's last authentications, for a project or for all below a scope, and Recommender's insights."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from scanner.demo.fakes.gcp.call import Call, FakeRoute, paged
from scanner.demo.fakes.gcp.cloud import Cloud, Row

ACCOUNTS, KEYS = "serviceAccountLastAuthentication", "serviceAccountKeyLastAuthentication"


def day(ago: int) -> str:
    """The date this many days ago, as in activities."""
    return f"{datetime.now(UTC) - timedelta(days=ago):%Y-%m-%d}T07:00:00Z"


def add_use(cloud: Cloud, project: str, account: str, used: int | None = None, *, days: int = 90, lag: int = 1) -> Row:
    """An account's last use, ``used`` days ago, in a record of ``days`` days that ends ``lag`` days ago."""
    row = next(
        one
        for one in cloud.rows[f"projects/{project}/serviceAccounts"]
        if account in (one["email"], one["email"].partition("@")[0])
    )
    name = f"//iam.googleapis.com/projects/{project}/serviceAccounts/{row['email']}"
    subject = {"fullResourceName": name, "serviceAccountId": row["uniqueId"]}
    return _add(cloud, project, ACCOUNTS, name, {"serviceAccount": subject}, (used, days, lag))


def add_key_use(
    cloud: Cloud, project: str, email: str, key: str, used: int | None = None, *, days: int = 90, lag: int = 1
) -> Row:
    """The last use of a key."""
    name = f"//iam.googleapis.com/projects/{project}/serviceAccounts/{email}/keys/{key}"
    return _add(cloud, project, KEYS, name, {"serviceAccountKey": {"fullResourceName": name}}, (used, days, lag))


def _add(
    cloud: Cloud, project: str, activity: str, name: str, subject: dict[str, Any], when: tuple[int | None, int, int]
) -> Row:
    used, days, lag = when
    number = cloud.projects[project]["name"].removeprefix("projects/")
    facts = {kind: one | {"projectNumber": number} for kind, one in subject.items()}
    row = {
        "fullResourceName": name,
        "activityType": activity,
        "observationPeriod": {"startTime": day(lag + days - 1), "endTime": day(lag)},
        "activity": facts | ({} if used is None else {"lastAuthenticatedTime": day(used)}),
    }
    return cloud.add(f"projects/{project}/activities/{activity}", row)


def add_insight(cloud: Cloud, project: str, kind: str, content: dict[str, Any], state: str = "ACTIVE") -> Row:
    """An insight. ``kind``: ``serviceAccount`` or ``policy``."""
    sort = f"google.iam.{kind}.Insight"
    collection = f"projects/{project}/insights/{sort}"
    place = f"{cloud.projects[project]['name']}/locations/global"
    row = {
        "name": f"{place}/insightTypes/{sort}/insights/{len(cloud.rows[collection])}",
        "description": "an insight",
        "content": content,
        "category": "SECURITY",
        "observationPeriod": "7776000s",
        "stateInfo": {"state": state},
    }
    return cloud.add(collection, row)


def _activities(call: Call) -> Row:
    return paged(call, _below(call, f"activities/{call.places['activity']}"), "activities", default=1000, cap=1000)


def _insights(call: Call) -> Row:
    """The insights of a resource itself; those of an organization do not include its projects'."""
    place = "/".join(call.path.split("/")[:2])
    state = call.one("filter").partition("stateInfo.state=")[2]
    rows = call.cloud.rows[f"{place}/insights/{call.places['type']}"]
    kept = [row for row in rows if not state or row["stateInfo"]["state"] == state]
    return paged(call, kept, "insights", default=50, cap=1000)


def _below(call: Call, collection: str) -> list[Row]:
    place = "/".join(call.path.split("/")[:2])
    return [row for project in call.cloud.below(place) for row in call.cloud.rows[f"projects/{project}/{collection}"]]


_PLACE = "/v1/{kind}/{place}/locations/global"
ROUTES = (
    FakeRoute(api="policyanalyzer", path=f"{_PLACE}/activityTypes/{{activity}}/activities:query", answer=_activities),
    FakeRoute(api="recommender", path=f"{_PLACE}/insightTypes/{{type}}/insights", answer=_insights),
)
