"""The version, where everything else can read it without loading anything."""

__version__ = "0.1.0"
