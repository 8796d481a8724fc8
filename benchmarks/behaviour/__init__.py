"""Organisations whose activity is known: what machines do day by day, what was deployed, and what attackers did."""
