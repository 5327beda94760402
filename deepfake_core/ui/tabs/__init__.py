"""One file (or folder, when it has parts) for each tab."""
