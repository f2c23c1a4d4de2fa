// A row that is cut is made short enough: what each way would change is shown, then applied as one change.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});

  class Shortening {
    constructor(ctx, asked) {
      this.ctx = ctx;
      this.asked = asked; // {id, row_id, base, max_length}
      this.position = null; // of the row in the table
      this.deed = ctx.deed();
      this.turn = 0;
      this.way = null;
      this.words = el("p", {});
      this.ways = el("div", { class: "ws-choice ws-shorten-ways", attrs: { role: "group", "aria-label": ctx.say("shorten.ways") } });
      this.drop = el("select", { class: "ws-input ws-shorten-turn", attrs: { translate: "no", "aria-label": ctx.say("shorten.turn") }, on: { change: () => this.show() } });
      this.why = el("p", { class: "ws-why" });
      this.list = el("div", { class: "ws-diff-rows ws-shorten-rows", attrs: { tabindex: "0", role: "group", "aria-label": ctx.say("shorten.preview") } });
      this.node = el("div", { class: "ws-diff ws-shorten" }, [this.words, this.ways, this.drop, this.why, this.list]);
    }

    get question() {
      return { ...this.asked, way: this.way, turn: this.way === "drop" ? Number(this.drop.value) : null };
    }

    // What the row is and in which ways it could be shortened; the first of them is shown.
    async open() {
      const { say } = this.ctx;
      const found = await this.ctx.server.preview(this.question);
      this.found = found;
      this.position = found.position;
      this.words.textContent = say("shorten.words", { number: this.position, total: found.total, most: this.asked.max_length });
      this.ways.replaceChildren(...found.ways.map((way) => el("button", { text: say(`shorten.way.${way}`), attrs: { type: "button", "data-way": way }, on: { click: () => this.pick(way) } })));
      this.drop.replaceChildren(...found.turns.filter(({ role }) => role !== "system").map(({ index, role, text }) => el("option", { text: `${index + 1} · ${say(`data.role.${role}`)} · ${text.slice(0, 60)}`, attrs: { value: String(index) } })));
      if (found.ways.length) await this.pick(found.ways[0]);
      else this.list.replaceChildren(el("div", { class: "ws-empty" }, [el("p", { text: say("shorten.none") })]));
    }

    async pick(way) {
      const { say } = this.ctx;
      this.way = way;
      for (const button of this.ways.children) button.setAttribute("aria-pressed", String(button.dataset.way === way));
      this.drop.hidden = way !== "drop";
      this.why.textContent = say(`shorten.why.${way}`);
      await this.show();
    }

    async show() {
      const turn = ++this.turn;
      this.list.setAttribute("aria-busy", "true");
      try {
        const found = await this.ctx.server.preview(this.question);
        if (turn !== this.turn) return;
        this.found = found;
        this.list.replaceChildren(...found.records.map((record, index) => this.renderRecord(record, index)));
        this.list.scrollTop = 0;
      } catch (error) {
        if (!error?.code) throw error;
        if (turn === this.turn) this.list.replaceChildren(data.problem(error));
      }
      this.list.removeAttribute("aria-busy");
    }

    renderRecord({ parts, total, trained, cut }, index) {
      const { say } = this.ctx;
      const many = this.found.records.length > 1;
      const title = !many ? say("data.row_title", { number: this.position }) : say(index ? "shorten.window_new" : "shorten.window_first", { number: index + 1 });
      const fits = cut ? el("span", { class: "ws-tag ws-tag-warn", text: say("shorten.still_cut", { count: cut }) }) : el("span", { class: "ws-tag ws-tag-good", text: say("shorten.fits") });
      const head = el("div", { class: "ws-diff-head" }, [el("span", { class: "ws-title", text: title }), fits, el("span", { class: "ws-key", text: say("xray.counts", { total, trained }) })]);
      // Of a new row every turn is new: marking them all would say nothing.
      const plain = many ? parts.map(({ after, ...part }) => ({ ...part, before: after, after })) : parts;
      return el("section", { class: "ws-diff-row", attrs: { "data-record": String(index) } }, [head, ...plain.map((part) => data.diffPart(say, part))]);
    }

    async apply() {
      const { say } = this.ctx;
      if (!this.found?.records.length) return false;
      const done = await this.ctx.server.shorten({ ...this.question, revision: this.found.revision, deed: this.deed });
      this.ctx.toast(say(done.added ? "shorten.done_windows" : "shorten.done", { number: done.position, added: done.added }), "good");
      whetstone.send("data:changed", { id: this.asked.id, row_id: done.row_id, position: done.position, undone: true });
      return true;
    }
  }

  /** asked: {id, row_id, base, max_length}. */
  data.openShorten = async (ctx, asked) => {
    const shortening = new Shortening(ctx, asked);
    const closed = data.ask({ title: ctx.say("shorten.title"), wide: true, body: shortening.node, act: ctx.say("shorten.apply"), done: () => shortening.apply() });
    await shortening.open();
    return closed;
  };
})();
