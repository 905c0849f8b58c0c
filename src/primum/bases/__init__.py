"""Bases: the models that studies start from, fetched, converted or trained, always pinned."""
