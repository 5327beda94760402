"""The corpus: broken files made from a seed, of which nothing is stored."""
