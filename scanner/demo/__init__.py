"""A small company on loopback, to try Muster on."""
