"""What Muster costs, measured against a stated baseline in the same run: ``python -m benchmarks [NAME]…``."""
