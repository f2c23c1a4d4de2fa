"""The paged table on the screen: from a click on a row or a page button to the frame that shows what it asked for."""

from __future__ import annotations

from typing import Any

from tests.bench.application import running_app
from tests.bench.browser import chromium, fresh_page
from tests.bench.machine import summary
from tests.browser.data_page import conversations, import_rows

ROWS = 3000  # thirty page clicks need thirty-one pages
CLICKS = """async (what) => {
    const table = document.querySelector('[data-widget="table"]'), editor = document.querySelector('[data-widget="editor"]');
    const until = (holds) => new Promise((done) => {
        const look = () => (holds() ? requestAnimationFrame(() => done()) : setTimeout(look, 1));
        look();
    });
    const times = [];
    for (let turn = 0; turn < 30; turn += 1) {
        const page = table.dataset.page;
        const rows = [...table.querySelectorAll('tbody tr')];
        const row = rows[(turn * 7 + 3) % rows.length];
        const began = performance.now();
        if (what === 'row') { row.click(); await until(() => editor.dataset.row === row.dataset.row); }
        else { table.querySelector('[data-go="›"]').click(); await until(() => table.dataset.page !== page); }
        times.push(performance.now() - began);
    }
    return times;
}"""


def measure(quick: bool = False) -> dict[str, Any]:
    """row_ms, page_ms: thirty clicks of each kind in a real Chromium on a dataset of `rows` rows."""
    rows = 1600 if quick else ROWS
    with running_app() as app, chromium() as browser, fresh_page(browser) as page:
        page.goto(f"{app.address}#data")
        page.wait_for_selector("html[data-ready]")
        import_rows(page, app.root.parent, conversations(rows), "quick")
        figures = {f"{what}_ms": summary(page.evaluate(CLICKS, what)) for what in ("row", "page")}
    return {"rows": rows} | figures
