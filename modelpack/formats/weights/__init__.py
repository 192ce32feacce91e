"""Files that hold tensors: what their headers say."""
