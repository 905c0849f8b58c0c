"""Primum: reproducible studies of safe medical language-model post-training."""

__version__ = "0.1.0"
