"""Who would notice if an identity were switched off, how to do it step by step, and how far it is."""
