"""Run, step, outcome."""
