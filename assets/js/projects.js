// The head of the Preferences tab: which project is open, what it holds, and what can be done with it.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const preferences = (whetstone.preferences = whetstone.preferences || {});
  const LOOK_MS = 4000;
  const REMEMBERED = "whetstone.preferences.open";

  class Projects {
    constructor(root, ctx) {
      Object.assign(this, { root, ctx, projects: [], person: null, isKnown: false, info: null, working: null, turn: 0 });
      this.build();
      ctx.on("preferences:hello", () => this.tell());
      ctx.on("preferences:changed", () => this.reload());
      ctx.on("preferences:counts", ({ id, counts }) => this.counted(id, counts));
      ctx.on("preferences:compile", () => this.compile());
      ctx.on("preferences:open", (asked) => this.show(asked));
      ctx.every(LOOK_MS, () => this.reload());
    }

    build() {
      this.title = el("span", { class: "ws-title" });
      this.picker = el("select", { class: "ws-dataset", attrs: { translate: "no" }, on: { change: () => this.choose(this.picker.value) } });
      this.pick = el("span", { class: "ws-pick" }, [this.picker]);
      this.facts = el("span", { class: "ws-fine" });
      this.progress = el("span", { class: "ws-key", attrs: { role: "status" } });
      this.writing = data.button("", () => this.toggleWriting(), "small");
      this.fresh = data.button("", () => this.create());
      this.make = data.button("", () => this.compile());
      this.more = el("button", { class: "ws-btn ws-more", text: "⋯", attrs: { type: "button", "aria-haspopup": "menu" }, on: { click: () => this.openMenu() } });
      this.head = el("div", { class: "ws-head ws-dataset-head ws-project-head" }, [
        this.title, this.pick, this.facts, this.progress, this.writing, el("span", { class: "ws-spacer" }), this.fresh, this.make, this.more,
      ]);
      this.empty = el("div", { class: "ws-empty ws-data-empty" });
      this.panel = el("section", { class: "ws-panel ws-project" }, [this.head, this.empty]);
      this.root.replaceChildren(this.panel);
      this.render();
    }

    // Which project ----------------------------------------------------------------------------------------------------

    remembered() {
      try {
        return localStorage.getItem(REMEMBERED);
      } catch {
        return null; // storage may be forbidden; then the newest project opens
      }
    }

    async reload(id) {
      const turn = ++this.turn;
      const { projects, person } = await this.ctx.server.list({});
      if (turn !== this.turn) return;
      Object.assign(this, { projects, person, isKnown: true });
      const wanted = id || this.info?.id || this.remembered();
      this.info = projects.find((one) => one.id === wanted) || projects[0] || null;
      this.tell();
      this.render();
    }

    // Another tab asks for a project, and perhaps for what is made of its votes.
    async show({ id, compile }) {
      await this.reload(id);
      if (this.info?.id !== id) return;
      this.choose(id);
      if (compile) await this.compile();
    }

    choose(id) {
      try {
        localStorage.setItem(REMEMBERED, id);
      } catch {
        // see remembered()
      }
      this.info = this.projects.find((one) => one.id === id) || null;
      this.tell();
      this.render();
    }

    tell() {
      if (this.isKnown) whetstone.send("preferences:project", { info: this.info, person: this.person });
    }

    counted(id, counts) {
      if (this.info?.id !== id) return;
      this.info.newer += Math.max(0, counts.last - this.info.counts.last);
      this.info.counts = counts;
      this.render();
    }

    // Deeds ------------------------------------------------------------------------------------------------------------

    async create() {
      const id = await preferences.newProject(this.ctx);
      if (!id) return;
      this.choose(id);
      await this.reload(id);
    }

    async loadSample(button) {
      const deed = this.ctx.deed();
      await data.once(button, async () => {
        const id = await this.ctx.server.create({ deed, kind: "sample" });
        await this.reload(id);
        this.choose(id);
      });
    }

    openMenu() {
      const { say } = this.ctx;
      const { id } = this.info;
      const save = (what) => () => el("a", { attrs: { href: `whetstone/preferences/${id}/${what}.jsonl`, download: "" } }).click();
      data.menu(this.more, [
        { label: say("data.menu_rename"), act: () => this.rename() },
        { label: say("preferences.menu_votes"), act: save("votes") },
        { label: say("preferences.menu_kto"), act: save("kto") },
        { label: say("preferences.menu_delete"), act: () => this.remove(), danger: true },
      ]);
    }

    async rename() {
      const { say, server } = this.ctx;
      const { id, name } = this.info;
      const box = el("input", { class: "ws-input", attrs: { type: "text", maxlength: "80", translate: "no", autofocus: true } });
      box.value = name;
      const done = async () => {
        await server.rename({ project: id, name: box.value.trim() });
        await this.reload(id);
      };
      await data.ask({ title: say("preferences.rename_title"), body: [data.field(say("data.name"), box)], act: say("data.rename"), done });
    }

    async remove() {
      const { say, server } = this.ctx;
      const { id, name, counts } = this.info;
      const depends = await server.depends({ project: id });
      const words = [el("p", { text: say("preferences.delete_words", { name, votes: counts.votes }) })];
      if (depends.length) {
        words.push(el("p", { text: say("data.delete_depends") }));
        words.push(el("ul", { class: "ws-plain" }, depends.map((one) => el("li", { text: say(`data.depends.${one.kind}`, one) }))));
      }
      const done = async () => {
        await server.remove({ project: id });
        this.info = null;
        await this.reload();
      };
      await data.ask({ title: say("preferences.delete_title"), body: words, act: say("preferences.delete"), done, danger: true });
    }

    async compile() {
      if (!this.info) return;
      await preferences.compile(this.ctx, this.info);
      await this.reload();
    }

    async toggleWriting() {
      const { id, writing } = this.info;
      await data.once(this.writing, async () => {
        await this.ctx.server[writing ? "stop" : "write"]({ project: id });
        await this.reload();
      });
    }

    // Drawing ----------------------------------------------------------------------------------------------------------

    render() {
      const { say } = this.ctx;
      const { info } = this;
      this.root.dataset.projects = this.isKnown ? String(this.projects.length) : "";
      this.head.hidden = this.isKnown && !info;
      this.title.textContent = say("tab.preferences");
      this.title.hidden = Boolean(info);
      this.pick.hidden = this.make.hidden = this.more.hidden = this.fresh.hidden = !info;
      this.empty.hidden = Boolean(info) || !this.isKnown;
      this.panel.classList.toggle("ws-project-none", this.isKnown && !info);
      this.progress.hidden = this.writing.hidden = true;
      if (this.isKnown && !info && !this.empty.firstChild) this.renderEmpty();
      if (!info) return;
      this.empty.replaceChildren();
      const names = this.projects.map((one) => `${one.id} ${one.name}`).join("\n");
      if (this.picker.dataset.names !== names) {
        this.picker.dataset.names = names;
        this.picker.replaceChildren(...this.projects.map((one) => el("option", { text: one.name, attrs: { value: one.id } })));
      }
      this.picker.value = info.id;
      this.picker.setAttribute("aria-label", say("preferences.picker"));
      this.renderFacts();
      this.renderWriting();
      this.fresh.textContent = say("preferences.new");
      const due = info.counts.dpo > 0 && info.newer > 0 && info.open > 0; // with no pair left the card itself proposes it
      this.make.textContent = say("preferences.compile", { count: info.counts.dpo });
      this.make.classList.toggle("ws-btn-primary", due);
      this.make.disabled = !info.counts.dpo;
      this.make.title = info.counts.dpo ? "" : say("preferences.compile_none");
      this.more.title = say("preferences.more");
      this.more.setAttribute("aria-label", say("preferences.more"));
    }

    renderFacts() {
      const { say } = this.ctx;
      const { info } = this;
      const facts = [say("preferences.fact_pairs", { count: info.pairs }), say("preferences.fact_held_out", { count: info.held_out })];
      for (const [code, count] of Object.entries(info.problems)) facts.push(say(`dropped.${code}`, { count }));
      for (const [code, count] of Object.entries(info.source.left_out || {})) facts.push(say(`preferences.left_out.${code}`, { count }));
      if (info.counts.labels) facts.push(say("preferences.fact_labels", { count: info.counts.labels }));
      if (info.source.columns) facts.push(say("preferences.fact_columns", this.columnNames(info.source.columns)));
      this.facts.replaceChildren(...facts.map((text) => el("span", { text })));
    }

    // Who wrote, not who wrote which: the names stay away from the replies.
    columnNames(columns) {
      const [first, second] = columns.map((one) => `${one.name} (${one.temperature})`);
      return { first, second };
    }

    renderWriting() {
      const { say } = this.ctx;
      const { info } = this;
      this.progress.hidden = this.writing.hidden = !info.unfinished;
      if (!info.unfinished) return;
      this.progress.textContent = say(info.writing ? "preferences.writing" : "preferences.not_written", { count: info.unfinished, done: info.pairs - info.unfinished, total: info.pairs });
      this.writing.textContent = say(info.writing ? "preferences.stop" : "preferences.write");
      if (info.trouble) this.progress.textContent = whetstone.sentences(info.trouble.message, info.trouble.hint);
    }

    renderEmpty() {
      const { say } = this.ctx;
      const sample = data.button(say("preferences.load_sample"), () => this.loadSample(sample), "primary");
      this.empty.replaceChildren(
        el("h2", { text: say("preferences.none_title") }),
        el("p", { text: say("preferences.none_words") }),
        el("div", { class: "ws-actions" }, [sample, data.button(say("preferences.new"), () => this.create())]),
      );
    }

    relabel() {
      this.empty.replaceChildren();
      this.picker.dataset.names = "";
      this.render();
    }
  }

  whetstone.widget("projects", (root, ctx) => {
    const projects = new Projects(root, ctx);
    return { language: () => projects.relabel() };
  });
})();
