"""What the Azure command line wrote into files, read in place of the services."""
