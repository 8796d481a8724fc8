"""The sections of an organization: each function yields its records and coverage, and returns what others need."""
