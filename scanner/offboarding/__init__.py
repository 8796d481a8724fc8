"""What somebody leaves behind when they go, who could take over, and what to do next."""
