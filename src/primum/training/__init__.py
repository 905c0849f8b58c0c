"""Training: one request and result contract, one module a backend."""
