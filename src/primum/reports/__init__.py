"""What people read: numbers with their sources, figures, cards, the paper, the report, and the manifest of it all."""
