"""Keys, certificates and logs: who signs, and whether a signature holds."""
