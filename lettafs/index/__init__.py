"""Derived state: how things are found."""
