"""The board's page: one sheet of shares, ages and teams, in the formats that have room for it."""
