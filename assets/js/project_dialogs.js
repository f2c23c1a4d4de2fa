// The two dialogs of a preference project: where its pairs come from, and what is made of its votes.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const preferences = (whetstone.preferences = whetstone.preferences || {});

  class NewProject {
    constructor(ctx, sources) {
      Object.assign(this, { ctx, sources, deed: ctx.deed(), kind: null });
      const { say } = ctx;
      this.pairs = sources.datasets.filter((one) => one.kind === "preference");
      this.columns = sources.first.map((one, place) => preferences.column(ctx, sources.models, one, place));
      this.prompts = this.menu(sources.datasets);
      this.most = el("input", { class: "ws-input", attrs: { type: "number", min: "1", max: "20000", value: "200" } });
      this.text = el("textarea", { class: "ws-input", attrs: { rows: "6", maxlength: "200000", translate: "no" } });
      this.longest = el("input", { class: "ws-input", attrs: { type: "number", min: "1", max: "4096", value: "256" } });
      this.name = el("input", { class: "ws-input", attrs: { type: "text", maxlength: "80", translate: "no" } });
      this.dataset = this.menu(this.pairs);
      this.kinds = el("div", { class: "ws-cards ws-cards-two", attrs: { role: "radiogroup", "aria-label": say("preferences.new_from") } }, this.offered().map((kind) => this.kindCard(kind)));
      this.fields = el("div", { class: "ws-form" });
      this.node = el("div", { class: "ws-form" }, [this.kinds, this.fields, data.field(say("data.name"), this.name, say("preferences.name_why"))]);
      this.choose(this.pairs.length ? "pairs" : "sample");
    }

    offered() {
      return ["sample", "pairs", "prompts", "pasted"];
    }

    menu(datasets) {
      const menu = el("select", { class: "ws-input", attrs: { translate: "no" } }, datasets.map((one) => el("option", { text: one.name, attrs: { value: one.id } })));
      return menu;
    }

    kindCard(kind) {
      const { say } = this.ctx;
      const card = el("button", { class: "ws-card", attrs: { type: "button", role: "radio", "aria-checked": "false", "data-kind": kind }, on: { click: () => this.choose(kind) } }, [
        el("strong", { text: say(`preferences.from.${kind}`) }),
        el("span", { class: "ws-why", text: say(`preferences.from.${kind}_why`) }),
      ]);
      return card;
    }

    choose(kind) {
      this.kind = kind;
      this.deed = this.ctx.deed();
      for (const card of this.kinds.children) {
        const on = card.dataset.kind === kind;
        card.classList.toggle("ws-on", on);
        card.setAttribute("aria-checked", String(on));
      }
      this.fields.replaceChildren(...this.fieldsOf(kind));
    }

    fieldsOf(kind) {
      const { say } = this.ctx;
      if (kind === "sample") return [];
      if (kind === "pairs" && !this.pairs.length) return [el("p", { class: "ws-warn-words", text: say("preferences.no_pairs_dataset") })];
      if (kind === "pairs") return [data.field(say("preferences.dataset"), this.dataset)];
      if (kind === "prompts" && !this.sources.datasets.length) return [el("p", { class: "ws-warn-words", text: say("preferences.no_dataset") })];
      const prompts = kind === "pasted"
        ? [data.field(say("preferences.pasted"), this.text, say("preferences.pasted_why"))]
        : [el("div", { class: "ws-two" }, [data.field(say("preferences.dataset"), this.prompts), data.field(say("preferences.most"), this.most)])];
      const longest = data.field(say("compare.setting.max_tokens"), this.longest);
      return [...prompts, ...this.columns.map((column) => column.node), el("div", { class: "ws-two" }, [longest]), el("p", { class: "ws-why", text: say("preferences.columns_why") })];
    }

    asked() {
      const { deed, kind } = this;
      const asked = { deed, kind, name: this.name.value.trim() || null };
      if (kind === "pairs") return { ...asked, dataset: this.dataset.value || null };
      if (kind === "sample") return asked;
      const columns = this.columns.map((column) => column.asked());
      const source = kind === "pasted" ? { text: this.text.value } : { dataset: this.prompts.value || null, most: Number(this.most.value) };
      return { ...asked, ...source, columns, max_tokens: Number(this.longest.value) };
    }
  }

  // Who writes one of the two replies, and how boldly.
  preferences.column = ({ say }, models, first, place) => {
    const named = (one) => {
      if (one.group === "checkpoint") return say("compare.column.checkpoint", { name: one.name, step: one.step });
      return one.group === "base" && one.precision ? say(`compare.column.base.${one.precision}`, { name: one.name }) : one.name;
    };
    const groups = [...new Set(models.map((one) => one.group))].map((group) =>
      el("optgroup", { attrs: { label: say(`compare.group.${group}`) } }, models.flatMap((one, index) =>
        one.group === group ? [el("option", { text: named(one), attrs: { value: String(index), translate: "no" } })] : [])));
    const model = el("select", { class: "ws-input", attrs: { "data-column": String(place) } }, groups);
    model.value = String(models.findIndex((one) => one.kind === first.kind && one.id === first.id));
    const temperature = el("input", { class: "ws-input", attrs: { type: "number", min: "0", max: "2", step: "0.1", value: "0.8" } });
    return {
      node: el("div", { class: "ws-two" }, [data.field(say("preferences.column", { number: place + 1 }), model), data.field(say("compare.setting.temperature"), temperature)]),
      asked: () => ({ kind: models[model.value].kind, id: models[model.value].id, temperature: Number(temperature.value) }),
    };
  };

  /** Opens the dialog; answers with the id of the new project, or null. */
  preferences.newProject = async (ctx) => {
    const form = new NewProject(ctx, await ctx.server.sources({}));
    let id = null;
    const done = async () => {
      id = await ctx.server.create(form.asked());
    };
    await data.ask({ title: ctx.say("preferences.new_title"), body: [form.node], act: ctx.say("preferences.create"), done, wide: true });
    return id;
  };

  const made = (say, summary) =>
    el("div", { class: "ws-compiled" }, [
      el("p", { text: say("preferences.compiled", { number: summary.number, rows: summary.rows, held_out: summary.held_out }) }),
      Object.keys(summary.dropped).length ? el("p", { class: "ws-key", text: say("preferences.compiled_without") }) : null,
      el("ul", { class: "ws-plain" }, Object.entries(summary.dropped).map(([code, count]) => el("li", { text: say(`dropped.${code}`, { count }) }))),
    ]);

  /** Asks for which base model the rows are cut, compiles, and tells what came of it. */
  preferences.compile = async (ctx, { id, counts }) => {
    const { say, server } = ctx;
    const { bases, max_length_tokens: proposed } = await server.compile_choices({});
    const deed = ctx.deed();
    const base = el("select", { class: "ws-input", attrs: { translate: "no" } }, bases.map((one) => el("option", { text: one.title, attrs: { value: one.id } })));
    const length = el("input", { class: "ws-input", attrs: { type: "number", min: "1", step: "1" } });
    const fit = () => (length.value = String(Math.min(proposed, bases.find((one) => one.id === base.value)?.context || proposed)));
    base.addEventListener("change", fit);
    fit();
    const working = el("p", { class: "ws-key", attrs: { role: "status" } });
    let state = null;
    const done = async () => {
      const job = await server.compile({ project: id, base: base.value, max_length: Number(length.value), deed });
      state = await data.follow(server, job, (now) => (working.textContent = data.progressWords(say, now)));
      if (state.status !== "finished") state = null;
    };
    const body = [
      el("p", { text: say("preferences.compile_words", { count: counts.dpo }) }),
      data.field(say("preferences.compile_base"), base, say("preferences.compile_base_why")),
      data.field(say("preferences.compile_length"), length, say("preferences.compile_length_why")),
      working,
    ];
    await data.ask({ title: say("preferences.compile_title"), body, act: say("preferences.compile", { count: counts.dpo }), done });
    if (!state) return;
    whetstone.send("preferences:changed", { id });
    const train = await whetstone.dialog({
      title: say("preferences.compiled_title"),
      body: [made(say, state.summary)],
      actions: [{ label: say("common.close"), value: false }, { label: say("data.train_on"), value: true, primary: true }],
    });
    const { id: chosen, tuned: parent } = bases.find((one) => one.id === base.value);
    if (train) data.trainOn(state.result, { method: "dpo", base: chosen, parent });
  };
})();
