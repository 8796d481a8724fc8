"""Checking a registry, and changing it while keeping the file as its owner made it."""
