"""The only code that saves generated pictures and videos: labelled, watermarked, signed and written atomically."""
