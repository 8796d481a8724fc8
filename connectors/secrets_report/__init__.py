"""Reports of secret scanners: gitleaks, Betterleaks, TruffleHog, Kingfisher, detect-secrets, and GitHub's alerts."""
