"""Files to frames and back: still pictures, video as a stream, and the sound that goes with it."""
