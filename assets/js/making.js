// Making more rows: a template or a model writes them, and a person decides on each. One dialog with three views.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const VIEWS = ["template", "model", "decide"];
  const LOOK_MS = 300;
  const POLL_MS = 700;

  class MakingView {
    constructor(ctx, info, rowIds) {
      Object.assign(this, { ctx, info, rowIds, isOpen: true, view: "template" });
      const { say } = ctx;
      this.tabs = VIEWS.map((name) =>
        el("button", { class: "ws-link", text: say(`making.view_${name}`), attrs: { type: "button", "data-view": name }, on: { click: () => this.show(name) } }));
      this.template = new TemplateForm(ctx, (asked) => this.start(asked));
      this.model = new ModelForm(ctx, info, rowIds, (asked) => this.start(asked));
      this.decide = data.decideList(ctx, info, (counts) => this.counted(counts));
      this.place = el("div", { class: "ws-place" });
      this.panes = el("div", { class: "ws-making-panes" }, [this.template.node, this.model.node, this.decide.node]);
      this.node = el("div", { class: "ws-making" }, [
        el("p", { class: "ws-fine", text: say("making.words") }),
        el("div", { class: "ws-views ws-making-views" }, this.tabs),
        this.place,
        this.panes,
      ]);
    }

    async open() {
      const { makeable, models, seeds } = await this.ctx.server.choices({ id: this.info.id });
      if (!makeable) {
        this.node.replaceChildren(el("p", { text: this.ctx.say("making.not_this_kind") }));
        return;
      }
      this.model.fill(models, seeds);
      const { counts, job } = await this.decide.reload();
      this.show(counts.open || (job && !data.hasEnded(job)) ? "decide" : "template");
      this.watch();
    }

    show(view) {
      this.view = view;
      this.tabs.forEach((tab) => tab.setAttribute("aria-pressed", String(tab.dataset.view === view)));
      VIEWS.forEach((name) => { this[name].node.hidden = name !== view; });
      this.place.replaceChildren();
    }

    counted(counts) {
      this.tabs[2].textContent = this.ctx.say("making.view_decide_open", { open: counts.open });
    }

    async start(asked) {
      this.place.replaceChildren();
      try {
        await this.ctx.server.start({ id: this.info.id, deed: this.ctx.deed(), asked });
      } catch (error) {
        if (!error?.code) throw error;
        this.place.replaceChildren(data.problem(error));
        return;
      }
      await this.decide.reload();
      this.show("decide");
    }

    // Looks after what is being made for as long as the dialog is open.
    async watch() {
      while (this.isOpen) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        if (this.isOpen && this.decide.isBusy()) await this.decide.reload();
      }
    }

    close() {
      this.isOpen = false;
    }
  }

  class TemplateForm {
    constructor(ctx, start) {
      Object.assign(this, { ctx, turn: 0, slots: new Map() });
      const { say } = ctx;
      const box = (name, rows) => {
        const area = el("textarea", { class: "ws-input", attrs: { rows: String(rows), "data-field": name, translate: "no", placeholder: say(`making.example_${name}`, { product: "{product}", price: "{price}" }) }, on: { input: () => this.lookSoon() } });
        return [area, data.field(say(`making.${name}`), area)];
      };
      const [system, systemField] = box("system", 1);
      const [prompt, promptField] = box("prompt", 2);
      const [reply, replyField] = box("reply", 2);
      this.boxes = { system, prompt, reply };
      this.slotsPlace = el("div", { class: "ws-making-slots" });
      this.count = data.countField(say, 50);
      this.seen = el("div", { class: "ws-making-seen", attrs: { role: "status" } });
      this.make = data.button(say("making.make"), () => data.once(this.make, () => start(this.asked())), "primary");
      this.node = el("div", { class: "ws-form", attrs: { hidden: true } }, [
        el("p", { text: say("making.template_words") }), promptField, replyField, systemField,
        this.slotsPlace, this.count.node, this.seen, el("div", { class: "ws-making-foot" }, [this.make]),
      ]);
      this.look();
    }

    template() {
      const texts = Object.fromEntries(Object.entries(this.boxes).map(([name, area]) => [name, area.value]));
      const values = [...this.slots].map(([name, area]) => [name, area.value.split("\n")]);
      return { ...texts, slots: Object.fromEntries(values) };
    }

    asked() {
      return { how: "template", count: this.count.value(), template: this.template() };
    }

    lookSoon() {
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.look(), LOOK_MS);
    }

    async look() {
      const turn = ++this.turn;
      const seen = await this.ctx.server.look_at_template({ template: this.template() });
      if (turn !== this.turn) return;
      this.showSlots(seen.slots);
      this.make.disabled = !seen.combinations;
      const { say } = this.ctx;
      const words = seen.combinations ? say("making.combinations", { count: seen.combinations }) : say("making.no_combinations");
      this.seen.replaceChildren(el("span", { class: "ws-key", text: words }), ...seen.examples.map((one) => data.madeTexts(one)));
    }

    // A box for each slot that the texts name; what was typed into one stays while its name comes and goes.
    showSlots(names) {
      const shown = [...this.slotsPlace.children].map((node) => node.dataset.slot);
      if (shown.join() === names.join()) return;
      const fields = names.map((name) => {
        if (!this.slots.has(name)) this.slots.set(name, el("textarea", { class: "ws-input", attrs: { rows: "3", translate: "no", "data-slot": name }, on: { input: () => this.lookSoon() } }));
        const field = data.field(`{${name}}`, this.slots.get(name), this.ctx.say("making.slot_why"));
        field.dataset.slot = name;
        field.firstChild.setAttribute("translate", "no"); // the person's own name for it
        return field;
      });
      this.slotsPlace.replaceChildren(...fields);
    }
  }

  class ModelForm {
    constructor(ctx, info, rowIds, start) {
      Object.assign(this, { ctx, info, rowIds, models: [] });
      const { say } = ctx;
      this.pick = el("select", { class: "ws-input", attrs: { "data-field": "model", translate: "no" }, on: { change: () => this.tellSize() } });
      this.size = el("p", { class: "ws-making-size", attrs: { role: "status" } });
      this.seeds = el("p", { class: "ws-fine" });
      this.count = data.countField(say, 20);
      const number = (name, value, step, most) => {
        const box = el("input", { class: "ws-input ws-share", attrs: { type: "number", min: "0", max: String(most), step: String(step), "data-field": name } });
        box.value = String(value);
        return box;
      };
      this.temperature = number("temperature", 0.8, 0.1, 2);
      this.most = number("max_tokens", 256, 1, 4096);
      this.make = data.button(say("making.make"), () => data.once(this.make, () => start(this.asked())), "primary");
      this.node = el("div", { class: "ws-form", attrs: { hidden: true } }, [
        el("p", { text: say("making.model_words") }),
        data.field(say("making.model"), this.pick),
        this.size,
        this.seeds,
        el("div", { class: "ws-making-numbers" }, [
          this.count.node,
          data.field(say("making.temperature"), this.temperature, say("making.temperature_why")),
          data.field(say("making.max_tokens"), this.most, say("making.max_tokens_why")),
        ]),
        el("div", { class: "ws-making-foot" }, [this.make]),
      ]);
    }

    fill(models, seeds) {
      const { say } = this.ctx;
      this.models = models;
      const title = (one) => [say(`making.group_${one.group}`), one.name, one.group === "base" && one.precision].filter(Boolean).join(" · ");
      this.pick.replaceChildren(...models.map((one, index) => el("option", { text: title(one), attrs: { value: String(index) } })));
      const picked = this.rowIds?.length;
      this.seeds.textContent = picked ? say("making.seeds_picked", { count: picked }) : say("making.seeds_drawn", { count: Math.min(12, seeds), rows: seeds });
      this.make.disabled = !models.length || !(picked || seeds);
      if (!seeds && !picked) this.seeds.textContent = say("making.seeds_none");
      this.tellSize();
    }

    tellSize() {
      const model = this.models[Number(this.pick.value)];
      const parameters = model?.parameters ? new Intl.NumberFormat(whetstone.lang, { notation: "compact" }).format(model.parameters) : "";
      this.size.textContent = model ? this.ctx.say(`making.size_${model.size || "unknown"}`, { parameters }) : "";
      this.size.classList.toggle("ws-warn-words", model?.size === "tiny" || model?.size === "small");
    }

    asked() {
      const { kind, id } = this.models[Number(this.pick.value)];
      const asked = { how: "model", count: this.count.value(), column: { kind, id }, temperature: Number(this.temperature.value), max_tokens: Number(this.most.value) };
      return this.rowIds?.length ? { ...asked, row_ids: this.rowIds } : asked;
    }
  }

  data.countField = (say, value) => {
    const box = el("input", { class: "ws-input ws-share", attrs: { type: "number", min: "1", max: "1000", step: "1", "data-field": "count" } });
    box.value = String(value);
    return { node: data.field(say("making.count"), box, say("making.count_why")), value: () => Number(box.value) };
  };

  // The texts of one row, as they are: no markup is read out of them.
  data.madeTexts = ({ system, question, reply }) =>
    el("div", { class: "ws-made-texts", attrs: { translate: "no" } }, [
      system ? el("p", { class: "ws-made-system", text: system }) : null,
      el("p", { class: "ws-made-question", text: question }),
      el("p", { class: "ws-made-reply", text: reply }),
    ]);

  class Making {
    constructor(root, ctx) {
      this.ctx = ctx;
      ctx.on("data:make", ({ info, row_ids: rowIds }) => this.open(info, rowIds));
    }

    async open(info, rowIds) {
      const view = new MakingView(this.ctx, info, rowIds);
      const shown = whetstone.dialog({
        title: this.ctx.say("making.title", { name: info.name }),
        body: [view.node],
        wide: true,
        actions: [{ label: this.ctx.say("common.close"), value: null }],
      });
      try {
        await view.open();
      } catch (error) {
        if (!error?.code) throw error;
        view.place.replaceChildren(data.problem(error));
      }
      await shown;
      view.close();
    }
  }

  whetstone.widget("making", (root, ctx) => new Making(root, ctx));
})();
