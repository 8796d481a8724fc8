"""What changed between two scans, as records that people and programs act on."""
