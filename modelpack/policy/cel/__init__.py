"""CEL as Kyverno has it: expressions are compiled once, typed, and never fail open."""
