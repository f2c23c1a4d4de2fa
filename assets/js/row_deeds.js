// What the editor does to the dataset: saves, adds, deletes, tags and flags the open row, and settles a conflict.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});

  // The first text that holds half a letter: such a text is no Unicode and could not be stored as it is.
  const brokenText = (value, path = "") => {
    if (typeof value === "string") return value.isWellFormed() ? null : path || "text";
    if (value === null || typeof value !== "object") return null;
    for (const [name, inner] of Object.entries(value)) {
      const found = brokenText(inner, Array.isArray(value) ? `${path}[${name}]` : path ? `${path}.${name}` : name);
      if (found) return found;
    }
    return null;
  };

  class RowDeeds {
    constructor(editor) {
      this.editor = editor;
      this.ctx = editor.ctx;
    }

    get draft() {
      return this.editor.draft;
    }

    // What keeps a row from being sent at all, in the words of a refused save; null if nothing.
    problemBefore(draft) {
      const { say } = this.ctx;
      if (draft.typed.size) return { code: "JsonUnreadable", message: say("data.json_unread", { place: [...draft.typed.keys()].join(", ") }), hint: say("data.json_unread_hint") };
      const broken = brokenText(draft.record);
      return broken && { code: "TextBroken", message: say("data.text_broken", { place: broken }), hint: say("data.text_broken_hint") };
    }

    async save() {
      const { editor } = this;
      if (editor.save.disabled) return;
      const sent = this.draft;
      const before = this.problemBefore(sent);
      if (before) return editor.redrawNotice(before);
      editor.save.disabled = true;
      const text = JSON.stringify(sent.record);
      const argument = { id: sent.datasetId, record: JSON.parse(text), deed: this.deedOf(sent, text) };
      try {
        const row = sent.isNew
          ? await this.ctx.server.add_row(argument)
          : await this.ctx.server.save_row({ ...argument, row_id: sent.rowId, revision: sent.row.revision });
        this.saved(sent, text, row);
      } catch (error) {
        if (!error?.code) throw error;
        if (this.draft !== sent) return this.ctx.toast(error.message, "bad");
        editor.redrawNotice(error);
        if (error.code === "EditConflict") await this.settle();
      }
    }

    // The same text sent again, after an answer that was lost, is the same deed: it is never done twice.
    deedOf(draft, text) {
      const what = `${draft.row.revision} ${text}`;
      if (draft.attempt?.what !== what) draft.attempt = { what, deed: this.ctx.deed() };
      return draft.attempt.deed;
    }

    // The boxes stay as they are, so that text typed (or composed) while the answer was on its way is kept.
    saved(sent, text, row) {
      const { editor } = this;
      const wasNew = sent.isNew;
      const typedOn = sent.typed.size > 0 || JSON.stringify(sent.record) !== text;
      sent.attempt = null;
      editor.drafts.settle(sent, row, typedOn);
      this.ctx.toast(this.ctx.say(wasNew ? "data.row_added" : "data.row_saved", { number: row.position }), "good");
      whetstone.send("data:changed", { id: sent.datasetId, row_id: row.row_id, position: row.position });
      if (this.draft !== sent) return;
      editor.root.dataset.row = String(row.row_id);
      editor.root.dataset.revision = String(row.revision);
      if (!typedOn && (wasNew || JSON.stringify(row.record) !== text)) editor.renderBody();
      editor.redrawNotice(null);
    }

    // The saved row is read again and shown beside what was typed here; whichever is chosen, the other stays in reach.
    async settle() {
      const { editor } = this;
      const mine = this.draft;
      const row = await this.ctx.server.row({ id: mine.datasetId, row_id: mine.rowId });
      const both = mine.typed.size || row.kind !== mine.row.kind ? null : data.joinChanges(JSON.parse(mine.ground), mine.record, row.record);
      const answer = await data.askConflict(this.ctx, { kind: row.kind, number: row.position, mine: mine.record, theirs: row.record, both });
      if (!answer || this.draft !== mine) return;
      mine.mark();
      mine.take(row, answer !== "theirs");
      if (answer === "both") mine.record = both;
      editor.redraw(null);
      if (answer === "theirs") this.ctx.toast(this.ctx.say("data.conflict_kept"));
      else if (mine.changed) await this.save();
    }

    async remove() {
      const { editor } = this;
      const gone = this.draft;
      const { position } = gone.row;
      if (gone.changed && !(await this.confirmLoss(position))) return;
      await data.once(editor.remove, async () => {
        try {
          await this.ctx.server.delete_row({ id: gone.datasetId, row_id: gone.rowId, revision: gone.row.revision, deed: this.ctx.deed() });
        } catch (error) {
          if (error?.code !== "EditConflict") throw error;
          return this.lookAgain(gone, error);
        }
        editor.drafts.drop(gone);
        this.ctx.toast(this.ctx.say("data.row_deleted", { number: position }));
        whetstone.send("data:changed", { id: gone.datasetId, gone: gone.rowId, position });
      }).finally(() => editor.refresh());
    }

    // The row that was to go is another one by now: it stays, and is shown as it stands.
    async lookAgain(draft, error) {
      const { editor } = this;
      if (draft.changed) return this.settle();
      await editor.openRow(draft.datasetId, draft.rowId);
      editor.redrawNotice({ code: "RowChanged", message: error.message, hint: this.ctx.say("data.not_deleted") });
    }

    confirmLoss(number) {
      const { say } = this.ctx;
      const body = [el("p", { text: say("data.delete_edited_words") })];
      return data.ask({ title: say("data.delete_edited_title", { number }), body, act: say("data.row_delete"), danger: true, done: () => true });
    }

    toggleFlag() {
      const flagged = data.isFlagged(this.draft);
      return data.once(this.editor.flag, () => this.tag(flagged ? [] : [data.FLAG], flagged ? [data.FLAG] : []));
    }

    // Tags are set at once; what is typed in the boxes waits for its own save.
    async tag(add, remove) {
      const { editor } = this;
      const { datasetId, rowId } = this.draft;
      const tagged = this.draft;
      const row = await this.ctx.server.tag_row({ id: datasetId, row_id: rowId, add, remove, deed: this.ctx.deed() });
      // The mark must not look like somebody else's edit; a real one by somebody else still must.
      if (JSON.stringify(row.record) === tagged.ground) tagged.row.revision = row.revision;
      tagged.row.tags = row.tags;
      if (this.draft === tagged) {
        editor.root.dataset.revision = String(tagged.row.revision);
        editor.marks.draw(tagged);
      }
      editor.refresh();
      whetstone.send("data:changed", { id: datasetId, row_id: rowId, position: tagged.row.position });
    }
  }

  data.rowDeeds = (editor) => new RowDeeds(editor);
})();
