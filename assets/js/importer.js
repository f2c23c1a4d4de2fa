// The import dialog: where the data comes from, what was found in it, and the name it gets.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});

  class Importer {
    // again: {job_id, name, file_name, choices, held_out_fraction}: another import of a file that is already here.
    constructor(ctx, options, again) {
      this.ctx = ctx;
      this.options = options;
      this.again = again || null;
      this.wish = null;
      this.deed = ctx.deed();
      this.build();
      if (again) this.choose(this.wishAgain());
      else this.openSource(data.importSources()[0]);
    }

    build() {
      const { say } = this.ctx;
      this.name = el("input", { class: "ws-input", attrs: { type: "text", maxlength: "80", translate: "no" } });
      this.share = data.heldOutField(say, this.again?.held_out_fraction ?? this.options.held_out_fraction);
      const look = (form) => (this.wish.look ? this.wish.look(form) : this.ctx.server.preview({ ...this.wish.asked, ...form }));
      this.preview = data.importPreview(this.ctx, this.options, { choices: this.again?.choices, look, changed: () => {} });
      this.same = el("div", { class: "ws-same", attrs: { role: "status" } });
      this.own = el("div", { class: "ws-own" }, [data.field(say("data.name"), this.name, say("data.name_why")), this.share.node]);
      this.own.hidden = true;
      this.node = el("div", { class: "ws-import" }, [this.again ? this.keptFile() : this.sourceTabs(), this.same, this.preview.node, this.own]);
    }

    keptFile() {
      const { say } = this.ctx;
      this.name.placeholder = this.again.name;
      return el("p", {}, [say("data.again_words"), " ", el("strong", { text: this.again.file_name, attrs: { translate: "no" } })]);
    }

    wishAgain() {
      const asked = { job_id: this.again.job_id };
      return { proposal: this.again.name, asked, start: (form) => this.ctx.server.again({ ...form, ...asked }) };
    }

    sourceTabs() {
      const { say } = this.ctx;
      this.place = el("div", { class: "ws-source", attrs: { role: "tabpanel" } });
      this.tabs = data.importSources().map((source) =>
        el("button", { text: say(`data.source_${source.name}`), attrs: { type: "button", role: "radio", "data-source": source.name, "aria-checked": "false" }, on: { click: () => this.openSource(source) } }),
      );
      return el("div", { class: "ws-sources" }, [el("div", { class: "ws-choice", attrs: { role: "radiogroup", "aria-label": say("data.source") } }, this.tabs), this.place]);
    }

    openSource(source) {
      if (this.source?.name === source.name) return;
      this.source?.built.close?.();
      this.choose(null);
      for (const tab of this.tabs) tab.setAttribute("aria-checked", String(tab.dataset.source === source.name));
      const built = source.build({ ctx: this.ctx, options: this.options, choose: (wish) => this.choose(wish) });
      this.source = { name: source.name, built };
      this.place.replaceChildren(built.node);
    }

    // Another file is another deed, and what was chosen for the one before does not hold for it.
    choose(wish) {
      this.deed = this.ctx.deed();
      this.wish = wish;
      if (!this.again) this.preview.reset();
      this.own.hidden = !wish;
      this.node.classList.toggle("ws-chosen", Boolean(wish));
      if (!wish) return;
      this.name.placeholder = wish.proposal;
      this.preview.refresh();
      this.compare(wish);
    }

    // Whether the very same file was imported before. A second import is a deed of its own, and the button says so.
    compare(wish) {
      this.node.dataset.same = "unknown";
      this.sayAct(false);
      this.same.replaceChildren();
      const found = wish.asked && !this.again ? this.ctx.server.same(wish.asked).catch(() => null) : Promise.resolve(null);
      this.compared = found.then((same) => {
        if (this.wish !== wish) return false;
        this.node.dataset.same = same ? "yes" : "no";
        this.sayAct(Boolean(same));
        if (same) this.same.replaceChildren(el("span", { text: this.ctx.say("data.same_file", { name: same.name, time: whetstone.time(same.created) }) }));
        return Boolean(same);
      });
    }

    sayAct(isSame) {
      const button = this.node.closest("dialog")?.querySelector(".ws-foot .ws-btn-primary");
      if (button) button.textContent = this.ctx.say(isSame ? "data.import_anyway" : "data.import");
    }

    // Starts the import and answers with its job; null where it only now turns out that the file was imported before. Throws the sentence of what is missing.
    async start() {
      const { say } = this.ctx;
      await this.source?.built.settle?.();
      if (!this.wish) throw { code: "NothingChosen", message: say("data.nothing_chosen"), hint: say("data.nothing_chosen_hint") };
      if (this.node.dataset.same === "unknown" && (await this.compared)) return null;
      const form = { deed: this.deed, name: this.name.value.trim() || null, choices: this.preview.choices(), held_out_fraction: this.share.fraction() };
      return this.wish.start(form);
    }

    close() {
      this.preview.clear();
      this.source?.built.close?.();
    }
  }

  // Opens the dialog; answers with the id of the import that was started, or null.
  data.openImporter = async (ctx, again) => {
    const options = await ctx.server.options({});
    const importer = new Importer(ctx, options, again);
    let job = null;
    const done = async () => {
      job = await importer.start();
      return Boolean(job);
    };
    const title = ctx.say(again ? "data.again_title" : "data.import_title");
    const asked = data.ask({ title, body: [importer.node], act: ctx.say("data.import"), done, wide: true });
    importer.node.closest("dialog").classList.add("ws-dialog-import");
    await asked;
    importer.close();
    return job;
  };
})();
