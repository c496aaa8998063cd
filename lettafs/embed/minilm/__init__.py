"""The built-in embedder: all-MiniLM-L6-v2, in numpy, with its weights beside it."""

from lettafs.embed.minilm.embedder import MiniLM

__all__ = ["MiniLM"]
