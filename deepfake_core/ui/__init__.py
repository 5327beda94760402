"""The Gradio page: one module per tab, one per shared widget. Handlers call the pipelines and contain no processing.

Every part has `render()`, which creates its components, and `listen()`, which registers their event listeners.
"""
