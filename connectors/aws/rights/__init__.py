"""What principals may do, who trusts whom, and what that leads to."""
