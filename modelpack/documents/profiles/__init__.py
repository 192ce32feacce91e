"""Which elements of a bill of materials somebody asks for, and which one has."""
