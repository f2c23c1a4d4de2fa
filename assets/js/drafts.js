// Unsaved edits: one draft per row, kept until it is saved or reverted, so that leaving a row loses nothing.
(() => {
  "use strict";
  const data = (whetstone.data = whetstone.data || {});
  const copy = (value) => JSON.parse(JSON.stringify(value));

  // row: what the service said {record, kind, revision, …}; isNew: a row that the dataset does not have yet.
  class Draft {
    constructor(datasetId, rowId, row, isNew) {
      this.datasetId = datasetId;
      this.rowId = rowId;
      this.isNew = isNew;
      this.history = [];
      this.take(row);
    }

    // The saved state becomes the ground that `changed` compares with; the text stays where `keepText` says so.
    take(row, keepText) {
      this.row = row;
      this.ground = JSON.stringify(row.record);
      if (!keepText) this.record = copy(row.record);
    }

    get changed() {
      return JSON.stringify(this.record) !== this.ground;
    }

    // Remembers the state before a change, once however often it is asked for the same state.
    mark() {
      const now = JSON.stringify(this.record);
      if (this.history[this.history.length - 1] !== now) this.history.push(now);
    }

    get canStepBack() {
      const now = JSON.stringify(this.record);
      return this.history.some((state) => state !== now);
    }

    stepBack() {
      const now = JSON.stringify(this.record);
      while (this.history.length) {
        const before = this.history.pop();
        if (before !== now) {
          this.record = JSON.parse(before);
          return true;
        }
      }
      return false;
    }

    revert() {
      this.mark();
      this.record = JSON.parse(this.ground);
    }
  }

  data.newRowId = "new";

  data.drafts = () => {
    const all = new Map();
    const keyOf = (datasetId, rowId) => `${datasetId}/${rowId}`;
    const warn = (event) => {
      if (![...all.values()].some((draft) => draft.changed)) return;
      event.preventDefault();
      event.returnValue = "";
    };
    window.addEventListener("beforeunload", warn);
    return {
      find: (datasetId, rowId) => all.get(keyOf(datasetId, rowId)),
      open(datasetId, rowId, row, isNew) {
        const draft = new Draft(datasetId, rowId, row, Boolean(isNew));
        all.set(keyOf(datasetId, rowId), draft);
        return draft;
      },
      // What was saved becomes the draft's ground; its steps back belong to the dataset's own undo from here on.
      settle(draft, row, keepText) {
        all.delete(keyOf(draft.datasetId, draft.rowId));
        Object.assign(draft, { rowId: row.row_id, isNew: false, history: [] });
        draft.take(row, keepText);
        all.set(keyOf(draft.datasetId, draft.rowId), draft);
      },
      forget(datasetId) {
        for (const [key, draft] of all) if (draft.datasetId === datasetId) all.delete(key);
      },
      drop: (draft) => all.delete(keyOf(draft.datasetId, draft.rowId)),
      // Drafts without a change are forgotten, so that the map holds only what a person would miss.
      sweep(keep) {
        for (const [key, draft] of all) if (draft !== keep && !draft.changed) all.delete(key);
      },
      changedRows: (datasetId) => [...all.values()].filter((d) => d.datasetId === datasetId && d.changed).map((d) => d.rowId),
      close: () => window.removeEventListener("beforeunload", warn),
    };
  };
})();
