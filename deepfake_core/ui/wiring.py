"""Keywords that many of the page's events share."""

from typing import Any

NETWORK = "model"
"""The queue of everything that asks a network."""
PREVIEWS = "framing"
"""The queue of previews, which read a file and take a moment."""

PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""No endpoint of an API, and no spinner."""
QUIET: dict[str, Any] = {**PRIVATE, "queue": False}
"""Answered at once, even while another visitor's run holds the network."""
ON_NETWORK: dict[str, Any] = {**PRIVATE, "concurrency_id": NETWORK, "concurrency_limit": 1}
"""One at a time asks a network."""
READS_FILE: dict[str, Any] = {**PRIVATE, "concurrency_id": PREVIEWS, "concurrency_limit": 2}
"""Two at a time read a file."""
