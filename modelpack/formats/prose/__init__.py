"""Files that say something about a model: cards and configurations."""
