"""Which entry stands for which identity."""
