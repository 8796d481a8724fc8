"""What runs as which service account, and which stored secrets it is given. Values of variables are never taken."""
