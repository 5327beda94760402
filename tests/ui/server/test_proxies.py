"""Which proxies the server trusts for a client's address."""

import asyncio
from typing import Any

import pytest

from deepfake_core.errors import BadRequest
from deepfake_core.ui.server.proxies import ProxyCheck, is_proxy, networks


def seen(client: str, **headers: str) -> dict[str, Any]:
    """The request as the app behind the middleware gets it."""
    scopes: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "client": (client, 5), "scheme": "http", "headers": raw}
    asyncio.run(ProxyCheck(app)(scope, None, None))  # type: ignore[arg-type]
    return scopes[0]


def test_nobody_is_believed_unless_the_setting_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    for client in ("127.0.0.1", "::1", "10.0.0.2"):
        scope = seen(client, x_forwarded_for="1.2.3.4", x_forwarded_host="evil.example", x_forwarded_proto="https")
        assert scope["client"] == (client, 5) and scope["scheme"] == "http" and scope["headers"] == []


def test_a_named_proxy_is_believed_for_the_last_address_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_PROXIES", "127.0.0.1, 10.0.0.0/8")
    scope = seen("127.0.0.1", x_forwarded_for="6.6.6.6, 1.2.3.4, 10.9.9.9", x_forwarded_proto="https")
    assert scope["client"][0] == "1.2.3.4" and scope["scheme"] == "https"  # what the visitor wrote before is not
    assert seen("192.168.0.1", x_forwarded_for="1.2.3.4")["client"] == ("192.168.0.1", 5)
    assert is_proxy("10.255.0.1") and not is_proxy("11.0.0.1") and not is_proxy("unknown")


def test_a_space_has_its_own_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "me/lab")
    assert seen("10.20.30.40", x_forwarded_for="1.2.3.4")["client"][0] == "1.2.3.4"
    assert seen("9.20.30.40", x_forwarded_for="1.2.3.4")["client"][0] == "9.20.30.40"


def test_a_setting_that_names_no_address_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("proxy.example", "10.0.0.1/8", "*"):
        monkeypatch.setenv("DEEPFAKE_PROXIES", value)
        with pytest.raises(BadRequest, match="DEEPFAKE_PROXIES"):
            networks()
