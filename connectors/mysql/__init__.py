"""MariaDB and MySQL: accounts, what they can do, and what runs as them."""
