"""Ranking: from a question and a corpus to how well each document fits."""
