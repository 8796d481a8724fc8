"""No secret is kept: shapes of secrets, references to them, and the gate that every record passes."""
