// Undo and redo of whatever was changed in the dataset: the buttons say what they will take back, the list what was done.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const isTyping = (event) => event.target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "checkbox";
  const WORDED = ["edit", "add", "delete", "held_out", "delete_rows", "tag_rows", "replace_text", "set_system", "move_rows", "fix_rows"];

  const shortened = (text) => (String(text).length > 40 ? `${String(text).slice(0, 39)}…` : String(text));

  /** What a change did, as one sentence: "“foo” replaced in 312 rows". */
  data.changeWords = (say, { action, details, rows, position }) => {
    const key = `data.change.${action}`;
    const values = { rows, number: position };
    for (const [name, value] of Object.entries(details || {})) values[name] = Array.isArray(value) ? shortened(value.join(", ")) : shortened(value ?? "");
    if (action === "move_rows") values.to = say(`data.split.${details.to}`);
    if (action === "tag_rows") return say(details.add.length ? (details.remove.length ? "data.change.tag_rows_both" : "data.change.tag_rows") : "data.change.tag_rows_off", values);
    if (action === "set_system" && !details.text.trim()) return say("data.change.set_system_off", values);
    return say(WORDED.includes(action) || whetstone.has(key) ? key : "data.change.rows", values);
  };

  class Steps {
    constructor(ctx) {
      this.ctx = ctx;
      this.info = null;
      this.next = { undo: null, redo: null };
      this.busy = false;
      const icon = (text, step) => el("button", { class: "ws-btn ws-takeback", text, attrs: { type: "button", "data-step": step }, on: { click: () => this.take(step) } });
      this.undo = icon("↶", "undo");
      this.redo = icon("↷", "redo");
      this.node = el("span", { class: "ws-steps" }, [this.undo, this.redo]);
      this.onKey = (event) => this.key(event);
      document.addEventListener("keydown", this.onKey);
      ctx.on("data:history", () => this.showHistory());
      this.draw();
    }

    async open(info) {
      this.info = info;
      if (info) await this.refresh();
      else this.draw();
    }

    async refresh() {
      const { info } = this;
      if (!info) return;
      const next = await this.ctx.server.steps({ id: info.id });
      if (info.id !== this.info?.id) return;
      this.next = next;
      this.draw();
    }

    draw() {
      const { say } = this.ctx;
      this.node.hidden = !this.info;
      for (const step of ["undo", "redo"]) {
        const change = this.next[step];
        const words = change ? say(`data.step.${step}_this`, { change: data.changeWords(say, change) }) : say(`data.step.${step}_nothing`);
        this[step].disabled = !change || this.busy;
        this[step].title = words;
        this[step].setAttribute("aria-label", words);
      }
    }

    // Takes the step that its button told of; where somebody was quicker, nothing is taken and the buttons tell anew.
    async take(step) {
      const change = this.next[step];
      if (!change || this.busy) return;
      const { id } = this.info;
      const { say, server } = this.ctx;
      this.busy = true;
      this.draw();
      try {
        const reply = await data.withProgress(this.ctx, say(`data.step.${step}_progress`), await server[step]({ id, deed: this.ctx.deed(), expected: change.change_id }));
        if (!reply) return;
        this.ctx.toast(say(`data.step.${step}_done`, { change: data.changeWords(say, change) }));
        // A step of one row shows that row, wherever it stands.
        const one = reply.row_id != null;
        whetstone.send("data:changed", { id, row_id: reply.row_id, position: reply.position, undone: one, many: !one });
      } finally {
        this.busy = false;
        await this.refresh();
      }
    }

    key(event) {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.isComposing || isTyping(event)) return;
      if (this.node.offsetParent === null || document.querySelector("dialog[open]")) return;
      const letter = event.key.toLowerCase();
      const step = letter === "z" ? (event.shiftKey ? "redo" : "undo") : letter === "y" && !event.shiftKey ? "redo" : null;
      if (!step) return;
      event.preventDefault();
      this.take(step).catch(whetstone.report);
    }

    // Fifty changes at a time, the newest first; what is undone is struck through.
    async showHistory() {
      const { say, server } = this.ctx;
      const { id } = this.info;
      const list = el("ol", { class: "ws-history" });
      const more = data.button(say("data.history.more"), () => load(), "small");
      let before = null;
      const load = async () => {
        const found = await server.history({ id, before });
        before = found[found.length - 1]?.change_id ?? null;
        more.hidden = found.length < 50;
        list.append(...found.map((change) => this.drawChange(change)));
        if (!list.children.length) list.append(el("li", { class: "ws-key", text: say("data.history.none") }));
      };
      await load();
      await whetstone.dialog({ title: say("data.history.title"), body: [list, more], wide: true, actions: [{ label: say("common.close"), value: true, primary: true }] });
    }

    drawChange(change) {
      const { say } = this.ctx;
      const words = el(change.stands ? "span" : "del", { class: "ws-history-words", text: data.changeWords(say, change) });
      const who = el("span", { class: "ws-key", text: [change.person === "local" ? null : change.person, whetstone.time(change.time)].filter(Boolean).join(" · "), attrs: { translate: "no" } });
      return el("li", {}, [words, change.stands ? null : el("span", { class: "ws-tag", text: say("data.history.undone") }), el("span", { class: "ws-spacer" }), who]);
    }

    destroy() {
      document.removeEventListener("keydown", this.onKey);
    }
  }

  data.steps = (ctx) => new Steps(ctx);

  /** What a deed gave, or, where it was left to a job, what that job gives; null where the person has stopped it. */
  data.withProgress = async (ctx, title, reply) => {
    if (!reply.job_id) return reply;
    const bar = el("progress", { attrs: { "aria-label": title } });
    const words = el("span", { class: "ws-key", attrs: { role: "status" }, text: ctx.say("data.job_starting") });
    const body = el("div", { class: "ws-progress" }, [bar, words]);
    const asked = whetstone.dialog({ title, body: [body], actions: [{ label: ctx.say("data.bulk.stop"), value: "stop" }] });
    asked.then((answer) => answer !== "done" && !state && ctx.server.stop({ job_id: reply.job_id }));
    let state = null;
    const show = (now) => {
      words.textContent = data.progressWords(ctx.say, now);
      if (now.share == null) bar.removeAttribute("value");
      else bar.value = now.share;
    };
    try {
      state = await data.follow(ctx.server, reply.job_id, show);
    } finally {
      state = state || { status: "failed" };
      body.closest("dialog")?.close();
    }
    return state.status === "finished" ? state.summary : null;
  };
})();
