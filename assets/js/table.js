// The left panel of the Data tab: the open dataset, its search and its rows, fifty at a time.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const PAGE_ROWS = 50;
  const REMEMBERED = "whetstone.data.open";
  const WIDE = window.matchMedia("(min-width: 900px)");

  class TablePanel {
    constructor(root, ctx) {
      this.root = root;
      this.ctx = ctx;
      this.datasets = [];
      this.isKnown = false; // whether the list was read at least once: before, "no dataset" would be a guess
      this.info = null;
      this.page = null; // {rows, columns, total, page, pages, …} as the service says
      this.number = 1; // of the page that is wanted
      this.turn = 0;
      this.seeker = ctx.deed(); // a newer search of this table stops an older one
      this.picked = new Set(); // row ids that are ticked, on whatever page
      this.unsaved = new Set();
      data.current = { info: null, row: null, picked: this.picked };
      this.head = data.datasetHead(ctx, this);
      this.steps = data.steps(ctx);
      this.filters = data.filters(ctx, () => this.filtered(), () => this.page);
      this.bulk = data.bulkBar(ctx, this);
      this.view = data.tableView(this);
      this.build();
      ctx.on("data:move", ({ by }) => this.moveBy(by));
      ctx.on("data:focus", () => this.focusSelected());
      ctx.on("data:changed", (change) => this.changed(change));
      ctx.on("data:open", ({ id }) => this.reload(id));
      ctx.on("data:drafts", ({ rows }) => this.markUnsaved(rows));
      ctx.on("version:saved", () => this.reload());
      ctx.on("data:filter", (asked) => this.showFiltered(asked));
      ctx.on("data:checked", ({ id }) => id === this.info?.id && this.load(this.number));
      this.reload(this.remembered());
    }

    build() {
      this.head.node.querySelector(".ws-spacer").after(this.steps.node);
      this.columns = el("tr", {});
      this.rows = el("tbody", {});
      this.table = el("table", { class: "ws-table ws-grid", attrs: { role: "grid" } }, [el("thead", {}, [this.columns]), this.rows]);
      this.scroller = el("div", { class: "ws-scroll" }, [this.table]);
      this.count = el("span", { class: "ws-key", attrs: { role: "status" } });
      this.add = data.button("", () => whetstone.send("data:add", {}), "small");
      this.choose = data.button("", () => data.chooseColumns(this.choose, this.ctx.say, this.info.kind, this.page, () => this.render()), "small");
      this.choose.classList.add("ws-hide-narrow");
      this.pager = el("nav", { class: "ws-pager" });
      this.bar = el("div", { class: "ws-bar" }, [this.count, this.add, this.choose, el("span", { class: "ws-spacer" }), this.pager]);
      this.empty = el("div", { class: "ws-empty ws-data-empty" });
      const parts = [this.head.node, this.filters.node, this.bulk.node, this.scroller, this.empty, this.bar];
      this.root.replaceChildren(el("section", { class: "ws-panel ws-rows" }, parts));
      this.rows.addEventListener("click", (event) => this.click(event));
      this.rows.addEventListener("keydown", (event) => this.key(event));
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
      else await this.load(this.number);
    }

    setInfo(info) {
      this.info = info;
      data.current.info = info;
      if (info) this.remember(info.id);
      this.steps.open(info).catch(whetstone.report);
      this.head.show(info, this.datasets);
      whetstone.send("data:dataset", info);
    }

    async openFresh() {
      this.picked.clear();
      this.bulk.all = false;
      this.filters.open(this.info);
      this.filters.reset();
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
      this.number = page;
      const turn = ++this.turn;
      this.latest = this.fetchPage(turn);
      let awaited;
      do {
        awaited = this.latest;
        await awaited;
      } while (awaited !== this.latest);
    }

    async fetchPage(turn) {
      const asked = { id: this.info.id, page: this.number, page_size: PAGE_ROWS, filter: this.filters.selection, seeker: this.seeker };
      this.scroller.setAttribute("aria-busy", "true");
      try {
        const found = await this.ctx.server.page(asked);
        if (turn !== this.turn) return;
        this.number = found.page;
        this.page = { ...found, id: asked.id, base: asked.filter.base };
        data.current.selection = this.filters.isActive || this.filters.order.sort ? asked.filter : null;
        data.current.total = found.total;
        this.filters.tell(null);
        this.render();
        this.view.countLengths();
      } catch (error) {
        if (turn !== this.turn) return;
        if (this.page) this.number = this.page.page;
        if (/^Pattern/.test(error?.code)) this.filters.tell(error);
        else whetstone.report(error);
      } finally {
        if (turn === this.turn) this.scroller.removeAttribute("aria-busy");
      }
    }

    filtered() {
      this.picked.clear();
      this.bulk.all = false;
      return this.load(1);
    }

    // Another panel asks for rows: {the fields of a selection, words: what they are, id: of another dataset}. lost: rows of
    // a version that train nothing, {base, method, max_length, number, count, listed}.
    async showFiltered({ id, lost, ...asked }) {
      if (id && id !== this.info?.id) await this.reload(id);
      if (lost) {
        const { number, max_length: count, count: rows, listed } = lost;
        asked.row_ids = await this.ctx.server.lost({ id: this.info.id, lost });
        asked.words = this.ctx.say(listed < rows ? "data.lost_some" : "data.lost", { number, count, rows, listed });
      }
      this.filters.take(asked);
      if (asked.check) await this.filters.refresh();
      await this.filtered();
      this.select(this.page?.rows[0]?.row_id ?? null);
    }

    // After a deed of the editor: facts and page are read again, and the row it was about is found, unless the person
    // has gone to another one meanwhile.
    async changed({ id, row_id: rowId, position, gone, undone, many }) {
      if (id !== this.info?.id) return;
      const before = data.current.row?.row_id;
      const index = gone == null || !this.page ? -1 : this.page.rows.findIndex((row) => row.row_id === gone);
      await this.reload();
      whetstone.send("dataset:changed", { id });
      if (data.current.row?.row_id !== before) return;
      if (many) this.readAgain();
      else if (gone != null) this.select(this.page.rows[Math.min(Math.max(index, 0), this.page.rows.length - 1)]?.row_id ?? null);
      else if (rowId != null) await this.reveal(rowId, position, undone ? "again" : "quiet");
    }

    // After a change of many rows: the open one may be among them, or gone.
    readAgain() {
      const rows = this.page?.rows || [];
      const isHere = rows.some((row) => row.row_id === data.current.row?.row_id);
      this.select(isHere ? data.current.row.row_id : rows[0]?.row_id ?? null, "again");
    }

    // Shows a row wherever it stands: on another page, or outside of what is searched for.
    async reveal(rowId, position, how) {
      const isHere = () => this.page.rows.some((row) => row.row_id === rowId);
      const filtered = this.filters.isActive || Boolean(this.filters.order.sort);
      // A saved row that no longer matches the search stays open in the editor; the search stays too.
      if (!isHere() && position && !(filtered && how === "quiet")) {
        if (filtered) this.filters.reset();
        await this.load(Math.ceil(position / PAGE_ROWS));
      }
      this.select(isHere() ? rowId : null, how);
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

    click(event) {
      const row = event.target.closest("tr");
      if (!row) return;
      const box = event.target.closest(".ws-col-pick");
      if (box) return this.view.tick(this.idOf(row), event);
      return this.open(row);
    }

    open(row) {
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
        " ": () => this.place >= 0 && this.view.tick(rows[this.place].row_id, event),
      };
      if (!deeds[event.key] || !rows.length || event.target.tagName === "INPUT") return;
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
      this.filters.node.hidden = this.bar.hidden = this.scroller.hidden = !has;
      this.empty.hidden = has || !this.isKnown;
      this.root.dataset.page = this.page ? String(this.page.page) : "";
      this.root.dataset.dataset = this.info?.id || "";
      this.bulk.draw();
      if (!has) {
        if (this.isKnown) data.emptyDatasets(this.empty, this.ctx);
        return;
      }
      if (!this.page) return;
      const shown = data.columnsShown(this.info.kind, this.page);
      this.view.drawHead(this.columns, shown);
      this.table.setAttribute("aria-rowcount", String(this.page.total + 1));
      const hadFocus = this.rows.contains(document.activeElement);
      this.rows.replaceChildren(...this.page.rows.map((row) => this.view.drawRow(row, shown)));
      this.markUnsaved([...this.unsaved]);
      this.select(data.current.row?.row_id ?? null);
      if (hadFocus) this.focusSelected();
      this.view.drawPicks();
      this.renderBar();
    }

    renderBar() {
      const { total, page, rows } = this.page;
      const first = (page - 1) * PAGE_ROWS + 1;
      const values = { first, last: first + rows.length - 1, total };
      if (this.page.complete === false) this.count.textContent = this.ctx.say("data.search_cut", values);
      else if (rows.length) this.count.textContent = this.ctx.say("data.rows_shown", values);
      else this.count.textContent = this.ctx.say(this.filters.isActive ? "data.nothing_found" : "data.no_rows");
      data.renderPager(this.pager, this.ctx.say, this.page, (to) => this.turnPage(to));
    }

    relabel() {
      const { say } = this.ctx;
      this.table.setAttribute("aria-label", say("data.table"));
      this.add.textContent = say("data.row_add");
      this.choose.textContent = say("data.columns");
      this.pager.setAttribute("aria-label", say("data.pages"));
      this.head.relabel();
      this.filters.relabel();
      this.steps.draw();
      this.render();
    }

    destroy() {
      clearTimeout(this.filters.pause);
      this.steps.destroy();
    }
  }

  whetstone.widget("table", (root, ctx) => {
    const panel = new TablePanel(root, ctx);
    return { language: () => panel.relabel(), destroy: () => panel.destroy() };
  });
})();
