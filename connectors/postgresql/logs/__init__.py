"""The server log of PostgreSQL: sign-ins, refusals, and what pgaudit writes into it."""
