// How the rows of a page are drawn, ordered by a click on a head, and ticked for a change of many.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const SORTS = { number: "position", length: "length", quality: "findings" };

  class TableView {
    constructor(panel) {
      this.panel = panel;
      this.say = panel.ctx.say;
      this.lastTicked = null;
    }

    // Ticks a row for a change of many; with Shift all rows from the last one that was ticked.
    tick(rowId, event) {
      const ids = this.panel.page.rows.map((row) => row.row_id);
      const [from, to] = [ids.indexOf(this.lastTicked), ids.indexOf(rowId)];
      const on = !this.panel.picked.has(rowId);
      const range = event?.shiftKey && from >= 0 ? ids.slice(Math.min(from, to), Math.max(from, to) + 1) : [rowId];
      for (const id of range) on ? this.panel.picked.add(id) : this.panel.picked.delete(id);
      this.lastTicked = rowId;
      this.panel.bulk.all = false;
      this.drawPicks();
    }

    tickPage(on) {
      for (const { row_id: id } of this.panel.page.rows) on ? this.panel.picked.add(id) : this.panel.picked.delete(id);
      this.panel.bulk.all = false;
      this.drawPicks();
    }

    drawPicks() {
      for (const row of this.panel.rows.children) {
        const on = this.panel.bulk.all || this.panel.picked.has(Number(row.dataset.row));
        row.querySelector(".ws-col-pick input").checked = on;
        row.classList.toggle("ws-picked", on);
      }
      const here = (this.panel.page?.rows || []).filter(({ row_id: id }) => this.panel.picked.has(id)).length;
      const all = this.panel.columns.querySelector(".ws-col-pick input");
      if (all) {
        all.checked = this.panel.bulk.all || (here > 0 && here === this.panel.page.rows.length);
        all.indeterminate = !all.checked && here > 0;
      }
      this.panel.bulk.draw();
    }

    // Drawing -------------------------------------------------------------------------------------------------------

    drawHead(row, shown) {
      row.replaceChildren(this.pickHead(), ...["number", ...shown].map((name) => this.columnHead(name)));
    }

    pickHead() {
      const box = el("input", { attrs: { type: "checkbox", "aria-label": this.say("data.pick_page") } });
      box.addEventListener("change", () => this.tickPage(box.checked));
      return el("th", { class: "ws-col-pick", attrs: { scope: "col" } }, [box]);
    }

    // A click on the head orders the rows, first the one way, then the other, then as before.
    columnHead(name) {
      const { say } = this;
      const { filters, page } = this.panel;
      const sort = SORTS[name];
      const text = name === "number" ? say("data.column.number") : data.columnName(say, name, page);
      const head = el("th", { class: `ws-col-${name}`, attrs: { scope: "col" } });
      if (!sort) {
        head.textContent = text;
        return head;
      }
      const { sort: now = "position", descending = false } = filters.order;
      const isNow = now === sort || (name === "length" && now === "tokens");
      const button = el("button", { class: "ws-sort", text, attrs: { type: "button", title: say("data.sort_by") }, on: { click: () => (name === "length" ? this.sortByLength() : this.sortBy(sort)) } });
      if (isNow && (sort !== "position" || descending)) {
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        button.append(el("span", { text: descending ? "↓" : "↑", attrs: { "aria-hidden": "true" } }));
      }
      head.append(button);
      return head;
    }

    sortBy(by) {
      const { sort = "position", descending = false } = this.panel.filters.order;
      const firstDown = by !== "position";
      const next = sort !== by ? [by, firstDown] : descending === firstDown ? [by, !firstDown] : ["position", false];
      if (by === "position") this.panel.filters.sortBy("position", !(sort === "position" && descending));
      else this.panel.filters.sortBy(...next);
      this.panel.filters.drawChips();
    }

    // What the column shows is what it orders by: tokens of every row are counted first.
    async sortByLength() {
      const { panel } = this;
      const { page } = panel;
      if (data.lengthUnit(page) !== "tokens") return this.sortBy("length");
      const waits = () => (panel.count.textContent = this.say("data.measuring"));
      const isDone = await data.measureRows(panel.ctx.server, page.id, page.base, waits);
      if (!isDone) panel.ctx.toast(this.say("data.measuring_failed"), "warning");
      if (panel.info?.id === page.id) this.sortBy(isDone ? "tokens" : "length");
    }

    // The lengths of the rows that are drawn, once they are counted: nothing else of them changes.
    async countLengths() {
      const { panel } = this;
      const { page } = panel;
      if (!panel.info || !data.columnsShown(panel.info.kind, page).includes("length")) return;
      const counting = data.countTokens(panel.ctx.server, page);
      this.drawLengths(page);
      if (await counting && panel.page === page) this.drawLengths(page);
    }

    drawLengths(page) {
      const { rows, columns } = this.panel;
      page.rows.forEach((row, index) => {
        const cell = rows.children[index]?.querySelector(".ws-col-length");
        if (cell) cell.textContent = data.lengthText(row, page);
      });
      const head = columns.querySelector(".ws-col-length .ws-sort");
      if (head) head.firstChild.textContent = data.columnName(this.say, "length", page);
    }

    drawRow(row, shown) {
      const { say } = this;
      const box = el("input", { attrs: { type: "checkbox", tabindex: "-1", "aria-label": say("data.pick_row", { number: row.position }) } });
      const flag = row.tags.includes(data.FLAG) ? el("span", { class: "ws-flag", text: "⚑", attrs: { title: say("data.flagged") } }) : null;
      const number = el("td", { class: "ws-col-number" }, [whetstone.number(row.position), flag]);
      const cells = shown.map((name) => data.columnCell(say, name, row, this.panel.page));
      return el("tr", { attrs: { "data-row": String(row.row_id), role: "row", "aria-rowindex": String(row.position + 1), tabindex: "-1" } }, [
        el("td", { class: "ws-col-pick" }, [box]),
        number,
        ...cells,
      ]);
    }
  }

  data.tableView = (panel) => new TableView(panel);
})();
