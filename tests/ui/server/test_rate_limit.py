"""An address may open so many pages a minute; pages that are open already, and other addresses, go on."""

import pytest

from deepfake_core.ui.server.body import Refused
from deepfake_core.ui.server.rate_limit import NewSessions


def test_new_pages_of_an_address_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_PAGES_PER_MINUTE_ADDRESS", "3")
    sessions, here, there = NewSessions(), "10.0.0.1", "10.0.0.2"
    for name in ("a", "b", "c", "a", "b"):
        sessions.check(name, here)
    with pytest.raises(
        Refused, match=r"too many pages were opened, or calls made, from this address; try again in 60 seconds"
    ) as refused:
        sessions.check("d", here)
    assert refused.value.status == 429
    sessions.check("c", here)
    sessions.check("d", there)
