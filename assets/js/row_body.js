// A draft as boxes: the parts of its kind in order, chosen beside rejected with what differs, and where the row came from.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const COMPARE_MS = 120;
  // Above this many letters a comparison would be felt with every pause of the hands.
  const MOST_COMPARED = 20_000;

  class RowBody {
    // changed(): the draft has another content; known(what): words that the dataset's rows use; file(): what it came from.
    constructor(ctx, node, { changed, known, file }) {
      Object.assign(this, { ctx, node, changed, known, file });
      this.draft = null;
      this.differences = true;
    }

    draw(draft) {
      clearTimeout(this.pause);
      this.draft = draft;
      this.marks = {};
      const { kind } = draft.row;
      const parts = data.partsOf(kind).filter((part) => part.type !== "turns" || Array.isArray(draft.record[part.name]));
      const alone = parts.length === 1;
      const sides = parts.filter((part) => ["chosen", "rejected"].includes(part.name));
      const nodes = [];
      for (const part of parts) {
        if (part.name === "rejected" && sides.length === 2) continue;
        if (part.name === "chosen" && sides.length === 2) nodes.push(this.sides());
        else nodes.push(...this.part(part, alone));
      }
      if (data.canHaveTools(kind)) nodes.push(this.tools());
      this.node.replaceChildren(...nodes, this.origin(kind));
      data.growAll(this.node);
      this.compare();
    }

    part(part, alone) {
      const { record } = this.draft;
      const { say } = this.ctx;
      if (part.type === "turns") return [this.turns(part.name, alone)];
      if (part.type === "entities") return [];
      if (part.type === "marked") return data.renderEntities(record, say, this.editOf("entities"));
      return [data.renderField(part, record, say, this.editOf(part.name))];
    }

    // Message lists ------------------------------------------------------------------------------------------------

    turns(section, alone, beside) {
      const { say } = this.ctx;
      const add = data.button(say("data.turn_add"), () => this.addTurn(section), "small");
      const tone = { chosen: "ws-tag ws-tag-good", rejected: "ws-tag ws-tag-bad" }[section] || "ws-tag";
      const head = el("div", { class: "ws-section-head" }, [el("span", { class: tone, text: say(`data.section.${section}`) }), el("span", { class: "ws-spacer" }), beside, add]);
      const turns = data.renderTurns(section, this.draft.record[section], say, (index) => this.turnEdit(section, index));
      this.marks[section] = turns.map((turn) => turn.marks);
      const nodes = turns.map((turn) => turn.node);
      return el("div", { class: "ws-section", attrs: { "data-name": section } }, alone ? [...nodes, add] : [head, ...nodes]);
    }

    sides() {
      const { say } = this.ctx;
      const show = el("button", { class: "ws-btn ws-btn-small", text: say("data.differences"), attrs: { type: "button", "aria-pressed": String(this.differences), title: say("data.differences_why") } });
      show.addEventListener("click", () => {
        this.differences = !this.differences;
        show.setAttribute("aria-pressed", String(this.differences));
        this.compare();
      });
      return el("div", { class: "ws-sides" }, [this.turns("chosen", false), this.turns("rejected", false, show)]);
    }

    // Changes the shape of the record, which draws the boxes anew.
    reshape(change, focus) {
      this.draft.mark();
      change(this.draft.record);
      this.draw(this.draft);
      this.changed();
      if (focus) this.focusTurn(...focus);
    }

    addTurn(section) {
      const list = this.draft.record[section];
      this.reshape(() => list.push({ role: data.nextRole(section, list), content: "" }), [section, list.length]);
    }

    turnEdit(section, index) {
      const { draft } = this;
      const turns = () => draft.record[section];
      const path = (name) => `${section}[${index}].${name}`;
      const order = (at, change, focus) => this.reshape(() => (change(turns()), draft.moveTyped(section, at)), [section, focus]);
      return {
        begin: () => draft.mark(),
        field: (name, value) => {
          if (value === undefined) delete turns()[index][name];
          else turns()[index][name] = value;
          this.touched();
        },
        typed: (name) => draft.typed.get(path(name)),
        json: (name, value, text) => this.setJson(path(name), value, text, (read) => (turns()[index][name] = read)),
        reshape: (change, name) => this.reshape(() => (draft.typed.delete(path(name)), change(turns()[index]))),
        move: (by) => order((at) => (at === index ? index + by : at === index + by ? index : at), (list) => list.splice(index + by, 0, ...list.splice(index, 1)), index + by),
        remove: () => order((at) => (at === index ? null : at > index ? at - 1 : at), (list) => list.splice(index, 1), Math.max(0, index - 1)),
      };
    }

    setJson(path, value, text, put) {
      if (value === undefined) this.draft.typed.set(path, text);
      else {
        this.draft.typed.delete(path);
        put(value);
      }
      this.changed();
    }

    // Other parts --------------------------------------------------------------------------------------------------

    editOf(name) {
      const { draft } = this;
      const put = (value) => {
        if (value === undefined) delete draft.record[name];
        else draft.record[name] = value;
      };
      return {
        begin: () => draft.mark(),
        set: (value) => (put(value), this.touched()),
        reshape: (value) => this.reshape(() => put(value)),
        known: (what) => this.known(what),
      };
    }

    tools() {
      const { draft } = this;
      return data.renderTools(draft.record, this.ctx.say, {
        begin: () => draft.mark(),
        typed: () => draft.typed.get("tools"),
        json: (value, text) => this.setJson("tools", value, text, (read) => (draft.record.tools = read)),
        reshape: (value) =>
          this.reshape((record) => {
            draft.typed.delete("tools");
            if (value === undefined) delete record.tools;
            else record.tools = value;
          }),
      });
    }

    // Where the row came from, and what of it has no box.
    origin(kind) {
      const { row, record } = this.draft;
      const { say } = this.ctx;
      const { row: number, fields, origin, ...others } = row.meta || {};
      const from = origin ? { name: origin.dataset, row: origin.row } : number ? { name: this.file(), row: number } : null;
      const came = from && say(from.name ? "data.row_from" : "data.row_origin", from);
      return el("div", { class: "ws-origin" }, [
        came ? el("span", { class: "ws-key", text: came, attrs: { translate: from.name ? "no" : null } }) : null,
        data.renderFields(data.fieldsBeside(kind, record), say("data.row_more")),
        data.renderFields({ ...(fields || {}), ...others }, say("data.row_aside")),
      ]);
    }

    // What differs -------------------------------------------------------------------------------------------------

    touched() {
      this.changed();
      if (!this.marks.chosen) return;
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.compare(), COMPARE_MS);
    }

    // Words that only one of the two replies has are marked in it, turn by turn.
    compare() {
      const { chosen, rejected } = this.marks;
      if (!chosen || !rejected) return;
      const { record } = this.draft;
      for (let index = 0; index < Math.max(chosen.length, rejected.length); index += 1) {
        const [left, right] = [record.chosen[index]?.content, record.rejected[index]?.content];
        const comparable = this.differences && typeof left === "string" && typeof right === "string" && left.length + right.length <= MOST_COMPARED;
        const pieces = comparable ? data.wordDiff(left, right) : null;
        const only = (kind, name) => pieces && pieces.filter((piece) => piece.kind === "same" || piece.kind === kind).map((piece) => ({ text: piece.text, class: piece.kind === "same" ? "" : name }));
        chosen[index]?.(only("gone", "ws-only-chosen"));
        rejected[index]?.(only("new", "ws-only-rejected"));
      }
    }

    focusTurn(section, index) {
      this.node.querySelector(`[data-section="${section}"][data-index="${index}"] textarea`)?.focus();
    }

    focusFirst() {
      this.node.querySelector("textarea, input:not([type=hidden])")?.focus();
    }
  }

  data.rowBody = (ctx, node, hooks) => new RowBody(ctx, node, hooks);
})();
