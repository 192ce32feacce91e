"""`modelpack.yaml`: what its publisher says of a model, and no other file can tell."""
