"""Do both backends compute the same? One training step of each against one reference in NumPy."""
