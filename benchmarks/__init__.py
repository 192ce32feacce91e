"""Measurements of modelpack and its peers, side by side; no test depends on them."""
