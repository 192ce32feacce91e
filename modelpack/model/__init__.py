"""What a model is made of: files, facts, and the manifest that holds them."""
