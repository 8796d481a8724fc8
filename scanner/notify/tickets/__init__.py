"""Findings as tickets in Jira, ServiceNow or GitHub Issues, one per owner or identity, updated by scans."""
