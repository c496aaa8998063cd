"""Canonical state: blocks, recall and archival memory as files."""
