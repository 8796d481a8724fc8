"""Whether everyone can use the page: axe finds nothing in any list, in any panel, in light or in dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from scanner.model import ScanResult
from tests.accessibility import violations_in_light_and_dark
from tests.reports.html.conftest import Opens
from tests.reports.html.estate import small_estate, with_history
from tests.reports.samples import estate_with_gaps

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("result", [with_history(small_estate()), estate_with_gaps()], ids=["history", "gaps"])
def test_axe_finds_nothing_on_the_first_page(opens: Opens, result: ScanResult) -> None:
    """Headline, gaps, cards, charts, the first list and an open menu."""
    with opens(result) as seen:
        expect(seen.page.locator("#grid tbody tr[data-at]").first).to_be_visible()
        seen.page.get_by_text("Charts", exact=True).click()
        seen.page.locator("details.facet:visible summary").first.click()

        assert violations_in_light_and_dark(seen.page) == []


@pytest.mark.parametrize("tab", ["Identities", "Findings", "Registry entries", "Credentials", "Coverage"])
def test_axe_finds_nothing_in_any_panel(opens: Opens, tab: str) -> None:
    """Each list with its first row open."""
    with opens(small_estate()) as seen:
        seen.page.get_by_role("tab", name=tab).click()
        seen.page.locator("#grid tbody tr[data-at]:not(.group)").first.click()
        expect(seen.page.get_by_role("dialog")).to_be_visible()

        assert violations_in_light_and_dark(seen.page) == []
