"""Speed of each pipeline against the plain way of its paper's demo."""
