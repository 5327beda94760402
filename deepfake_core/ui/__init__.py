"""The Gradio screen: one file a tab, one file a part that tabs share. Handlers adapt; the pipelines decide.

Every part has `render()`, which places its components, and `listen()`, which wires their events.
"""
