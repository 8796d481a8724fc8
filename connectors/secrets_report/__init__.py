"""Reports of secret scanners: gitleaks, TruffleHog, detect-secrets, and GitHub's secret scanning."""
