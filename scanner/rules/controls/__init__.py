"""Controls of standards about identities, and the rules that provide evidence: one data file per version."""
