"""The terminal: commands that parse input and show events, with no rules of their own."""
