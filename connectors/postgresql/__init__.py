"""PostgreSQL: login roles, what they can do, and what runs as them."""
