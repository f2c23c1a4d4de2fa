// The bar of what can be done with many rows at once: those that were ticked, or all that are shown; counted first.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const DEEDS = ["delete", "tag", "replace", "system", "split", "fix"];

  class BulkBar {
    // table: {filters, page, info, picked} of the panel
    constructor(ctx, table) {
      this.ctx = ctx;
      this.table = table;
      this.all = false; // every row of the table is meant, though nothing is filtered
      this.count = el("span", { class: "ws-bulk-count", attrs: { role: "status" } });
      this.whole = el("button", { class: "ws-link", attrs: { type: "button" }, on: { click: () => this.takeAll() } });
      this.deeds = DEEDS.map((kind) => {
        const made = data.button("", () => this.begin(kind), "small");
        made.dataset.bulk = kind;
        return made;
      });
      this.clear = el("button", { class: "ws-icon", text: "×", attrs: { type: "button" }, on: { click: () => this.drop() } });
      this.node = el("div", { class: "ws-bulk", attrs: { hidden: true, role: "toolbar" } }, [this.count, this.whole, ...this.deeds, el("span", { class: "ws-spacer" }), this.clear]);
    }

    get picked() {
      return this.table.picked;
    }

    // The rows that are meant, as a selection, and how many they are.
    get meant() {
      const { filters, page } = this.table;
      if (this.picked.size) return { filter: { row_ids: [...this.picked].sort((a, b) => a - b) }, rows: this.picked.size };
      return { filter: filters.asked, rows: page?.total ?? 0 };
    }

    get isSure() {
      return this.picked.size > 0 || this.table.page?.complete !== false;
    }

    takeAll() {
      this.picked.clear();
      this.all = !this.table.filters.isActive;
      this.table.view.drawPicks();
    }

    drop() {
      this.picked.clear();
      this.all = false;
      this.table.view.drawPicks();
    }

    draw() {
      const { say } = this.ctx;
      const { page, filters, info } = this.table;
      const { rows } = this.meant;
      const shown = Boolean(info && page && rows && (this.picked.size || this.all || filters.isActive));
      this.node.hidden = !shown;
      if (!shown) return;
      this.count.textContent = say(this.picked.size ? "data.bulk.picked" : this.isSure ? "data.bulk.rows" : "data.bulk.rows_least", { rows });
      this.whole.hidden = !this.picked.size || page.total <= this.picked.size;
      this.whole.textContent = say(filters.isActive ? "data.bulk.all_found" : "data.bulk.all_rows", { rows: page.total });
      this.clear.hidden = !this.picked.size && !this.all;
      this.clear.title = say("data.bulk.clear");
      this.clear.setAttribute("aria-label", this.clear.title);
      for (const button of this.deeds) {
        button.textContent = say(`data.bulk.${button.dataset.bulk}`);
        button.hidden = button.dataset.bulk === "fix" && !this.fixes.length;
      }
      this.node.setAttribute("aria-label", say("data.bulk.title"));
    }

    // [{check, code, title, words, rows}] of the findings that a fix is safe for.
    get fixes() {
      const { menu, asked } = this.table.filters;
      return (menu?.checks || []).flatMap(({ name, title, codes }) =>
        codes.filter(({ fixable }) => fixable).map(({ code, words, rows }) => ({ check: name, code, title, words, rows })))
        .sort((a, b) => (b.check === asked.check) - (a.check === asked.check) || (b.code === asked.check_code) - (a.code === asked.check_code));
    }

    async begin(kind) {
      const { filter, rows } = this.meant;
      const ask = { id: this.table.info.id, filter, rows, kind: this.table.info.kind, seen: this.table.page.last_change, sure: this.isSure, fixes: this.fixes };
      const outcome = await data.askBulk(this.ctx, kind, ask);
      if (!outcome) return;
      this.tell(outcome);
      if (outcome.changed) this.drop();
      whetstone.send("data:changed", { id: ask.id, many: true });
    }

    // What became of it; rows that were left as they are stay picked, so that they can be looked at.
    tell({ changed, skipped }) {
      const { say } = this.ctx;
      const left = Object.entries(skipped).filter(([, rows]) => rows).map(([cause, rows]) => say(`data.bulk.skipped.${cause}`, { rows }));
      this.ctx.toast(whetstone.sentences(say("data.bulk.done", { rows: changed }), ...left), left.length ? "warning" : "good");
    }
  }

  data.bulkBar = (ctx, table) => new BulkBar(ctx, table);
})();
