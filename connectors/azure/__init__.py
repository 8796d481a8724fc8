"""Microsoft Azure and Entra."""
