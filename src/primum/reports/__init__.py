"""What people read: numbers with their sources, figures, model cards, the paper, the report, and the manifest of it all."""
