"""Other people's programs: run with bounds, believed when they object."""
