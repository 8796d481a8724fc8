"""The sections of an organization: functions that yield records and coverage, and return data for later sections."""
