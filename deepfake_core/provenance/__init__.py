"""The only door by which a generated picture or video gets its final name: labelled, tagged, whole or not at all."""
