"""What making and using a model costs: read from the tools that measure it."""
