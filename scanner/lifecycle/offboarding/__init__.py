"""Everything that depends on a leaver, with a successor and the next step for each item."""
