"""Where things are from: what ran, what it left, and the way back from any file to its sources."""
