"""Reports: each writes a scan's result in one format."""
