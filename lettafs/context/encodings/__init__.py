"""The encodings that are shipped, and which model speaks which."""
