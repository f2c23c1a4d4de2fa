// The left panel of the Data tab: the open dataset, its search and its rows, fifty at a time.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const PAGE_ROWS = 50;
  const REMEMBERED = "whetstone.data.open";
  // Typing pauses longer than this start a search; shorter felt hasty with a Japanese input method.
  const SEARCH_PAUSE_MS = 250;
  const WIDE = window.matchMedia("(min-width: 900px)");

  class TablePanel {
    constructor(root, ctx) {
      this.root = root;
      this.ctx = ctx;
      this.datasets = [];
      this.isKnown = false; // whether the list was read at least once: before, "no dataset" would be a guess
      this.info = null;
      this.page = null; // {rows, columns, total, page, pages} as the service says
      this.asked = { page: 1, split: "", query: "", lost: null };
      this.turn = 0;
      this.unsaved = new Set();
      data.current = { info: null, row: null };
      this.head = data.datasetHead(ctx, this);
      this.build();
      ctx.on("data:move", ({ by }) => this.moveBy(by));
      ctx.on("data:focus", () => this.focusSelected());
      ctx.on("data:changed", (change) => this.changed(change));
      ctx.on("data:open", ({ id }) => this.reload(id));
      ctx.on("data:drafts", ({ rows }) => this.markUnsaved(rows));
      ctx.on("version:saved", () => this.reload());
      ctx.on("data:lost", (lost) => this.showLost(lost));
      this.reload(this.remembered());
    }

    build() {
      this.search = el("input", { class: "ws-input ws-search", attrs: { type: "search", translate: "no", autocomplete: "off" } });
      this.split = el("select", { class: "ws-input ws-split" });
      this.lost = el("span", { class: "ws-lost ws-tag ws-tag-warn", attrs: { hidden: true } });
      this.filters = el("div", { class: "ws-filters" }, [this.lost, this.search, this.split]);
      this.columns = el("tr", {});
      this.rows = el("tbody", {});
      this.table = el("table", { class: "ws-table ws-grid", attrs: { role: "grid" } }, [el("thead", {}, [this.columns]), this.rows]);
      this.scroller = el("div", { class: "ws-scroll" }, [this.table]);
      this.count = el("span", { class: "ws-key", attrs: { role: "status" } });
      this.add = data.button("", () => whetstone.send("data:add", {}), "small");
      this.pager = el("nav", { class: "ws-pager" });
      this.bar = el("div", { class: "ws-bar" }, [this.count, this.add, el("span", { class: "ws-spacer" }), this.pager]);
      this.empty = el("div", { class: "ws-empty ws-data-empty" });
      this.root.replaceChildren(el("section", { class: "ws-panel ws-rows" }, [this.head.node, this.filters, this.scroller, this.empty, this.bar]));
      this.rows.addEventListener("click", (event) => this.pick(event.target.closest("tr")));
      this.rows.addEventListener("keydown", (event) => this.key(event));
      this.search.addEventListener("input", (event) => {
        if (!event.isComposing) this.searchSoon();
      });
      this.search.addEventListener("compositionend", () => this.searchSoon());
      this.split.addEventListener("change", () => this.filter());
      this.relabel();
    }

    // Which dataset ------------------------------------------------------------------------------------------------

    remembered() {
      try {
        return localStorage.getItem(REMEMBERED);
      } catch {
        return null; // storage may be forbidden; then the newest dataset opens
      }
    }

    remember(id) {
      try {
        localStorage.setItem(REMEMBERED, id);
      } catch {
        // see remembered()
      }
    }

    // Reads the list again and opens `id`, else what was open, else the newest.
    async reload(id) {
      try {
        this.datasets = await this.ctx.server.list({});
      } catch (error) {
        this.ctx.toast(error.message, "bad");
        return;
      }
      this.isKnown = true;
      const wanted = id || this.info?.id;
      const info = this.datasets.find((one) => one.id === wanted) || this.datasets[0] || null;
      const another = info?.id !== this.info?.id;
      this.setInfo(info);
      if (!info) this.showEmpty();
      else if (another) await this.openFresh();
      else await this.load(this.asked.page);
    }

    setInfo(info) {
      this.info = info;
      data.current.info = info;
      if (info) this.remember(info.id);
      this.head.show(info, this.datasets);
      whetstone.send("data:dataset", info);
    }

    async openFresh() {
      this.clearFilter();
      this.select(null);
      await this.load(1);
      // On a wide screen the first row opens at once; on a phone it would push the table away.
      if (this.page?.rows.length && WIDE.matches) this.select(this.page.rows[0].row_id);
    }

    showEmpty() {
      this.page = null;
      this.select(null);
      this.render();
    }

    // Rows ----------------------------------------------------------------------------------------------------------

    // Reads a page of what is asked for. Whoever waits for it waits for the newest wish: an answer to an older one
    // is dropped, and must not be taken for the page that was wanted.
    async load(page) {
      if (!this.info) return;
      this.asked.page = page;
      const turn = ++this.turn;
      this.latest = this.fetchPage(turn);
      let awaited;
      do {
        awaited = this.latest;
        await awaited;
      } while (awaited !== this.latest);
    }

    async fetchPage(turn) {
      const { page, split, query, lost } = this.asked;
      try {
        const found = await this.ctx.server.page({ id: this.info.id, page, page_size: PAGE_ROWS, split: split || null, query: query || null, lost });
        if (turn !== this.turn) return;
        this.asked.page = found.page;
        this.page = found;
        this.render();
      } catch (error) {
        if (turn !== this.turn) return;
        if (this.page) this.asked.page = this.page.page;
        whetstone.report(error);
      }
    }

    searchSoon() {
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.filter(), SEARCH_PAUSE_MS);
    }

    filter() {
      const query = this.search.value.trim();
      if (query === this.asked.query && this.split.value === this.asked.split) return;
      this.asked = { page: 1, query, split: this.split.value, lost: null };
      this.load(1);
    }

    // lost: {id, base, method, max_length, number, count, listed}: only the rows that then train nothing, until the tag is closed.
    async showLost(lost) {
      if (lost.id !== this.info?.id) await this.reload(lost.id);
      this.clearFilter();
      this.asked.lost = lost;
      this.drawLost();
      await this.load(1);
      this.select(this.page?.rows[0]?.row_id ?? null);
    }

    async leaveLost() {
      const shown = this.page?.rows.find((row) => row.row_id === data.current.row?.row_id);
      this.clearFilter();
      await this.load(shown ? Math.ceil(shown.position / PAGE_ROWS) : 1);
    }

    drawLost() {
      const { lost } = this.asked;
      const { say } = this.ctx;
      this.search.hidden = this.split.hidden = Boolean(lost);
      this.lost.hidden = !lost;
      if (!lost) return;
      const { number, max_length: count, count: rows, listed } = lost;
      const words = say(listed < rows ? "data.lost_some" : "data.lost", { number, count, rows, listed });
      const label = say("data.lost_clear");
      const close = el("button", { class: "ws-icon", text: "×", attrs: { type: "button", title: label, "aria-label": label }, on: { click: () => this.leaveLost() } });
      this.lost.replaceChildren(el("span", { class: "ws-lost-words", text: words }), close);
    }

    // After a deed of the editor: facts and page are read again, and the row it was about is found, unless the person
    // has gone to another one meanwhile.
    async changed({ id, row_id: rowId, position, gone, undone }) {
      if (id !== this.info?.id) return;
      const before = data.current.row?.row_id;
      const index = gone == null || !this.page ? -1 : this.page.rows.findIndex((row) => row.row_id === gone);
      await this.reload();
      whetstone.send("dataset:changed", { id });
      if (data.current.row?.row_id !== before) return;
      if (gone != null) this.select(this.page.rows[Math.min(Math.max(index, 0), this.page.rows.length - 1)]?.row_id ?? null);
      else if (rowId != null) await this.reveal(rowId, position, undone ? "again" : "quiet");
    }

    // Shows a row wherever it stands: on another page, or outside of what is searched for.
    async reveal(rowId, position, how) {
      const isHere = () => this.page.rows.some((row) => row.row_id === rowId);
      const filtered = Boolean(this.asked.query || this.asked.split || this.asked.lost);
      // A saved row that no longer matches the search stays open in the editor; the search stays too.
      if (!isHere() && position && !(filtered && how === "quiet")) {
        if (filtered) this.clearFilter();
        await this.load(Math.ceil(position / PAGE_ROWS));
      }
      this.select(isHere() ? rowId : null, how);
    }

    clearFilter() {
      this.search.value = "";
      this.split.value = "";
      this.asked = { page: 1, split: "", query: "", lost: null };
      this.drawLost();
    }

    // Selection -----------------------------------------------------------------------------------------------------

    // how: "again" asks the editor to read the row anew, "quiet" leaves the editor alone.
    select(rowId, how) {
      const same = data.current.row?.row_id === rowId && data.current.row?.id === this.info?.id;
      data.current.row = rowId == null || !this.info ? null : { id: this.info.id, row_id: rowId };
      for (const row of this.rows.children) {
        const on = rowId != null && row.dataset.row === String(rowId);
        row.classList.toggle("ws-on", on);
        row.setAttribute("aria-selected", String(on));
        row.tabIndex = on ? 0 : -1;
        if (on) row.scrollIntoView({ block: "nearest" });
      }
      if (!this.rows.querySelector('[tabindex="0"]') && this.rows.firstElementChild) this.rows.firstElementChild.tabIndex = 0;
      if (how === "again" || (!same && how !== "quiet")) whetstone.send("data:row", data.current.row);
    }

    pick(row) {
      if (!row) return;
      this.select(this.idOf(row));
      row.focus({ preventScroll: true });
      if (!WIDE.matches) whetstone.send("data:show_editor", {});
    }

    idOf(row) {
      return this.page.rows[[...this.rows.children].indexOf(row)].row_id;
    }

    get place() {
      return this.page ? this.page.rows.findIndex((row) => row.row_id === data.current.row?.row_id) : -1;
    }

    // One row on, over the edge of the page where there is one.
    async moveBy(by) {
      if (!this.page) return;
      const inTable = this.rows.contains(document.activeElement);
      const to = this.place < 0 ? 0 : this.place + by;
      if (to < 0 && this.page.page > 1) await this.load(this.page.page - 1);
      else if (to >= this.page.rows.length && this.page.page < this.page.pages) await this.load(this.page.page + 1);
      else if (to < 0 || to >= this.page.rows.length) return;
      const row = to < 0 ? this.page.rows[this.page.rows.length - 1] : this.page.rows[to] || this.page.rows[0];
      this.select(row.row_id);
      if (inTable) this.focusSelected();
    }

    focusSelected() {
      this.rows.querySelector('[tabindex="0"]')?.focus();
    }

    async turnPage(page, last) {
      if (page < 1 || page > this.page.pages || page === this.page.page) return;
      await this.load(page);
      const rows = this.page.rows;
      if (rows.length) this.select(rows[last ? rows.length - 1 : 0].row_id);
      this.scroller.scrollTop = 0;
    }

    async key(event) {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const rows = this.page?.rows || [];
      const deeds = {
        ArrowDown: () => this.moveBy(1),
        ArrowUp: () => this.moveBy(-1),
        PageDown: () => this.turnPage(this.page.page + 1),
        PageUp: () => this.turnPage(this.page.page - 1),
        Home: () => this.select(rows[0].row_id),
        End: () => this.select(rows[rows.length - 1].row_id),
        Enter: () => whetstone.send("data:edit", {}),
      };
      if (!deeds[event.key] || !rows.length) return;
      event.preventDefault();
      await deeds[event.key]();
      if (event.key !== "Enter") this.focusSelected();
    }

    markUnsaved(rows) {
      this.unsaved = new Set(rows.map(String));
      for (const row of this.rows.children) row.classList.toggle("ws-unsaved", this.unsaved.has(row.dataset.row));
    }

    // Drawing -------------------------------------------------------------------------------------------------------

    render() {
      const has = Boolean(this.info);
      this.filters.hidden = this.bar.hidden = this.scroller.hidden = !has;
      this.empty.hidden = has || !this.isKnown;
      this.root.dataset.page = this.page ? String(this.page.page) : "";
      this.root.dataset.dataset = this.info?.id || "";
      if (!has) {
        if (this.isKnown) data.emptyDatasets(this.empty, this.ctx);
        return;
      }
      if (!this.page) return;
      const { say } = this.ctx;
      this.columns.replaceChildren(el("th", { class: "ws-col-number", text: say("data.column.number") }), ...this.page.columns.map((name) => this.columnHead(name)), el("th", { class: "ws-col-split", text: say("data.column.split") }));
      this.table.setAttribute("aria-rowcount", String(this.page.total + 1));
      const hadFocus = this.rows.contains(document.activeElement);
      this.rows.replaceChildren(...this.page.rows.map((row) => this.renderRow(row)));
      this.markUnsaved([...this.unsaved]);
      this.select(data.current.row?.row_id ?? null);
      if (hadFocus) this.focusSelected();
      this.renderBar();
    }

    columnHead(name) {
      return el("th", { class: `ws-col-${name}`, text: this.ctx.say(`data.column.${name}`), attrs: { scope: "col" } });
    }

    renderRow(row) {
      const cells = this.page.columns.map((name, index) => data.cell(name, row.cells[index]));
      const split = el("span", { class: row.split === "held_out" ? "ws-tag" : "ws-key", text: this.ctx.say(`data.split.${row.split}`) });
      return el("tr", { attrs: { "data-row": String(row.row_id), role: "row", "aria-rowindex": String(row.position + 1), tabindex: "-1" } }, [
        el("td", { class: "ws-col-number", text: whetstone.number(row.position) }),
        ...cells,
        el("td", { class: "ws-col-split" }, [split]),
      ]);
    }

    renderBar() {
      const { total, page, rows } = this.page;
      const first = (page - 1) * PAGE_ROWS + 1;
      const values = { first, last: first + rows.length - 1, total };
      const searched = this.asked.query || this.asked.split || this.asked.lost;
      if (this.page.complete === false) this.count.textContent = this.ctx.say("data.search_cut", values);
      else if (rows.length) this.count.textContent = this.ctx.say("data.rows_shown", values);
      else this.count.textContent = this.ctx.say(searched ? "data.nothing_found" : "data.no_rows");
      data.renderPager(this.pager, this.ctx.say, this.page, (to) => this.turnPage(to));
    }

    relabel() {
      const { say } = this.ctx;
      this.search.placeholder = say("data.search");
      this.search.setAttribute("aria-label", say("data.search"));
      this.table.setAttribute("aria-label", say("data.table"));
      const chosen = this.asked.split;
      this.split.replaceChildren(...["", "train", "held_out"].map((name) => el("option", { text: say(name ? `data.split.${name}` : "data.split.all"), attrs: { value: name } })));
      this.split.value = chosen;
      this.split.setAttribute("aria-label", say("data.column.split"));
      this.add.textContent = say("data.row_add");
      this.pager.setAttribute("aria-label", say("data.pages"));
      this.head.relabel();
      this.drawLost();
      this.render();
    }

    destroy() {
      clearTimeout(this.pause);
    }
  }

  whetstone.widget("table", (root, ctx) => {
    const panel = new TablePanel(root, ctx);
    return { language: () => panel.relabel(), destroy: () => panel.destroy() };
  });
})();
