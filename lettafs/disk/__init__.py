"""Crash-safe bytes, the turn's lock, and git: the only room that writes."""
