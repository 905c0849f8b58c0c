"""Audits of finished stages: hacking, contamination, confidence and abstention, subgroups, swapped patients."""
