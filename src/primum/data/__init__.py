"""Questions: the bundled bank, the readers of outside sources, and the splits made from either."""
