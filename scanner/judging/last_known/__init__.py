"""What earlier scans knew, carried over where this one could not read."""
