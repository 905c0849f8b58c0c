"""Corpora that a teacher writes: briefs from sourced facts, replies, filters, and the files made of what passes."""
