// The pair card: one prompt, two replies without names, one key a vote; the next pairs are here before they are needed.
(() => {
  "use strict";
  const { el } = whetstone;
  const preferences = (whetstone.preferences = whetstone.preferences || {});
  const HELD = 8; // pairs that this page has at hand, the shown one included
  const LOW = 4; // with fewer the next ones are asked for
  // A second press of the same hand is not a judgement of the pair that has just appeared.
  const LOCK_MS = 400;
  const LOOK_MS = 1500;
  const RENEW_MS = 60_000; // the app keeps a pair for a page three minutes without a word
  // What a vote adds to the numbers until the app has counted it: [votes, skipped, dpo, kto].
  const ADDS = { left: [1, 0, 1, 2], right: [1, 0, 1, 2], both_good: [1, 0, 0, 2], both_bad: [1, 0, 0, 2], skip: [0, 1, 0, 0] };
  const NAMES = ["votes", "skipped", "dpo", "kto"];

  class PairCard {
    constructor(root, ctx) {
      this.root = root;
      this.ctx = ctx;
      this.page = preferences.pageId();
      this.outbox = preferences.outbox(this.page, {
        send: (project, votes) => ctx.server.vote({ project, votes }),
        settled: (project, answer) => this.settled(project, answer),
        changed: () => this.renderState(),
      });
      this.card = preferences.card(ctx, { press: (name) => this.press(name), save: () => this.saveEdit(), cancel: () => this.endEdit() });
      this.side = preferences.side(ctx, { undoSkips: () => this.undoSkips() });
      this.root.replaceChildren(el("div", { class: "ws-pairs" }, [this.card.node, this.side.node]));
      this.unlisten = preferences.listen(() => this.isOn(), (name) => this.press(name));
      this.warn = (event) => this.isRewriting() && event.preventDefault();
      window.addEventListener("beforeunload", this.warn);
      this.forget(null);
      ctx.on("preferences:project", ({ info, person }) => this.open(info, person));
      ctx.every(LOOK_MS, () => this.look());
      whetstone.send("preferences:hello");
    }

    // Which project ----------------------------------------------------------------------------------------------------

    forget(info) {
      Object.assign(this, { info, queue: [], current: null, past: [], done: new Set(), counts: null, edit: null, asking: null });
      this.turn = (this.turn || 0) + 1;
    }

    open(info, person) {
      if (person) this.outbox.open(person);
      const same = info?.id === this.info?.id;
      if (!same) this.forget(info);
      else this.info = info;
      this.root.hidden = !info;
      this.root.dataset.project = info?.id || "";
      if (!info) return;
      if (!this.counts || !this.outbox.count) this.counts = info.counts;
      this.side.show(info);
      if (!same) this.render();
      else this.renderState();
      this.refill();
    }

    isOn() {
      return Boolean(this.info) && this.root.getClientRects().length > 0 && !document.querySelector("dialog[open], [popover]:popover-open:not(#ws-toasts)");
    }

    // Pairs to come ----------------------------------------------------------------------------------------------------

    look() {
      const isQuiet = performance.now() - this.askedAt > RENEW_MS;
      return this.info && (!this.current || isQuiet) ? this.refill(isQuiet) : null;
    }

    /** Asks for more while few are left. A page keeps the pairs whose votes are still on their way. */
    async refill(always = false) {
      if (!this.info || this.asking || (this.queue.length >= LOW && !always)) return;
      const { turn } = this;
      const { count } = this.outbox;
      this.askedAt = performance.now();
      const unsent = this.outbox.of(this.info.id).filter((vote) => vote.pair_id).map((vote) => vote.pair_id);
      const held = [...new Set([this.current, ...this.queue].filter(Boolean).map((pair) => pair.pair_id).concat(unsent))];
      this.asking = this.ctx.server.next({ project: this.info.id, page: this.page, held, want: HELD - this.queue.length });
      try {
        const { pairs, lost } = await this.asking;
        if (turn !== this.turn) return;
        // While something is on its way the app may not know yet that a pair is open again.
        if (!count && !this.outbox.count) this.drop(new Set(lost));
        const here = new Set([this.current, ...this.queue].filter(Boolean).map((pair) => pair.pair_id));
        this.queue.push(...pairs.filter(({ pair_id: id }) => !here.has(id) && !this.done.has(id)));
        if (!this.current) this.advance();
        else this.renderState();
      } catch (error) {
        if (turn !== this.turn || error?.code === "NoAnswer" || !error?.code) return; // the line under the bar says that the app is away
        whetstone.report(error);
      } finally {
        if (turn === this.turn) this.asking = null;
      }
    }

    /** Pairs that were judged elsewhere while this page was silent. What is being rewritten stays. */
    drop(lost) {
      this.queue = this.queue.filter((pair) => !lost.has(pair.pair_id));
      if (this.current && !this.edit && lost.has(this.current.pair_id)) this.show(this.queue.shift() || null);
    }

    advance() {
      this.show(this.queue.shift() || null);
      this.refill();
    }

    show(pair) {
      this.current = pair;
      this.edit = null;
      this.shownAt = performance.now();
      this.lockedUntil = pair ? this.shownAt + LOCK_MS : 0;
      this.render();
    }

    // Deeds ------------------------------------------------------------------------------------------------------------

    press(name) {
      if (!this.info) return;
      if (name === "help") preferences.help(this.ctx.say);
      else if (performance.now() < this.lockedUntil) return;
      else if (this.edit) this.chooseEdit(name);
      else if (name === "undo") this.undo();
      else if (!this.current || name === "cancel") return;
      else if (name === "edit") this.beginEdit();
      else this.vote(name);
    }

    vote(pressed, edited = null) {
      const pair = this.current;
      const vote = { id: this.ctx.deed(), pair_id: pair.pair_id, pressed, edited, seconds: (performance.now() - this.shownAt) / 1000 };
      this.past.push({ pair, vote });
      this.done.add(pair.pair_id);
      this.advance();
      this.outbox.add(this.info.id, vote);
    }

    /** What this page knows is undone at once; before that, the app is asked for the person's newest vote. */
    async undo() {
      const last = this.past.pop();
      if (last) {
        this.outbox.add(this.info.id, { id: this.ctx.deed(), pressed: "undo", undoes: last.vote.id, was: last.vote.pressed });
        this.bringBack(last.pair);
        return;
      }
      if (this.undoing || this.outbox.count) return;
      this.undoing = true;
      const turn = this.turn;
      try {
        const { pair, counts } = await this.ctx.server.undo_last({ project: this.info.id, page: this.page, id: this.ctx.deed() });
        if (turn !== this.turn) return;
        this.counts = counts;
        if (pair) this.bringBack(pair);
        else this.ctx.toast(this.ctx.say("preferences.nothing_to_undo"));
      } finally {
        this.undoing = false;
      }
    }

    bringBack(pair) {
      this.done.delete(pair.pair_id);
      this.queue = this.queue.filter((one) => one.pair_id !== pair.pair_id);
      if (this.current && this.current.pair_id !== pair.pair_id) this.queue.unshift(this.current);
      this.show(pair);
    }

    async undoSkips() {
      await this.ctx.server.offer_skipped({ project: this.info.id, deed: this.ctx.deed() });
      this.past = this.past.filter(({ pair, vote }) => vote.pressed !== "skip" || (this.done.delete(pair.pair_id), false));
      this.done = new Set(this.past.map(({ pair }) => pair.pair_id));
      whetstone.send("preferences:changed", { id: this.info.id });
      await this.refill();
    }

    // The better reply, made better: first which one it is, then its text.
    beginEdit() {
      this.edit = { side: null };
      this.render();
    }

    chooseEdit(name) {
      if (name === "edit" || name === "cancel") this.endEdit();
      else if (["left", "right"].includes(name) && !this.edit.side) {
        this.edit.side = name;
        this.render();
      }
    }

    endEdit() {
      if (!this.edit) return;
      this.edit = null;
      this.render();
    }

    isRewriting() {
      return Boolean(this.edit?.side) && this.card.editedText() !== this.current[this.edit.side];
    }

    saveEdit() {
      const { side } = this.edit;
      const text = this.card.editedText();
      if (!text.trim()) return this.ctx.toast(this.ctx.say("preferences.edit_empty"), "warning");
      this.vote(side, text === this.current[side] ? null : text);
    }

    // What came of the votes -------------------------------------------------------------------------------------------

    settled(project, answer) {
      if (answer.refused.length) this.ctx.toast(this.ctx.say("preferences.refused", { count: answer.refused.length }), "warning");
      if (project !== this.info?.id) return;
      if (answer.counts) this.counts = answer.counts;
      this.renderState();
      if (!this.outbox.count) whetstone.send("preferences:counts", { id: project, counts: this.counts });
    }

    /** The app's numbers and what is on its way. */
    numbers() {
      const counts = { ...this.counts };
      for (const vote of this.outbox.of(this.info.id)) {
        const sign = vote.pressed === "undo" ? -1 : 1;
        const what = vote.pressed === "undo" ? vote.was : vote.pressed;
        (ADDS[what] || []).forEach((by, place) => (counts[NAMES[place]] += sign * by));
        if (what === "left" || what === "right") counts[what] += sign;
      }
      return counts;
    }

    // Drawing ----------------------------------------------------------------------------------------------------------

    render() {
      if (!this.info) return;
      this.root.dataset.pair = this.current ? String(this.current.pair_id) : "";
      this.root.dataset.edit = this.edit ? this.edit.side || "choose" : "";
      this.card.show({ pair: this.current, info: this.info, edit: this.edit });
      this.renderState();
    }

    renderState() {
      if (!this.info || !this.counts) return;
      this.root.dataset.unsaved = String(this.outbox.count);
      this.card.showState({ unsaved: this.outbox.count, trying: this.outbox.tries > 0, info: this.info, isEmpty: !this.current, counts: this.numbers() });
      this.side.showCounts(this.numbers());
    }

    relabel() {
      this.card.relabel();
      if (!this.info) return;
      this.side.show(this.info);
      this.render();
    }

    destroy() {
      this.unlisten();
      window.removeEventListener("beforeunload", this.warn);
      this.outbox.close();
    }
  }

  whetstone.widget("pairs", (root, ctx) => {
    const card = new PairCard(root, ctx);
    return { language: () => card.relabel(), destroy: () => card.destroy() };
  });
})();
