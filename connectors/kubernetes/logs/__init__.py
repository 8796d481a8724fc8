"""The audit logs of clusters, from files, or live from CloudWatch Logs and Cloud Logging."""
