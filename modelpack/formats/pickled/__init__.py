"""Pickles: told apart, walked, and never run."""
