// The detail editor: one row as boxes, saved by revision; what was typed stays until it is saved or reverted.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const onMac = /Mac|iPhone|iPad/.test(navigator.platform);
  const isTyping = (event) => /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);

  class Editor {
    constructor(root, ctx) {
      this.root = root;
      this.ctx = ctx;
      this.drafts = data.drafts();
      this.info = null; // the open dataset, as the table says
      this.draft = null; // the draft of the row that is shown
      this.asked = 0; // counts row requests: an answer to an older one is dropped
      this.problem = null; // {code, message, hint} of the last save of the shown row
      this.build();
      this.listen();
      this.relabel();
      const now = data.current || {};
      if (now.info) this.openDataset(now.info);
      if (now.row) this.openRow(now.row.id, now.row.row_id);
    }

    build() {
      const icon = (text, act) => el("button", { class: "ws-icon", text, attrs: { type: "button" }, on: { click: act } });
      this.title = el("span", { class: "ws-title" });
      this.tags = el("span", { class: "ws-tags" });
      this.keys = el("small", { class: "ws-hide-narrow" });
      this.previous = icon("‹", () => whetstone.send("data:move", { by: -1 }));
      this.next = icon("›", () => whetstone.send("data:move", { by: 1 }));
      this.notice = el("div", { class: "ws-editor-notice" });
      this.body = el("div", { class: "ws-body ws-editor-body" });
      this.undo = data.button("", () => this.stepBack());
      this.remove = data.button("", () => this.removeRow());
      this.revert = data.button("", () => this.revertRow());
      this.save = data.button("", () => this.saveRow(), "primary");
      this.foot = el("div", { class: "ws-foot" }, [this.undo, this.remove, el("span", { class: "ws-spacer" }), this.revert, this.save]);
      const head = [this.title, this.tags, el("span", { class: "ws-spacer" }), this.keys, this.previous, this.next];
      this.root.replaceChildren(el("section", { class: "ws-panel ws-editor" }, [el("div", { class: "ws-head" }, head), this.notice, this.body, this.foot]));
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
      this.ctx.on("data:edit", () => this.body.querySelector("textarea")?.focus());
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
        if (kept?.changed) kept.row.position = row.position;
        this.show(kept?.changed ? kept : this.drafts.open(datasetId, rowId, row));
      } catch (error) {
        if (turn !== this.asked) return;
        this.show(null);
        this.ctx.toast(error.message, "bad");
      }
    }

    addRow() {
      this.asked += 1;
      const { id, kind } = this.info;
      const row = { record: data.emptyRecord(kind), kind, split: null, revision: null, position: null };
      this.show(this.drafts.find(id, data.newRowId) || this.drafts.open(id, data.newRowId, row, true));
      this.focusTurn(data.sectionsOf(kind)[0], 0);
    }

    show(draft) {
      this.draft = draft;
      this.drafts.sweep(draft);
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
      if (!this.draft) {
        const key = this.info ? "data.editor_empty" : "data.editor_no_dataset";
        this.body.replaceChildren(el("div", { class: "ws-empty" }, [el("p", { text: this.ctx.say(key) })]));
        return;
      }
      const { row, record } = this.draft;
      const sections = data.sectionsOf(row.kind).filter((name) => Array.isArray(record[name]));
      this.body.replaceChildren(...sections.map((name) => this.renderSection(name, sections.length === 1)), this.renderOrigin(sections));
      data.growAll(this.body);
    }

    // Where the row came from, and what of it has no box.
    renderOrigin(sections) {
      const { row, record } = this.draft;
      const { say } = this.ctx;
      const more = Object.fromEntries(Object.entries(record).filter(([name]) => !sections.includes(name)));
      return el("div", { class: "ws-origin" }, [
        row.meta?.row ? el("span", { class: "ws-key", text: say("data.row_origin", { row: row.meta.row }) }) : null,
        data.renderFields(more, say("data.row_more")),
        data.renderFields(row.meta?.fields || {}, say("data.row_aside")),
      ]);
    }

    renderSection(section, alone) {
      const { say } = this.ctx;
      const deeds = this.deeds(section);
      const add = data.button(say("data.turn_add"), () => deeds.add(), "small");
      const tone = { chosen: "ws-tag ws-tag-good", rejected: "ws-tag ws-tag-bad" }[section] || "ws-tag";
      const head = el("div", { class: "ws-section-head" }, [el("span", { class: tone, text: say(`data.section.${section}`) }), el("span", { class: "ws-spacer" }), add]);
      const turns = data.renderTurns(section, this.draft.record[section], say, deeds);
      return el("div", { class: "ws-section", attrs: { "data-name": section } }, alone ? [...turns, add] : [head, ...turns]);
    }

    renderNotice() {
      this.notice.replaceChildren();
      if (!this.problem) return;
      const box = data.problem(this.problem);
      if (this.problem.code === "EditConflict") {
        const take = data.button(this.ctx.say("data.take_saved"), () => this.afterConflict(false));
        const keep = data.button(this.ctx.say("data.keep_mine"), () => this.afterConflict(true));
        box.append(el("div", { class: "ws-actions" }, [take, keep]));
      }
      this.notice.append(box);
    }

    // Everything that depends on whether the draft is changed, without touching the boxes.
    refresh() {
      const { draft, info } = this;
      const { say } = this.ctx;
      const changed = Boolean(draft?.changed);
      if (!draft) this.title.textContent = say("data.editor_title");
      else this.title.textContent = draft.isNew ? say("data.row_new") : say("data.row_title", { number: draft.row.position });
      this.keys.textContent = draft ? say(onMac ? "data.editor_keys_mac" : "data.editor_keys") : "";
      const tags = [];
      if (draft?.row.split) tags.push(el("span", { class: "ws-tag", text: say(`data.split.${draft.row.split}`) }));
      if (changed) tags.push(el("span", { class: "ws-tag ws-tag-warn", text: say("data.unsaved"), attrs: { "data-unsaved": "" } }));
      this.tags.replaceChildren(...tags);
      this.save.disabled = !changed;
      this.revert.disabled = !changed && !draft?.isNew;
      this.remove.disabled = !draft || draft.isNew;
      this.undo.disabled = !draft?.canStepBack && !info?.can_undo;
      this.previous.disabled = this.next.disabled = !draft;
      this.foot.hidden = !draft && !info?.can_undo;
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
      const named = { undo: "undo", remove: "row_delete", revert: "revert", save: "row_save" };
      for (const [name, key] of Object.entries(named)) this[name].textContent = say(`data.${key}`);
      for (const [button, key] of [[this.previous, "row_previous"], [this.next, "row_next"]]) {
        button.title = say(`data.${key}`);
        button.setAttribute("aria-label", button.title);
      }
      this.redraw(this.problem);
    }

    focusTurn(section, index) {
      this.body.querySelector(`[data-section="${section}"][data-index="${index}"] textarea`)?.focus();
    }

    // What changes the draft --------------------------------------------------------------------------------------

    deeds(section) {
      const { draft } = this;
      const turns = () => draft.record[section];
      const reshape = (change, focus) => {
        draft.mark();
        change(turns());
        this.renderBody();
        this.refresh();
        if (focus != null) this.focusTurn(section, focus);
      };
      return {
        begin: () => draft.mark(),
        text: (index, value) => {
          turns()[index].content = value;
          this.refresh();
        },
        role: (index, role) => reshape((list) => (list[index].role = role)),
        move: (index, by) => reshape((list) => list.splice(index + by, 0, ...list.splice(index, 1)), index + by),
        remove: (index) => reshape((list) => list.splice(index, 1), Math.max(0, index - 1)),
        add: () => reshape((list) => list.push({ role: data.nextRole(section, list), content: "" }), turns().length),
      };
    }

    revertRow() {
      if (this.draft.isNew) {
        this.drafts.drop(this.draft);
        this.show(null);
        return;
      }
      this.draft.revert();
      this.redraw(null);
    }

    // First the steps of the unsaved draft, then the saved changes of the dataset, newest first.
    async stepBack() {
      if (this.draft?.stepBack()) {
        this.redraw(null);
        return;
      }
      const { id } = this.info;
      await data.once(this.undo, async () => {
        const undone = await this.ctx.server.undo({ id, deed: this.ctx.deed() });
        this.ctx.toast(this.ctx.say(`data.undone.${undone.kind}`, { number: undone.position }));
        whetstone.send("data:changed", { id, row_id: undone.row_id, position: undone.position, undone: true });
      }).finally(() => this.refresh());
    }

    // What changes the dataset ------------------------------------------------------------------------------------

    async saveRow() {
      if (this.save.disabled) return;
      const sent = this.draft;
      this.save.disabled = true;
      const text = JSON.stringify(sent.record);
      const argument = { id: sent.datasetId, record: JSON.parse(text), deed: this.ctx.deed() };
      try {
        const row = sent.isNew
          ? await this.ctx.server.add_row(argument)
          : await this.ctx.server.save_row({ ...argument, row_id: sent.rowId, revision: sent.row.revision });
        this.saved(sent, text, row);
      } catch (error) {
        if (!error?.code) throw error;
        if (this.draft === sent) this.redrawNotice(error);
        else this.ctx.toast(error.message, "bad");
      }
    }

    redrawNotice(problem) {
      this.problem = problem;
      this.renderNotice();
      this.refresh();
    }

    // The boxes stay as they are, so that text typed (or composed) while the answer was on its way is kept.
    saved(sent, text, row) {
      const wasNew = sent.isNew;
      const typedOn = JSON.stringify(sent.record) !== text;
      this.drafts.settle(sent, row, typedOn);
      this.ctx.toast(this.ctx.say(wasNew ? "data.row_added" : "data.row_saved", { number: row.position }), "good");
      whetstone.send("data:changed", { id: sent.datasetId, row_id: row.row_id, position: row.position });
      if (this.draft !== sent) return;
      this.root.dataset.row = String(row.row_id);
      this.root.dataset.revision = String(row.revision);
      if (!typedOn && JSON.stringify(row.record) !== text) this.renderBody();
      this.redrawNotice(null);
    }

    // The saved row is read again; either way both texts stay reachable through Undo.
    async afterConflict(keepMine) {
      const mine = this.draft;
      const row = await this.ctx.server.row({ id: mine.datasetId, row_id: mine.rowId });
      mine.mark();
      mine.take(row, keepMine);
      this.redraw(null);
      if (keepMine) this.saveRow();
    }

    async removeRow() {
      const gone = this.draft;
      const { position } = gone.row;
      if (gone.changed && !(await this.confirmLoss(position))) return;
      await data.once(this.remove, async () => {
        await this.ctx.server.delete_row({ id: gone.datasetId, row_id: gone.rowId, deed: this.ctx.deed() });
        this.drafts.drop(gone);
        this.ctx.toast(this.ctx.say("data.row_deleted", { number: position }));
        whetstone.send("data:changed", { id: gone.datasetId, gone: gone.rowId, position });
      }).finally(() => this.refresh());
    }

    confirmLoss(number) {
      const { say } = this.ctx;
      const body = [el("p", { text: say("data.delete_edited_words") })];
      return data.ask({ title: say("data.delete_edited_title", { number }), body, act: say("data.row_delete"), danger: true, done: () => true });
    }

    key(event) {
      if (event.isComposing || event.keyCode === 229 || this.root.offsetParent === null) return;
      if (document.querySelector("dialog[open]")) return;
      const control = event.ctrlKey || event.metaKey;
      const by = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 }[event.key];
      if (control && event.key.toLowerCase() === "s") {
        event.preventDefault();
        this.saveRow();
      } else if (control && !event.shiftKey && event.key.toLowerCase() === "z" && !isTyping(event)) {
        event.preventDefault();
        if (!this.undo.disabled) this.stepBack();
      } else if (event.altKey && !control && by && this.draft) {
        // On a Mac, Option with left and right moves by words inside a text.
        if (onMac && isTyping(event) && /Left|Right/.test(event.key)) return;
        event.preventDefault();
        whetstone.send("data:move", { by });
      } else if (event.key === "Escape" && this.root.contains(event.target)) whetstone.send("data:focus", {});
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
