"""MariaDB, as a real server of Debian's answers, and MySQL by the rows that it gives."""
