"""Access reviews: campaigns in which owners decide about identities, and whose decisions later scans verify."""
