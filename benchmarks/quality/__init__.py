"""Quality against the drawn ground truth, one file per paper."""
