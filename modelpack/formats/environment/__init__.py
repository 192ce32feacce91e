"""The packages that were there when a model was trained, from files that list them."""
