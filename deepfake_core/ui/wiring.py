"""Keyword arguments that the page's event listeners share."""

from typing import Any

NETWORK = "model"
"""Concurrency id of the events that run a network."""
PREVIEWS = "preview"
"""Concurrency id of the previews, which read a file and are short."""

PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""Neither an API endpoint nor a spinner."""
QUIET: dict[str, Any] = {**PRIVATE, "queue": False}
"""Runs immediately, even while another session's run holds the network."""
ANY_NUMBER: dict[str, Any] = {**PRIVATE, "concurrency_limit": None}
"""Queued, without a limit on how many run at the same time."""
RUNS = 4
"""Events that take turns on the network."""
ON_NETWORK: dict[str, Any] = {**PRIVATE, "concurrency_id": NETWORK, "concurrency_limit": RUNS}
"""Runs a network, in turns with others."""
READS_FILE: dict[str, Any] = {**PRIVATE, "concurrency_id": PREVIEWS, "concurrency_limit": 2}
"""Reads a file, two events at a time."""
