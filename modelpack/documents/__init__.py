"""Facts become documents: bill of materials, model card, report."""
