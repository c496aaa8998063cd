"""Texts to vectors: the built-in embedder, and those behind a server."""
