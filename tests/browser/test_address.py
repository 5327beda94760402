"""Addresses of the tabs, links with options, and what a reload keeps, in a real browser."""

from typing import TYPE_CHECKING

from tests.browser.actions import LOADED

if TYPE_CHECKING:
    from playwright.sync_api import Page

READY = "window.lab?.ready"


def opened(page: "Page", title: str, slug: str) -> None:
    """Wait until this tab is selected and named by the address."""
    page.locator("[role=tab][aria-selected=true]").get_by_text(title, exact=True).wait_for()
    page.wait_for_function(f"location.hash.split('?')[0] === '#{slug}'")


def test_each_tab_has_an_address_and_back_and_forward_walk_them(
    page: "Page", server: str, page_errors: list[str]
) -> None:
    page.set_default_timeout(LOADED)
    page.goto(f"{server}#verify")
    opened(page, "Verify", "verify")
    page.wait_for_function(READY)
    for title, slug in (("Weights", "weights"), ("CycleGAN", "cyclegan")):
        page.get_by_role("tab", name=title, exact=True).click()
        opened(page, title, slug)
    page.go_back()
    opened(page, "Weights", "weights")
    page.go_back()
    opened(page, "Verify", "verify")
    page.go_forward()
    opened(page, "Weights", "weights")
    assert page_errors == []
    page.reload()
    opened(page, "Weights", "weights")


def test_a_link_carries_options_seed_and_examples_and_a_reload_keeps_them(page: "Page", server: str) -> None:
    page.set_default_timeout(LOADED)
    page.goto(f"{server}#starganv2?way=seed&seed=1234&source=mei.png&domain=male")
    opened(page, "StarGAN v2", "starganv2")
    for _ in range(2):
        page.locator("#styles-source img[src$='/mei.png']").wait_for()
        page.wait_for_function("document.querySelector('#styles-domain input').value === 'male'")
        assert page.locator("#styles-seed input").input_value() == "1234"
        page.wait_for_function("(sessionStorage.getItem('settings-starganv2') ?? '').includes('seed=1234')")
        page.locator("#copy-link").click()
        page.wait_for_function(
            "['seed=1234', 'source=mei.png', 'way=seed'].every(part => location.hash.includes(part))"
        )
        page.locator("#styles-seed input").fill("1234")
        page.reload()


def test_a_link_with_values_that_do_not_fit_opens_the_tab_and_says_so(page: "Page", server: str) -> None:
    page.set_default_timeout(LOADED)
    page.goto(f"{server}#stargan?checked=<b>&source=/etc/passwd&paste_back=true&%E0%A4%A=1")
    page.get_by_text("were left out").wait_for()  # gone ten seconds later
    opened(page, "StarGAN", "stargan")
    page.locator("#attributes-source img[src$='/amara.png']").wait_for()
