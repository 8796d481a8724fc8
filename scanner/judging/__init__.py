"""Judges each identity on all axes, and runs the pipeline."""
