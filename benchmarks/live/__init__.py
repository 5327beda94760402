"""A running server and those who visit it, as benchmarks need them."""
