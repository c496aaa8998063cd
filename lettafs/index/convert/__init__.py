"""Bytes of a document in, its text out: here for text, in a confined child for the rest."""
