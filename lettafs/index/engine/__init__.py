"""The word index: Whoosh's terms and postings over the lines of a growing text, sealed."""
