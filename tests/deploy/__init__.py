"""What stands under deploy/ fits together, and fits the program."""
