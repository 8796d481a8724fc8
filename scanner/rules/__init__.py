"""What is worth acting on: one pure rule a file."""
