// The marks of the open row: its split, its flag and its tags, each set at once and taken back by the dataset's undo.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const FLAG = "flag";

  class RowMarks {
    // tag(add, remove): sets tags of the open row; known(): tags that the dataset's rows have.
    constructor(ctx, { tag, known }) {
      Object.assign(this, { ctx, tag, known });
      this.node = el("div", { class: "ws-row-marks" });
    }

    draw(draft) {
      const { say } = this.ctx;
      this.draft = draft;
      this.node.hidden = !draft || draft.isNew;
      if (this.node.hidden) return this.node.replaceChildren();
      const tags = (draft.row.tags || []).filter((tag) => tag !== FLAG);
      const chips = tags.map((tag) =>
        el("span", { class: "ws-tag ws-row-tag", attrs: { "data-tag": tag } }, [
          el("span", { text: tag, attrs: { translate: "no" } }),
          el("button", { class: "ws-icon", text: "×", attrs: { type: "button", "aria-label": say("data.tag_remove", { tag }) }, on: { click: () => this.tag([], [tag]) } }),
        ]));
      const split = draft.row.split ? el("span", { class: "ws-tag", text: say(`data.split.${draft.row.split}`) }) : null;
      this.node.replaceChildren(...[split, ...chips, this.adder()].filter(Boolean));
    }

    adder() {
      const { say } = this.ctx;
      const line = data.lineBox(say("data.tag_add"), "", this.known, { begin: () => {}, set: () => {} });
      line.box.placeholder = say("data.tag_add");
      line.box.maxLength = 80;
      line.node.classList.add("ws-tag-add");
      const add = async () => {
        const tag = line.box.value.trim();
        if (!tag) return;
        line.box.value = "";
        await this.tag([tag], []);
        this.node.querySelector(".ws-tag-add input")?.focus();
      };
      line.box.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
        event.preventDefault();
        add().catch(whetstone.report);
      });
      line.box.addEventListener("change", () => add().catch(whetstone.report));
      return line.node;
    }
  }

  data.isFlagged = (draft) => Boolean(draft?.row.tags?.includes(FLAG));
  data.rowMarks = (ctx, hooks) => new RowMarks(ctx, hooks);
  data.FLAG = FLAG;
})();
