// The rows that were made, one card each: accepted, changed and accepted, or put aside. Keys A, E, R and the arrows.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const STATES = ["open", "sifted", "rejected", "accepted"];

  class DecideList {
    constructor(ctx, info, counted) {
      Object.assign(this, { ctx, info, counted, state: "open", page: 1, told: null, turn: 0 });
      const { say } = ctx;
      this.progress = el("div", { class: "ws-making-progress", attrs: { role: "status" } });
      this.states = STATES.map((name) =>
        el("button", { class: "ws-link", attrs: { type: "button", "data-state": name }, on: { click: () => this.choose(name) } }));
      this.all = data.button("", () => data.once(this.all, () => this.acceptAll()), "small");
      this.none = data.button("", () => data.once(this.none, () => this.rejectAll()), "small");
      this.list = el("ol", { class: "ws-made", attrs: { "aria-label": say("making.view_decide") } });
      this.list.addEventListener("keydown", (event) => this.pressed(event));
      this.pager = el("div", { class: "ws-making-pager" });
      this.place = el("div", { class: "ws-place" });
      this.node = el("div", { class: "ws-form", attrs: { hidden: true } }, [
        this.progress,
        el("div", { class: "ws-making-bar" }, [el("div", { class: "ws-views" }, this.states), el("span", { class: "ws-spacer" }), this.none, this.all]),
        this.place, this.list, this.pager,
      ]);
    }

    isBusy() {
      const job = this.told?.job;
      return Boolean(job) && !data.hasEnded(job);
    }

    choose(state) {
      Object.assign(this, { state, page: 1 });
      return this.reload();
    }

    async reload() {
      const turn = ++this.turn;
      const told = await this.ctx.server.queue({ id: this.info.id, state: this.state, page: this.page });
      if (turn !== this.turn) return told;
      this.told = told;
      this.page = told.page;
      this.render();
      return told;
    }

    render() {
      const { say } = this.ctx;
      const { counts, rows, page, pages } = this.told;
      this.counted(counts);
      this.states.forEach((node) => {
        node.textContent = say(`making.state_${node.dataset.state}`, { count: counts[node.dataset.state] });
        node.setAttribute("aria-pressed", String(node.dataset.state === this.state));
      });
      this.all.hidden = this.none.hidden = this.state !== "open" || counts.open < 2;
      this.all.textContent = say("making.accept_all", { count: counts.open });
      this.none.textContent = say("making.reject_all", { count: counts.open });
      this.renderProgress();
      const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.id : null;
      const editing = this.list.querySelector("[data-editing]");
      if (editing && rows.some((row) => String(row.id) === editing.dataset.id)) return; // what is being typed stays
      this.list.replaceChildren(...rows.map((row) => this.card(row)));
      if (!rows.length) this.list.append(el("li", { class: "ws-empty", text: say(`making.empty_${this.state}`) }));
      if (focused) (this.list.querySelector(`[data-id="${focused}"]`) || this.list.querySelector("[data-id]"))?.focus();
      const turned = (to, key) => data.button(say(key), () => { this.page = to; this.reload(); }, "small");
      this.pager.replaceChildren(...(pages > 1 ? [
        page > 1 ? turned(page - 1, "making.page_before") : null,
        el("span", { class: "ws-key", text: say("making.page_of", { page, pages }) }),
        page < pages ? turned(page + 1, "making.page_after") : null,
      ].filter(Boolean) : []));
    }

    renderProgress() {
      const { say } = this.ctx;
      const { job, trouble } = this.told;
      this.progress.replaceChildren();
      if (trouble) this.progress.append(data.problem(trouble));
      if (!job) return;
      const { tried, passed, total } = job;
      if (this.isBusy()) {
        const bar = el("progress", { attrs: { "aria-label": say("making.making"), max: String(total) } });
        bar.value = job.how === "template" ? tried : passed;
        const stop = data.button(say("making.stop"), () => this.ctx.server.stop({ id: this.info.id }), "small");
        this.progress.append(bar, el("span", { class: "ws-key", text: say("making.going", { tried, passed, total }) }), stop);
        return;
      }
      this.progress.append(el("span", { class: "ws-key", text: say("making.went", { tried, passed }) }));
      if (job.how === "model" && tried >= 5 && passed < 0.3 * tried) this.progress.append(el("p", { class: "ws-warn-words", text: say("making.too_small", { tried, passed }) }));
    }

    card(row) {
      const { say } = this.ctx;
      const tags = row.problems.map((text) => el("span", { class: "ws-tag ws-tag-warn", text }));
      const facts = el("div", { class: "ws-made-facts" }, [el("span", { class: "ws-fine", text: this.origin(row) }), ...tags]);
      const acts = el("div", { class: "ws-made-acts" }, this.acts(row).map(([key, act, kind]) => {
        const button = data.button(say(`making.${key}`), () => data.once(button, act), kind || "small");
        button.dataset.act = key;
        return button;
      }));
      return el("li", { class: "ws-made-card", attrs: { tabindex: "0", "data-id": String(row.id) } }, [data.madeTexts(row), facts, acts]);
    }

    acts(row) {
      if (row.state === "accepted") return [["show", () => this.showRow(row)]];
      const accept = ["accept", () => this.decide("accept", row)];
      const edit = ["edit", () => this.edit(row)];
      if (row.state === "open") return [accept, edit, ["reject", () => this.decide("reject", row)]];
      return [accept, edit, ["reopen", () => this.decide("reopen", row)]];
    }

    origin({ origin, similarity }) {
      const { say } = this.ctx;
      const like = similarity ? say("making.like", { share: Math.round(100 * similarity) }) : "";
      if (origin.how === "template") return whetstone.sentences(say("making.from_template", { values: Object.values(origin.filled).join(" · ") }));
      return whetstone.sentences(say("making.from_model", { model: origin.model, rows: origin.seeds.length }), like);
    }

    async guarded(act) {
      this.place.replaceChildren();
      try {
        await act();
      } catch (error) {
        if (!error?.code) throw error;
        this.place.replaceChildren(data.problem(error));
        return false;
      }
      await this.reload();
      return true;
    }

    changed() {
      whetstone.send("data:changed", { id: this.info.id });
    }

    async decide(what, row, edited) {
      const ids = [row.id];
      const card = this.list.querySelector(`[data-id="${row.id}"]`);
      const next = card?.nextElementSibling || card?.previousElementSibling;
      const had = this.list.contains(document.activeElement);
      card?.removeAttribute("data-editing");
      const isDone = await this.guarded(() => this.ctx.server[what]({ id: this.info.id, ids, ...(what === "accept" ? { deed: this.ctx.deed(), edited: edited || null } : {}) }));
      if (!isDone) return;
      if (had) (this.list.querySelector(`[data-id="${next?.dataset.id}"]`) || this.list.querySelector("[data-id]"))?.focus();
      if (what === "accept") this.changed();
    }

    async acceptAll() {
      if (await this.guarded(() => this.ctx.server.accept({ id: this.info.id, ids: null, up_to: this.told.newest, deed: this.ctx.deed(), edited: null }))) this.changed();
    }

    rejectAll() {
      return this.guarded(() => this.ctx.server.reject({ id: this.info.id, ids: null, up_to: this.told.newest }));
    }

    edit(row) {
      const { say } = this.ctx;
      const card = this.list.querySelector(`[data-id="${row.id}"]`);
      const area = (name) => {
        const box = el("textarea", { class: "ws-input", attrs: { rows: "2", translate: "no", "data-field": name, "aria-label": say(`making.${name === "question" ? "prompt" : "reply"}`) } });
        box.value = row[name];
        return box;
      };
      const [question, reply] = [area("question"), area("reply")];
      const save = data.button(say("making.accept"), () => data.once(save, () => this.decide("accept", row, { question: question.value, reply: reply.value })), "primary");
      const back = data.button(say("common.cancel"), () => { card.removeAttribute("data-editing"); this.render(); });
      card.dataset.editing = "1";
      card.replaceChildren(question, reply, el("div", { class: "ws-made-acts" }, [back, save]));
      question.focus();
    }

    showRow(row) {
      document.querySelector("dialog[open] .ws-foot .ws-btn")?.click();
      whetstone.send("data:filter", { row_ids: [row.row_id] });
    }

    pressed(event) {
      const card = event.target.closest("[data-id]");
      if (!card || event.target.tagName === "TEXTAREA" || event.isComposing || event.keyCode === 229 || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
      const by = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
      const act = { KeyA: "accept", KeyE: "edit", KeyR: "reject" }[event.code];
      const button = act && card.querySelector(`[data-act="${act}"]`);
      if (!by && !button) return;
      event.preventDefault();
      if (by) card[by]?.focus();
      else button.click();
    }
  }

  data.decideList = (ctx, info, counted) => new DecideList(ctx, info, counted);
})();
