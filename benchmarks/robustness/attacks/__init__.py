"""Attacks on a running server, each with the harm that it tries; `python -m benchmarks robustness --attacks`."""
