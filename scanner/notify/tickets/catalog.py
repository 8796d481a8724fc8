"""The ticket systems by the type of their settings."""

from __future__ import annotations

import time

from scanner.notify.tickets.github import GitHubIssues
from scanner.notify.tickets.jira import JiraIssues
from scanner.notify.tickets.servicenow import ServiceNowRecords
from scanner.notify.tickets.settings import GitHubTarget, JiraTarget, ServiceNowTarget, Target
from scanner.notify.tickets.tracker import Sleep, Tracker


def tracker_of(target: Target, *, sleep: Sleep = time.sleep) -> Tracker:
    """The system of a target. Raises SourceError for a missing secret. Sends nothing."""
    match target:
        case GitHubTarget():
            return GitHubIssues(target, sleep=sleep)
        case JiraTarget():
            return JiraIssues(target, sleep=sleep)
        case ServiceNowTarget():
            return ServiceNowRecords(target, sleep=sleep)
