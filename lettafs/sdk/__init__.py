"""Composition root and the public Python API."""
