"""Code that the connectors of vendors of AI models share."""
