"""Audit logs of Google Cloud, from files of log sinks or live from Cloud Logging."""
