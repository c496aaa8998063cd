"""Files of attached folders: which there are, what they say, and search in their pieces."""
