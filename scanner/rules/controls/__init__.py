"""What standards ask of identities, and which rules give evidence for it: one file of data a version of a standard."""
