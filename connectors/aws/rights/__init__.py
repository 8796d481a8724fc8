"""What principals may do, which roles trust which principals, and what that leads to."""
