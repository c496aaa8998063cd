"""Vectors: what pieces of text mean to an embedder, kept beside the index and found by nearness."""
