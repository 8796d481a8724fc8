"""Findings as tickets in Jira, ServiceNow or GitHub Issues, one an owner or identity, kept up to date by scans."""
