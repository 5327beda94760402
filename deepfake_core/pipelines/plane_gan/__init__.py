"""A GAN that learns before one's eyes: points in the plane, two small networks, and every step visible."""
