"""GitHub: organizations as a source, and workflows before they are merged."""
