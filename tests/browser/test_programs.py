"""The tab For programs: calls of what the other tabs are set to, which work as they stand."""

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.browser.actions import LOADED, check_accessibility, check_phone, open_tab

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_the_calls_follow_the_tabs_and_work(page: "Page", server: str, page_errors: list[str]) -> None:
    open_tab(page, server, "CycleGAN", "translation-")
    page.locator("#translation-example-horses button.gallery-item").nth(1).click()
    page.get_by_role("tab", name="For programs", exact=True).click()
    calls = page.locator("#programs-calls")
    calls.get_by_text('api_name="/animate"').wait_for(timeout=LOADED)
    page.locator("#programs-task label", has_text="Translate").click()
    calls.get_by_text('api_name="/translate"').wait_for(timeout=LOADED)
    code = calls.locator("pre code").first.inner_text()
    assert f'Client("{server.rstrip("/")}")' in code and 'picture="horse-chestnut.png"' in code
    assert "consent=False" in code
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=False)
    assert run.returncode == 0 and "'status': 'done'" in run.stdout, run.stderr
    for task in ("Edit", "Style", "Verify", "List the weights"):
        page.locator("#programs-task label", has_text=task).click()
        page.wait_for_timeout(500)
    calls.get_by_text("weights list").wait_for(timeout=LOADED)
    assert calls.locator("button[title=copy], .copy_code_button").count() == 4
    check_accessibility(page)
    check_phone(page)
    assert page_errors == []
