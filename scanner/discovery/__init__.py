"""Read sources scope by scope, in this process or on a cluster."""
