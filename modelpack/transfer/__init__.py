"""Bytes between any two stores: parallel, in chunks and ranges, resumable."""
