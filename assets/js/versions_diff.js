// What differs between two versions of a dataset, or between one and the rows as they stand: counts first, then row by row.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const SORTS = ["added", "removed", "changed", "moved"];
  const NOW = "now";

  class Differences {
    constructor(ctx, info, versions, before, after) {
      this.ctx = ctx;
      this.info = info;
      this.what = null;
      this.counts = null;
      this.turn = 0;
      const { say } = ctx;
      this.sides = [before, after].map((chosen) => this.choice(versions, chosen));
      this.sides[0].setAttribute("aria-label", say("diff.before"));
      this.sides[1].setAttribute("aria-label", say("diff.after"));
      this.chips = el("div", { class: "ws-diff-counts", attrs: { role: "group", "aria-label": say("diff.counts") } });
      this.list = el("div", { class: "ws-diff-rows", attrs: { tabindex: "0", role: "group", "aria-label": say("diff.rows") } });
      this.pager = el("nav", { class: "ws-pager", attrs: { "aria-label": say("data.pages") } });
      this.pager.hidden = true;
      this.show = data.button(say("diff.show_rows"), () => this.showRows(), "small");
      this.show.hidden = true;
      this.foot = el("div", { class: "ws-diff-foot" }, [this.show, el("span", { class: "ws-spacer" }), this.pager]);
      this.node = el("div", { class: "ws-diff" }, [
        el("div", { class: "ws-diff-sides" }, [this.sides[0], el("span", { class: "ws-key", text: "→" }), this.sides[1], this.chips]),
        this.list,
        this.foot,
      ]);
    }

    choice(versions, chosen) {
      const { say } = this.ctx;
      const options = [
        el("option", { text: say("diff.now"), attrs: { value: NOW } }),
        ...versions.map(({ number, message }) => el("option", { text: message ? `${say("data.version_number", { number })} · ${message.slice(0, 40)}` : say("data.version_number", { number }), attrs: { value: String(number) } })),
      ];
      const select = el("select", { class: "ws-input", attrs: { translate: "no" }, on: { change: () => this.compare() } }, options);
      select.value = chosen === null ? NOW : String(chosen);
      return select;
    }

    get chosen() {
      return this.sides.map((side) => (side.value === NOW ? null : Number(side.value)));
    }

    // Compares what is chosen, in a job of its own; a comparison that was made before is at hand.
    async compare() {
      const turn = ++this.turn;
      const { server, say } = this.ctx;
      const [before, after] = this.chosen;
      const working = el("p", { class: "ws-key", attrs: { role: "status" } });
      this.list.replaceChildren(working);
      this.chips.replaceChildren();
      this.show.hidden = this.pager.hidden = true;
      this.what = null;
      try {
        this.job = await server.compare({ id: this.info.id, before, after });
        const ended = await data.follow(server, this.job, (state) => (working.textContent = data.progressWords(say, state)));
        if (turn !== this.turn) return;
        this.counts = ended.summary;
        await this.load(1);
      } catch (error) {
        if (!error?.code) throw error;
        if (turn === this.turn) this.list.replaceChildren(data.problem(error));
      }
    }

    async load(page) {
      const turn = ++this.turn;
      const found = await this.ctx.server.differences({ job_id: this.job, what: this.what, page });
      if (turn !== this.turn) return;
      this.draw(found);
    }

    draw(found) {
      const { say } = this.ctx;
      const all = SORTS.reduce((sum, name) => sum + this.counts[name], 0);
      const chip = (name, count) =>
        el("button", { class: "ws-diff-chip", text: say(`diff.count.${name}`, { count }), attrs: { type: "button", "data-what": name, "aria-pressed": String((this.what ?? "all") === name), disabled: !count }, on: { click: () => this.pick(name) } });
      this.chips.replaceChildren(chip("all", all), ...SORTS.map((name) => chip(name, this.counts[name])));
      if (!found.rows.length) this.list.replaceChildren(el("div", { class: "ws-empty" }, [el("p", { text: say("diff.same", { rows: this.counts.same }) })]));
      else this.list.replaceChildren(...found.rows.map((row) => this.renderRow(row)));
      this.list.scrollTop = 0;
      this.show.hidden = !found.rows.some(({ position }) => position !== null);
      data.renderPager(this.pager, say, found, (to) => this.load(to));
    }

    async pick(name) {
      this.what = name === "all" ? null : name;
      await this.load(1);
    }

    renderRow({ row_id: rowId, position, what, split, parts }) {
      const { say } = this.ctx;
      const title = position === null ? el("span", { class: "ws-title", text: say("diff.row_gone", { id: rowId }) })
        : el("button", { class: "ws-link ws-title", text: say("data.row_title", { number: position }), attrs: { type: "button" }, on: { click: () => this.showRows([rowId]) } });
      const tone = { added: "ws-tag-good", removed: "ws-tag-bad", changed: "ws-tag-warn", moved: "" }[what];
      const [from, to] = split;
      const moved = from && to && from !== to ? el("span", { class: "ws-key", text: say("diff.moved", { from: say(`data.split.${from}`), to: say(`data.split.${to}`) }) }) : null;
      const head = el("div", { class: "ws-diff-head" }, [title, el("span", { class: `ws-tag ${tone}`, text: say(`diff.what.${what}`) }), moved]);
      const shown = what === "changed" ? data.around(parts) : what === "moved" ? parts.slice(0, 2) : parts;
      return el("section", { class: "ws-diff-row", attrs: { "data-what": what, "data-row": String(rowId) } }, [
        head,
        ...shown.map((part) => (part === null ? el("div", { class: "ws-key ws-diff-skipped", text: "…" }) : data.diffPart(say, part))),
      ]);
    }

    async showRows(rowIds) {
      const found = rowIds || (await this.ctx.server.different_rows({ job_id: this.job, what: this.what }));
      this.node.closest("dialog")?.close();
      whetstone.send("data:filter", { row_ids: found, words: this.ctx.say("diff.shown", { rows: found.length }) });
    }
  }

  /** Of the parts of a changed record those that differ, with one neighbour on each side; null where some are left out. */
  data.around = (parts) => {
    const near = (index) => [index - 1, index, index + 1].some((at) => parts[at] && parts[at].before !== parts[at].after);
    return parts.flatMap((part, index) => (near(index) ? [part] : index && near(index - 1) ? [null] : []));
  };

  /** before, after: numbers of versions, null for the rows as they stand. */
  data.openDifferences = async (ctx, info, versions, before, after) => {
    const { say } = ctx;
    const differences = new Differences(ctx, info, versions, before, after);
    const closed = whetstone.dialog({ title: say("diff.title"), wide: true, body: [differences.node], actions: [{ label: say("common.close"), value: true }] });
    await differences.compare();
    return closed;
  };
})();
