// The Guide: the steps of the loop with what is done and what is next, and the lineage of the newest adapter.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const LOOK_MS = 2000;
  const NEWS = ["version:saved", "dataset:changed", "preferences:changed", "run:started", "run:ended"];
  const mine = { translate: "no" };

  // ---- what a step's button opens ----------------------------------------------------------------------------
  async function open(tab, widget, topic, asked) {
    whetstone.openTab(tab);
    if (topic) await whetstone.sendTo(widget, topic, asked);
  }

  const train = ({ version, ...more }) => data.trainOn(version, more);
  const project = (more) => ({ project: id }) => open("preferences", "projects", "preferences:open", { id, ...more });
  const OPENS = {
    open_data: ({ dataset: id }) => open("data", "table", id ? "data:open" : null, { id }),
    train,
    train_pairs: train,
    watch: ({ run: id }) => {
      whetstone.selectedRun = id;
      return open("train", "run", "run:selected", { id });
    },
    compare: ({ run }) => whetstone.send("compare:open", { run }),
    make_project: () => open("preferences", "projects"),
    open_project: project({}),
    vote: project({}),
    compile: project({ compile: true }),
    export: ({ adapter: id }) => open("export", "adapters", "adapter:choose", { id }),
  };

  class Guide {
    constructor(root, ctx) {
      Object.assign(this, { root, ctx, found: null, drawn: "", working: null });
      this.title = el("h2");
      this.place = el("small");
      this.toggle = el("button", { class: "ws-btn ws-btn-small", attrs: { type: "button" }, on: { click: () => this.hide() } });
      this.advice = el("button", { class: "ws-btn ws-btn-small", attrs: { type: "button" }, on: { click: () => whetstone.adviseTuning() } });
      this.words = el("p", { class: "ws-guide-words" });
      this.list = el("ol", { class: "ws-steps" });
      this.lineage = whetstone.lineage(OPENS, open);
      this.body = el("div", { class: "ws-guide-body" }, [this.words, this.list]);
      root.append(
        el("section", { class: "ws-panel ws-guide-steps" }, [
          el("div", { class: "ws-head" }, [this.title, this.place, el("span", { class: "ws-spacer" }), this.advice, this.toggle]), this.body,
        ]),
        this.lineage.root,
      );
      for (const topic of NEWS) ctx.on(topic, () => this.look());
      ctx.on("tab:shown", ({ tab }) => tab === "guide" && this.look());
      ctx.every(LOOK_MS, () => this.look());
    }

    async look() {
      this.found = await this.ctx.server.look({});
      this.draw();
    }

    async hide() {
      const hidden = !this.found.hidden;
      await data.once(this.toggle, async () => {
        await this.ctx.server.hide({ hidden });
        await this.look();
      });
    }

    // Drawing ----------------------------------------------------------------------------------------------------------

    draw() {
      if (!this.found) return;
      const now = JSON.stringify([this.found, this.working, whetstone.language]);
      if (now === this.drawn) return;
      this.drawn = now;
      const { say } = this.ctx;
      const { steps, hidden, lineage, is_new: isNew } = this.found;
      const at = steps.findIndex((step) => step.state === "now" || step.state === "running");
      const all = steps.every((step) => step.state === "done");
      this.root.dataset.step = all ? "end" : steps[Math.max(at, 0)].name;
      this.root.dataset.state = all ? "done" : steps[Math.max(at, 0)].state;
      this.title.textContent = say("guide.title");
      this.place.textContent = all ? say("guide.place_done", { total: steps.length }) : say("guide.place", { number: at + 1, total: steps.length });
      this.advice.textContent = say("advice.title");
      this.toggle.textContent = say(hidden ? "guide.show" : "guide.hide");
      this.list.hidden = hidden;
      this.words.textContent = hidden ? say("guide.hidden") : isNew ? say("guide.welcome") : all ? say("guide.round") : "";
      this.words.hidden = !this.words.textContent;
      const held = this.list.contains(document.activeElement) ? document.activeElement.dataset.act : null;
      this.list.replaceChildren(...(hidden ? [] : steps.map((step, index) => this.row(step, index))));
      if (held) this.list.querySelector(`[data-act="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
      this.lineage.show(lineage);
    }

    row(step, index) {
      const { say } = this.ctx;
      const mark = step.state === "done" ? "✓" : String(index + 1);
      const detail = step.detail && say(`guide.detail.${step.detail.code}`, step.detail.values);
      const busy = this.working && this.working.step === step.name ? this.working.words : null;
      const tag = { done: " ws-tag-good", running: " ws-tag-warn", now: " ws-tag-now" }[step.state] || "";
      return el("li", { class: `ws-step ws-step-${step.state}`, attrs: { "data-name": step.name, "data-state": step.state, "aria-current": step.state === "now" ? "step" : null } }, [
        el("span", { class: "ws-step-mark", text: mark, attrs: { "aria-hidden": "true" } }),
        el("div", { class: "ws-step-words" }, [
          el("div", { class: "ws-step-line" }, [el("h3", { text: say(`guide.step.${step.name}.title`) }), el("span", { class: `ws-tag${tag}`, text: say(`guide.state.${step.state}`) })]),
          step.state === "done" && detail ? null : el("p", { text: say(`guide.step.${step.name}.why`) }), // what came of it says more
          busy || detail ? el("p", { class: "ws-key", text: busy || detail, attrs: { role: busy ? "status" : null } }) : null,
        ]),
        el("div", { class: "ws-step-acts" }, this.buttons(step)),
      ]);
    }

    /** One deed, the accent where it is the next one. */
    buttons(step) {
      const { say } = this.ctx;
      if (!step.action || (this.working && this.working.step === step.name)) return [];
      const { name, asked } = step.action;
      const act = data.button(say(`guide.act.${name}`, asked), () => data.once(act, () => this.press(step)), step.state === "now" ? "primary" : "small");
      act.dataset.act = step.name;
      if (name === "load_sample") return [act, data.button(say("guide.own_data"), () => open("data", "report", "data:import", {}))];
      if (name === "take_labels") return [act, data.button(say("guide.act.vote"), () => OPENS.vote(asked))];
      return [act];
    }

    // Deeds ------------------------------------------------------------------------------------------------------------

    async press(step) {
      const { name, asked } = step.action;
      if (name in OPENS) return OPENS[name](asked);
      if (name === "take_labels") return this.takeLabels(asked);
      try {
        if (name === "load_sample") await this.loadSample();
        else await this.saveVersion(asked.dataset);
      } finally {
        this.work(null);
        await this.look();
      }
    }

    work(words) {
      this.working = words && { step: "data", words };
      this.draw();
    }

    /** Where the page is closed meanwhile the import goes on, and the guide asks for the version at its return. */
    async loadSample() {
      const { server, say, toast, deed } = this.ctx;
      this.work(say("guide.loading"));
      const state = await data.follow(server, await server.load_sample({ deed: deed() }), (now) => this.work(whetstone.sentences(say("guide.loading"), data.progressWords(say, now))));
      if (state.status !== "finished") return;
      whetstone.send("dataset:changed", { id: state.result });
      whetstone.send("preferences:changed", {});
      if (await this.saveVersion(state.result)) toast(say("guide.sample_loaded", { rows: state.summary.rows }), "good");
    }

    async saveVersion(id) {
      const { server, say, deed } = this.ctx;
      this.work(say("guide.saving"));
      const state = await data.follow(server, await server.save_version({ deed: deed(), dataset: id }), () => {});
      whetstone.send("version:saved", { id });
      return state.status === "finished";
    }

    async takeLabels({ project: id }) {
      const count = await this.ctx.server.take_labels({ project: id });
      this.ctx.toast(this.ctx.say("guide.labels_taken", { count }), "good");
      whetstone.send("preferences:changed", { id });
      await this.look();
    }
  }

  // ---- the chain of the newest adapter -----------------------------------------------------------------------
  whetstone.lineage = (opens, openTab) => {
    const { say } = whetstone;
    const title = el("h2"), count = el("small"), body = el("div", { class: "ws-body ws-lineage" });
    const root = el("section", { class: "ws-panel ws-lineage-panel" }, [el("div", { class: "ws-head" }, [title, count]), body]);
    const OF_PART = {
      dataset: (id) => opens.open_data({ dataset: id }),
      project: (id) => opens.open_project({ project: id }),
      run: (id) => opens.watch({ run: id }),
      adapter: (id) => opens.export({ adapter: id }),
      export: (id) => openTab("export", "adapters", "adapter:choose", { id }),
    };

    function part(one, source) {
      const kind = one.kind === "version" ? source.kind : one.kind;
      const words = one.kind === "version" ? say("lineage.number", { number: one.number }) : one.title || "–";
      const inside = [
        el("span", { class: "ws-key", text: say(`lineage.${one.kind}`) }),
        el("span", { class: "ws-chain-name", text: words, attrs: one.kind === "version" ? {} : { ...mine, title: words } }),
      ];
      if (!one.id) return el("span", { class: "ws-chain-part ws-chain-gone", attrs: { title: say("lineage.gone"), "data-part": one.kind } }, inside);
      return el("button", { class: "ws-chain-part", attrs: { type: "button", "data-part": one.kind }, on: { click: () => OF_PART[kind](one.id) } }, inside);
    }

    const arrow = () => el("span", { class: "ws-chain-arrow", text: "→", attrs: { "aria-hidden": "true" } });
    const chain = (line) => el("div", { class: "ws-chain" }, line.flatMap((one, index) => (index ? [arrow(), part(one, line[0])] : [part(one, line[0])])));

    function show(lineage) {
      title.textContent = say("lineage.title");
      count.textContent = lineage && lineage.more ? say("lineage.more", { count: lineage.more }) : "";
      root.dataset.parts = String(lineage ? lineage.lines.flat().length : 0);
      body.replaceChildren(...(lineage ? lineage.lines.map(chain) : [el("p", { class: "ws-key", text: say("lineage.empty") })]));
    }
    return { root, show };
  };

  whetstone.widget("guide", (root, ctx) => {
    const guide = new Guide(root, ctx);
    return { language: () => guide.draw() };
  });
})();
