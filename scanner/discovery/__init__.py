"""Reading sources: what connectors list, scope by scope, in this process or on a cluster."""
