"""Programs that listen."""
