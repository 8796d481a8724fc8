"""Stand-ins that answer as the providers publish it, for the demo and the tests."""
