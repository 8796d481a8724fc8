"""Compare two scans."""
