// The detail editor: one row as boxes, saved by revision; what was typed stays until it is saved or reverted.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const WIDE = "whetstone.data.wide_editor";

  class Editor {
    constructor(root, ctx) {
      this.root = root;
      this.ctx = ctx;
      this.drafts = data.drafts();
      this.info = null; // the open dataset, as the table says
      this.draft = null; // the draft of the row that is shown
      this.asked = 0; // counts row requests: an answer to an older one is dropped
      this.problem = null; // {code, message, hint} of the last save of the shown row
      this.deeds = data.rowDeeds(this);
      this.build();
      this.listen();
      this.relabel();
      const now = data.current || {};
      if (now.info) this.openDataset(now.info);
      if (now.row) this.openRow(now.row.id, now.row.row_id);
    }

    build() {
      const icon = (text, act) => el("button", { class: "ws-icon", text, attrs: { type: "button" }, on: { click: act } });
      const known = (what) => this.ctx.server.words({ id: this.draft.datasetId, what });
      this.title = el("span", { class: "ws-title" });
      this.tags = el("span", { class: "ws-tags" });
      this.keys = el("button", { class: "ws-link ws-keys-open ws-hide-narrow", attrs: { type: "button" }, on: { click: () => data.showKeys(this.ctx.say) } });
      this.widen = icon("⇔", () => this.setWide(!this.isWide));
      this.previous = icon("‹", () => whetstone.send("data:move", { by: -1 }));
      this.next = icon("›", () => whetstone.send("data:move", { by: 1 }));
      this.notice = el("div", { class: "ws-editor-notice" });
      this.kind = el("select", { class: "ws-input ws-kind", on: { change: () => this.changeKind(this.kind.value) } });
      this.boxes = el("div", { class: "ws-boxes" });
      this.marks = data.rowMarks(this.ctx, { tag: (add, remove) => this.deeds.tag(add, remove), known: () => known("tag") });
      this.body = el("div", { class: "ws-body ws-editor-body" }, [this.kind, data.rowChecks(this.ctx), this.boxes, this.marks.node]);
      this.row = data.rowBody(this.ctx, this.boxes, { changed: () => this.refresh(), known, file: () => this.info?.source.file });
      this.flag = data.button("", () => this.deeds.toggleFlag());
      this.remove = data.button("", () => this.deeds.remove());
      this.back = data.button("", () => this.stepBack());
      this.revert = data.button("", () => this.revertRow());
      this.save = data.button("", () => this.deeds.save(), "primary");
      this.foot = el("div", { class: "ws-foot" }, [this.flag, this.remove, el("span", { class: "ws-spacer" }), this.back, this.revert, this.save]);
      const head = [this.title, this.tags, el("span", { class: "ws-spacer" }), this.keys, this.widen, this.previous, this.next];
      this.root.replaceChildren(el("section", { class: "ws-panel ws-editor" }, [el("div", { class: "ws-head" }, head), this.notice, this.body, this.foot]));
      this.setWide(this.remembersWide());
    }

    listen() {
      this.onKey = (event) => this.key(event);
      document.addEventListener("keydown", this.onKey);
      this.ctx.on("data:dataset", (info) => this.openDataset(info));
      this.ctx.on("data:row", (row) => {
        if (row) return this.openRow(row.id, row.row_id);
        return this.draft?.isNew ? null : this.show(null);
      });
      this.ctx.on("data:add", () => this.addRow());
      this.ctx.on("data:deleted", ({ id }) => this.drafts.forget(id));
      this.ctx.on("data:show_editor", () => this.root.scrollIntoView({ block: "start", behavior: "smooth" }));
      this.ctx.on("data:edit", () => this.row.focusFirst());
    }

    get isWide() {
      return this.root.classList.contains("ws-wide");
    }

    // Storage may be forbidden; then the editor begins narrow on every page.
    remembersWide() {
      try {
        return localStorage.getItem(WIDE) === "1";
      } catch {
        return false;
      }
    }

    setWide(wide) {
      try {
        localStorage.setItem(WIDE, wide ? "1" : "0");
      } catch {
        // see remembersWide()
      }
      this.root.classList.toggle("ws-wide", wide);
      this.widen.setAttribute("aria-pressed", String(wide));
    }

    // What is shown -----------------------------------------------------------------------------------------------

    openDataset(info) {
      const another = (info && info.id) !== (this.info && this.info.id);
      this.info = info;
      if (another) this.show(null);
      else this.refresh();
    }

    async openRow(datasetId, rowId) {
      const turn = ++this.asked;
      try {
        const row = await this.ctx.server.row({ id: datasetId, row_id: rowId });
        if (turn !== this.asked) return;
        const kept = this.drafts.find(datasetId, rowId);
        if (kept?.changed) Object.assign(kept.row, { position: row.position, tags: row.tags, split: row.split });
        this.show(kept?.changed ? kept : this.drafts.open(datasetId, rowId, row));
      } catch (error) {
        if (turn !== this.asked) return;
        this.show(null);
        this.ctx.toast(error.message, "bad");
      }
    }

    addRow(kind) {
      if (!this.info) return;
      this.asked += 1;
      const { id } = this.info;
      const kept = this.drafts.find(id, data.newRowId);
      this.show(kept && !kind ? kept : this.drafts.open(id, data.newRowId, this.emptyRow(kind || this.info.kind), true));
      this.row.focusFirst();
    }

    emptyRow(kind) {
      return { record: data.emptyRecord(kind), kind, split: null, revision: null, position: null, tags: [] };
    }

    // A new row that holds words already is asked about: its boxes do not fit another kind.
    async changeKind(kind) {
      if (this.draft.changed && !(await this.ctx.confirm("data.new_kind", {}))) {
        this.kind.value = this.draft.row.kind;
        return;
      }
      this.addRow(kind);
    }

    show(draft) {
      this.draft = draft;
      this.drafts.sweep(draft);
      this.root.dataset.dataset = draft ? draft.datasetId : "";
      this.root.dataset.row = draft ? String(draft.rowId) : "";
      this.root.dataset.revision = draft ? String(draft.row.revision) : "";
      this.body.scrollTop = 0;
      this.redraw(null);
    }

    // Draws the boxes anew; `problem` is what is wrong with the shown row, or null.
    redraw(problem) {
      this.problem = problem;
      this.renderNotice();
      this.renderBody();
      this.refresh();
    }

    renderBody() {
      const { say } = this.ctx;
      this.kind.hidden = !this.draft?.isNew;
      this.marks.draw(this.draft);
      if (!this.draft) {
        const key = this.info ? (this.info.rows ? "data.editor_empty" : "data.editor_no_rows") : "data.editor_no_dataset";
        const first = this.info && !this.info.rows ? data.button(say("data.row_add"), () => this.addRow(), "primary") : null;
        this.boxes.replaceChildren(el("div", { class: "ws-empty" }, [el("p", { text: say(key) }), first]));
        return;
      }
      const { kind } = this.draft.row;
      this.kind.replaceChildren(...data.kindsFor(kind).map((one) => el("option", { text: say(`data.kind.${one}`), attrs: { value: one } })));
      this.row.draw(this.draft);
    }

    renderNotice() {
      const { say } = this.ctx;
      this.notice.replaceChildren();
      if (!this.problem) return;
      const box = data.problem(this.problem);
      const deeds = [];
      if (this.problem.code === "EditConflict") deeds.push(data.button(say("data.conflict_compare"), () => this.deeds.settle()));
      if (this.problem.code === "NotYours" && !this.draft.isNew) deeds.push(data.button(say("data.row_add_again"), () => this.keepAsNew()));
      if (deeds.length) box.append(el("div", { class: "ws-actions" }, deeds));
      this.notice.append(box);
    }

    // Everything that depends on whether the draft is changed, without touching the boxes.
    refresh() {
      const { draft, info } = this;
      const { say } = this.ctx;
      const changed = Boolean(draft?.changed);
      if (!draft) this.title.textContent = say("data.editor_title");
      else this.title.textContent = draft.isNew ? say("data.row_new") : say("data.row_title", { number: draft.row.position });
      this.keys.textContent = data.editorKeys(say);
      this.keys.hidden = !draft;
      const flagged = data.isFlagged(draft);
      const tags = [];
      if (flagged) tags.push(el("span", { class: "ws-tag ws-tag-warn", text: say("data.flagged") }));
      if (changed) tags.push(el("span", { class: "ws-tag ws-tag-warn", text: say("data.unsaved"), attrs: { "data-unsaved": "" } }));
      this.tags.replaceChildren(...tags);
      this.save.disabled = !changed;
      this.revert.hidden = !changed && !draft?.isNew;
      this.back.hidden = !draft?.canStepBack;
      this.remove.disabled = this.flag.disabled = !draft || draft.isNew;
      this.flag.textContent = say(flagged ? "data.unflag" : "data.flag");
      this.flag.setAttribute("aria-pressed", String(flagged));
      this.previous.disabled = this.next.disabled = this.widen.disabled = !draft;
      this.foot.hidden = !draft;
      data.unsavedRows = info ? this.drafts.changedRows(info.id) : [];
      whetstone.send("data:drafts", { rows: data.unsavedRows });
      whetstone.send("data:record", draft && this.recordNow());
    }

    // The row as it stands in the boxes, for whoever shows it in another way.
    recordNow() {
      const { datasetId, rowId, record } = this.draft;
      return { key: `${datasetId}/${rowId}`, record, text: JSON.stringify(record) };
    }

    relabel() {
      const { say } = this.ctx;
      const named = { back: "step_back", remove: "row_delete", revert: "revert", save: "row_save" };
      for (const [name, key] of Object.entries(named)) this[name].textContent = say(`data.${key}`);
      this.back.title = say("data.step_back_why");
      this.kind.setAttribute("aria-label", say("data.new_kind"));
      this.keys.title = say("data.keys_title");
      for (const [button, key] of [[this.previous, "row_previous"], [this.next, "row_next"], [this.widen, "editor_wide"]]) {
        button.title = say(`data.${key}`);
        button.setAttribute("aria-label", button.title);
      }
      this.redraw(this.problem);
    }

    // What changes the draft --------------------------------------------------------------------------------------

    revertRow() {
      if (this.draft.isNew) {
        this.drafts.drop(this.draft);
        this.show(null);
        return;
      }
      this.draft.revert();
      this.redraw(null);
    }

    stepBack() {
      if (this.draft?.stepBack()) this.redraw(null);
    }

    keepAsNew() {
      this.drafts.makeNew(this.draft);
      this.show(this.draft);
    }

    // A key: see editor_keys.js.
    key(event) {
      if (this.root.offsetParent === null || document.querySelector("dialog[open]")) return;
      const deed = data.deedOfKey(event);
      if (!deed || (deed === "out" && !this.root.contains(event.target))) return;
      const deeds = {
        save: () => this.deeds.save(),
        previous: () => whetstone.send("data:move", { by: -1 }),
        next: () => whetstone.send("data:move", { by: 1 }),
        delete: () => !this.remove.disabled && this.deeds.remove(),
        flag: () => !this.flag.disabled && this.deeds.toggleFlag(),
        add: () => this.addRow(),
        out: () => whetstone.send("data:focus", {}),
        help: () => data.showKeys(this.ctx.say),
      };
      if (["previous", "next"].includes(deed) && !this.draft) return;
      event.preventDefault();
      Promise.resolve(deeds[deed]()).catch(whetstone.report);
    }

    redrawNotice(problem) {
      this.problem = problem;
      this.renderNotice();
      this.refresh();
    }

    destroy() {
      document.removeEventListener("keydown", this.onKey);
      this.drafts.close();
    }
  }

  whetstone.widget("editor", (root, ctx) => {
    const editor = new Editor(root, ctx);
    return { language: () => editor.relabel(), destroy: () => editor.destroy() };
  });
})();
