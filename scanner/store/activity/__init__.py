"""Activity from audit logs in the store: units, callers, days; pruning and repair."""
