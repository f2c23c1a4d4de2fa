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
      this.typed = new Map(); // where JSON is typed that cannot be read yet: its path → the text
      this.take(row);
    }

    // The saved state becomes the ground that `changed` compares with; the text stays where `keepText` says so.
    take(row, keepText) {
      this.row = row;
      this.ground = JSON.stringify(row.record);
      if (keepText) return;
      this.record = copy(row.record);
      this.typed = new Map();
    }

    get changed() {
      return this.typed.size > 0 || JSON.stringify(this.record) !== this.ground;
    }

    get state() {
      return JSON.stringify({ record: this.record, typed: [...this.typed] });
    }

    restore(state) {
      const { record, typed } = JSON.parse(state);
      this.record = record;
      this.typed = new Map(typed);
    }

    // Remembers the state before a change, once however often it is asked for the same state.
    mark() {
      const now = this.state;
      if (this.history[this.history.length - 1] !== now) this.history.push(now);
    }

    get canStepBack() {
      const now = this.state;
      return this.history.some((state) => state !== now);
    }

    stepBack() {
      const now = this.state;
      while (this.history.length) {
        const before = this.history.pop();
        if (before !== now) {
          this.restore(before);
          return true;
        }
      }
      return false;
    }

    revert() {
      this.mark();
      this.record = JSON.parse(this.ground);
      this.typed = new Map();
    }

    // Text typed into a turn's JSON goes with the turn: at(index) says where a turn stands now, null where it is gone.
    moveTyped(section, at) {
      const place = new RegExp(`^${section}\\[(\\d+)\\](.*)$`);
      const moved = [...this.typed].flatMap(([path, text]) => {
        const found = place.exec(path);
        if (!found) return [[path, text]];
        const to = at(Number(found[1]));
        return to === null ? [] : [[`${section}[${to}]${found[2]}`, text]];
      });
      this.typed = new Map(moved);
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
      // A row that somebody deleted meanwhile: what was typed goes on as a row of its own.
      makeNew(draft) {
        all.delete(keyOf(draft.datasetId, draft.rowId));
        Object.assign(draft, { rowId: data.newRowId, isNew: true });
        draft.row = { ...draft.row, position: null, revision: null, split: null, tags: [] };
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
