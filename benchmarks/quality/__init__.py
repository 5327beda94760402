"""Quality against the truth that drawings have, one file a paper."""
