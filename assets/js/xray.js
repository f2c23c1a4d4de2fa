// The X-ray: the open row as a base model reads it, and beside it how long all rows are.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const REMEMBERED = "whetstone.xray";
  const TYPING_PAUSE_MS = 200;
  const POLL_MS = 500;
  const LONGEST_DEFAULT = 2048;
  const VIEWS = ["row", "lengths", "checks", "versions"];
  const ELSEWHERE = new Set(["checks", "versions"]); // views that another widget draws

  class Xray {
    constructor(root, ctx) {
      this.root = root;
      this.ctx = ctx;
      this.panel = root.closest("#data-below");
      this.bases = [];
      this.chosen = this.remembered(); // {base, most, batch}: null until the person sets one
      this.view = "row";
      this.record = null; // the record as it stands in the editor, unsaved edits included
      this.info = null; // the open dataset
      this.number = null; // of the version whose lengths are shown; null: the rows as they stand
      this.versions = 0;
      this.asked = 0; // an answer to an older question is dropped
      this.tokens = data.tokenView(ctx, (found) => this.rowDeeds(found));
      this.lengths = data.lengthsView(ctx, this);
      this.build();
      this.listen();
      this.relabel();
      this.openDataset(data.current?.info || null);
      this.start();
    }

    build() {
      this.choice = el("span", { class: "ws-choice ws-views", attrs: { role: "group" } }, VIEWS.map((view) =>
        el("button", { attrs: { type: "button", "data-view": view }, on: { click: () => this.show(view) } })));
      this.base = el("select", { class: "ws-input ws-xray-base", attrs: { translate: "no" }, on: { change: () => this.choose({ base: this.base.value }) } });
      this.most = el("input", { class: "ws-input ws-xray-most", attrs: { type: "number", min: "1", step: "1", inputmode: "numeric" }, on: { change: () => this.chooseMost() } });
      this.controls = el("span", { class: "ws-xray-controls" }, [this.base, this.most]);
      this.body = el("div", { class: "ws-body ws-xray-body", attrs: { "aria-live": "off" } });
      this.foot = el("div", { class: "ws-xray-foot" });
      this.root.replaceChildren(el("div", { class: "ws-head ws-xray-head" }, [this.choice, el("span", { class: "ws-spacer" }), this.controls]), this.body, this.foot);
    }

    listen() {
      const { on } = this.ctx;
      on("data:dataset", (info) => this.openDataset(info));
      on("data:record", (record) => this.take(record));
      on("data:row", (row) => { if (row && this.view === "versions" && this.cameAlone) this.show("row"); });
      on("data:versions", ({ count }) => { this.versions = count; this.relabel(); });
      on("version:saved", () => { this.show("versions"); this.cameAlone = true; });
      on("checks:open", () => this.show("checks"));
      on("xray:lengths", ({ number }) => this.showLengths(number));
      on("xray:lost", async (asked) => this.openLost(await this.ctx.server.lost(asked)));
      on("base:added", () => this.start());
    }

    async start() {
      try {
        this.bases = await this.ctx.server.bases({});
      } catch (error) {
        this.fail(error);
        return;
      }
      this.drawControls();
      this.ask();
    }

    // What is chosen ---------------------------------------------------------------------------------------------

    remembered() {
      try {
        const { base = null, most = null, batch = null } = JSON.parse(localStorage.getItem(REMEMBERED)) || {};
        const whole = (value) => (Number.isInteger(value) && value > 0 ? value : null);
        return { base, most: whole(most), batch: whole(batch) };
      } catch {
        return { base: null, most: null, batch: null }; // storage may be forbidden, or hold something else
      }
    }

    choose(change) {
      Object.assign(this.chosen, change);
      try {
        localStorage.setItem(REMEMBERED, JSON.stringify(this.chosen));
      } catch {
        // see remembered()
      }
      this.drawControls();
      this.ask();
    }

    chooseMost() {
      if (!this.found) return;
      const typed = Math.round(Number(this.most.value));
      this.choose({ most: typed >= 1 ? Math.min(typed, this.found.context) : null });
    }

    // The chosen base while there is one, else the first.
    get found() {
      return this.bases.find(({ id }) => id === this.chosen.base) || this.bases[0] || null;
    }

    // The usual maximum of a run, unless the person has set one; never more than the base can read.
    get longest() {
      return Math.min(this.chosen.most ?? LONGEST_DEFAULT, this.found.context);
    }

    get question() {
      return { base: this.found.id, max_length: this.longest };
    }

    openDataset(info) {
      if (info?.id !== this.info?.id) this.number = null;
      this.info = info;
      if (!info && !this.record) this.tokens.clear();
      if (this.view === "lengths") this.ask();
      else this.draw();
    }

    take(record) {
      const other = record?.key !== this.record?.key;
      const same = record?.text === this.record?.text && !other;
      this.record = record;
      if (same) return;
      clearTimeout(this.pause);
      if (other) this.ask();
      else this.pause = setTimeout(() => this.ask(), TYPING_PAUSE_MS);
    }

    // Which view -------------------------------------------------------------------------------------------------

    show(view) {
      this.view = view;
      this.cameAlone = false;
      this.relabel();
      this.ask();
    }

    showLengths(number) {
      this.number = number;
      this.show("lengths");
    }

    // Asking -----------------------------------------------------------------------------------------------------

    async ask() {
      clearTimeout(this.pause);
      const turn = ++this.asked;
      if (!this.found) return;
      const question = this.view === "lengths" ? this.askLengths : this.askRow;
      if (ELSEWHERE.has(this.view)) return;
      try {
        await question.call(this, turn);
      } catch (error) {
        if (turn === this.asked) this.fail(error);
      }
    }

    async askRow(turn) {
      if (!this.record) {
        this.tokens.clear();
        this.draw();
        return;
      }
      this.body.setAttribute("aria-busy", "true");
      if (this.tokens.isEmpty) this.draw();
      const found = await this.ctx.server.render({ ...this.question, record: this.record.record });
      if (turn !== this.asked) return;
      this.tokens.take(found);
      this.draw();
    }

    async askLengths(turn) {
      const { server } = this.ctx;
      const asked = this.info && { ...this.question, id: this.info.id, number: this.number };
      const found = asked ? await server.lengths(asked) : { status: "no_dataset" };
      if (found.status === "ready" && this.lengths.showsBatches) found.batches = await server.batches({ ...asked, batch: this.lengths.batches.batch });
      if (turn !== this.asked) return;
      this.lengths.take(found);
      this.draw();
      if (found.status === "measuring" || found.behind) this.pause = setTimeout(() => this.root.isConnected && this.ask(), POLL_MS);
    }

    fail(error) {
      if (!error?.code) throw error;
      const again = data.button(this.ctx.say("xray.again"), () => (this.found ? this.ask() : this.start()), "small");
      this.tokens.clear();
      this.body.removeAttribute("aria-busy");
      this.body.replaceChildren(data.problem(error), again);
      this.foot.replaceChildren();
    }

    // What can be done with the row as it is shown: seen beside another base, and where it is cut made shorter.
    rowDeeds({ sides }) {
      const { ctx } = this;
      const small = (key, name, act) => {
        const made = data.button(ctx.say(key), act, "small");
        made.dataset.deed = name;
        return made;
      };
      const deeds = [small("xray.compare", "compare", () => data.openCompare(ctx, this))];
      if (sides.some(({ cut_at: cutAt }) => cutAt !== null) && data.current.row) deeds.unshift(small("xray.shorten", "shorten", () => this.shorten()));
      return deeds;
    }

    // The row is shortened as it is saved: edits that are not would be lost.
    async shorten() {
      const { row_id: rowId, id } = data.current.row;
      if ((data.unsavedRows || []).map(String).includes(String(rowId))) {
        this.ctx.toast(this.ctx.say("shorten.unsaved"), "warning");
        return;
      }
      await data.openShorten(this.ctx, { ...this.question, id, row_id: rowId });
    }

    async showNothing(found) {
      if (found.version === null) {
        const rowIds = await this.ctx.server.nothing({ ...this.question, id: this.info.id });
        this.show("row");
        whetstone.send("data:filter", { row_ids: rowIds, words: this.ctx.say("xray.lengths.nothing_words", { count: this.longest, rows: rowIds.length }) });
        return;
      }
      this.openLost({ ...this.question, method: found.method, id: this.info.id, number: found.version, count: found.nothing, listed: found.listed });
    }

    // The rows open in the table, and each of them here, cut as was asked: so it says why it trains nothing.
    openLost(lost) {
      Object.assign(this.chosen, { base: lost.base, most: lost.max_length });
      this.drawControls();
      this.show("row");
      whetstone.send("data:filter", { id: lost.id, lost });
    }

    // Drawing ----------------------------------------------------------------------------------------------------

    draw() {
      this.body.removeAttribute("aria-busy");
      this.root.dataset.view = this.view;
      if (this.panel) this.panel.dataset.view = this.view;
      if (ELSEWHERE.has(this.view)) return;
      const view = this.view === "lengths" ? this.lengths : this.tokens;
      view.draw(this.body, this.foot, Boolean(this.record));
    }

    drawControls() {
      const { found } = this;
      this.base.replaceChildren(...this.bases.map(({ id, title }) => el("option", { text: title, attrs: { value: id } })));
      this.base.value = found?.id ?? "";
      this.most.value = found ? String(this.longest) : "";
      this.most.max = String(found?.context ?? "");
    }

    relabel() {
      const { say } = this.ctx;
      for (const button of this.choice.children) {
        const { view } = button.dataset;
        button.textContent = view === "versions" && this.versions ? say("xray.view.versions_count", { count: this.versions }) : say(`xray.view.${view}`);
        button.setAttribute("aria-pressed", String(view === this.view));
      }
      this.choice.setAttribute("aria-label", say("xray.views"));
      for (const [control, key] of [[this.base, "xray.base"], [this.most, "xray.most"]]) {
        control.title = say(key);
        control.setAttribute("aria-label", control.title);
      }
      this.controls.hidden = ELSEWHERE.has(this.view);
      this.draw();
    }

    destroy() {
      clearTimeout(this.pause);
    }
  }

  whetstone.widget("xray", (root, ctx) => {
    const xray = new Xray(root, ctx);
    return { language: () => xray.relabel(), destroy: () => xray.destroy() };
  });
})();
