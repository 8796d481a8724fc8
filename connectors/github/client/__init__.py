"""How GitHub is asked: requests, signing in, kept answers."""
