"""Benchmarks with their own command, `python -m tests.bench`; no part of the test run.

They print figures, each beside a baseline of the same machine and moment, and assert nothing:
what a loaded machine shows is no reason to fail. `docs/performance.md` says what they mean.
"""
