"""What earlier scans knew and this one must not lose: what a gap hides, what came back, what vanished at once."""
