"""What the seed of the domain and the tests share; Debian's Python imports it alone."""

from __future__ import annotations

SUFFIX = "DC=corp,DC=example,DC=test"
PASSWORD = "correct-Horse-battery-1"
SECRET = "the-value-that-nobody-may-see"
