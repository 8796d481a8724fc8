"""What audit logs gave, in the store: units, callers, their days; pruning and repair."""
