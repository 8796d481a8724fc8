"""What the organisation declares: its registry and its people."""
