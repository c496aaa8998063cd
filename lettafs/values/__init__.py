"""The nouns of lettafs as frozen values: no I/O, standard library only."""
