"""Read and write media files: pictures, video as a stream of frames, and audio."""
