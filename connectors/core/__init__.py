"""What all connectors share: the contract, sections, requests, limits, and reading of files."""
