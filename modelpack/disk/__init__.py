"""The local disk: model directories, the files in them, and what we remember."""
