"""Keyword arguments that the page's event listeners share."""

from typing import Any

NETWORK = "model"
"""Concurrency id of the runs of a network."""
READINGS = "reading"
"""Concurrency id of the readings: short answers of a network, which do not wait for runs."""
ON_NETWORKS = (NETWORK, READINGS)
"""The events that use a network: they take turns, and a session may start so many a minute."""
REMEMBERED = "remembered"
"""Concurrency id of the search for a remembered result, which is short and waits for no run."""
PREVIEWS = "preview"
"""Concurrency id of the previews, which read a file and are short."""

PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""Neither an API endpoint nor a spinner."""
QUIET: dict[str, Any] = {**PRIVATE, "queue": False}
"""Runs immediately, even while another session's run holds the network."""
ANY_NUMBER: dict[str, Any] = {**PRIVATE, "concurrency_limit": None}
"""Queued, without a limit on how many run at the same time."""
RUNS = 4
"""Events of each kind that take turns on the network."""
ON_NETWORK: dict[str, Any] = {**PRIVATE, "concurrency_id": NETWORK, "concurrency_limit": RUNS}
"""Runs a network, in turns with others."""
READS_NETWORK: dict[str, Any] = {**PRIVATE, "concurrency_id": READINGS, "concurrency_limit": RUNS}
"""Asks a network something short, before all runs."""
FINDS_REMEMBERED: dict[str, Any] = {**PRIVATE, "concurrency_id": REMEMBERED, "concurrency_limit": 2 * RUNS}
"""Looks for a remembered result."""
READS_FILE: dict[str, Any] = {**PRIVATE, "concurrency_id": PREVIEWS, "concurrency_limit": 2}
"""Reads a file, two events at a time."""
