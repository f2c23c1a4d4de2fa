// A refused row put right: its text is changed, what it becomes is seen at once, and it takes its place among the rows.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const TYPING_MS = 300;

  class Mender {
    constructor(ctx, id, row) {
      Object.assign(this, { ctx, id, row });
      this.asRecord = !row.text;
      this.texts = { row: row.text, record: JSON.stringify(data.emptyRecord(row.kind), null, 2) };
      this.deed = ctx.deed();
      this.turn = 0;
      const { say } = ctx;
      this.box = el("textarea", { class: "ws-input ws-mend-text", attrs: { rows: "9", translate: "no", dir: "auto", spellcheck: "false", "aria-label": say("data.mend_text") } });
      this.box.addEventListener("input", () => this.typed());
      this.result = el("div", { class: "ws-mend-result", attrs: { role: "status" } });
      const tab = (asRecord, key) => el("button", { text: say(key), attrs: { type: "button", role: "radio", "data-mend": asRecord ? "record" : "row" }, on: { click: () => this.show(asRecord) } });
      this.tabs = row.text ? [tab(false, "data.mend_row"), tab(true, "data.mend_record")] : [];
      this.node = el("div", { class: "ws-form" }, [
        el("p", { text: row.field ? say("data.refused_at", row) : row.words }),
        this.tabs.length ? el("div", { class: "ws-choice", attrs: { role: "radiogroup", "aria-label": say("data.mend_text") } }, this.tabs) : el("p", { class: "ws-why", text: say("data.mend_cut") }),
        this.box,
        this.result,
      ]);
      this.show(this.asRecord);
    }

    show(asRecord) {
      this.asRecord = asRecord;
      for (const tab of this.tabs) tab.setAttribute("aria-checked", String((tab.dataset.mend === "record") === asRecord));
      this.box.value = this.texts[asRecord ? "record" : "row"];
      this.look();
    }

    typed() {
      this.texts[this.asRecord ? "record" : "row"] = this.box.value;
      this.deed = this.ctx.deed();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.look().catch(whetstone.report), TYPING_MS);
    }

    form() {
      return { id: this.id, text: this.box.value, as_record: this.asRecord };
    }

    async look() {
      const turn = ++this.turn;
      const tried = await this.ctx.server.attempt(this.form());
      if (turn !== this.turn) return;
      const { say } = this.ctx;
      this.node.dataset.understood = String(Boolean(tried.record));
      if (tried.record) this.result.replaceChildren(el("div", { class: "ws-key", text: say("data.mend_understood") }), el("div", { class: "ws-record" }, data.recordCard(say, tried.record)));
      else this.result.replaceChildren(el("span", { class: "ws-warn-words", text: tried.field ? say("data.refused_at", { field: tried.field, words: tried.problem }) : tried.problem }));
    }

    mend() {
      clearTimeout(this.timer);
      return this.ctx.server.mend({ ...this.form(), refused_id: this.row.refused_id, deed: this.deed });
    }
  }

  // Opens a refused row of a dataset to be mended; answers with the row it became, or null.
  data.mendRow = async (ctx, id, refusedId) => {
    const row = await ctx.server.refused_row({ id, refused_id: refusedId });
    const mender = new Mender(ctx, id, row);
    let made = null;
    const done = async () => {
      made = await mender.mend();
    };
    await data.ask({ title: ctx.say("data.mend_title", { number: row.number }), body: [mender.node], act: ctx.say("data.mend_do"), done, wide: true });
    return made;
  };
})();
