"""Language models behind one seam: a request in, a stream of deltas and one reply out."""
