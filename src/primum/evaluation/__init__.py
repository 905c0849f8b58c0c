"""Evaluation: predict (needs the model), score and compare (need only files)."""
