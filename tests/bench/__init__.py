"""Benchmarks: `make bench`. Not part of the tests, because a machine's speed is no bug."""
