"""All that hangs on one person, with a successor and the next step for each."""
