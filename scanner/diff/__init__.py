"""Compares two scans. Which findings are new since the last scan is decided in ``scanner/rules/evaluation.py``."""
