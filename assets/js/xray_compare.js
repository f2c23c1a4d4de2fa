// The open row as two bases read it, or as one base with two templates, side by side.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const OWN = "";

  const percent = (part, whole) => `${whetstone.number(whole ? (100 * part) / whole : 0, 0)} %`;

  class Column {
    constructor(ctx, panel, base, template, families) {
      this.ctx = ctx;
      this.panel = panel;
      this.turn = 0;
      const { say } = ctx;
      this.base = el("select", { class: "ws-input", attrs: { translate: "no", "aria-label": say("xray.base") }, on: { change: () => this.ask() } },
        panel.bases.map(({ id, title }) => el("option", { text: title, attrs: { value: id } })));
      this.base.value = base;
      this.template = el("select", { class: "ws-input", attrs: { "aria-label": say("xray.template") }, on: { change: () => this.ask() } }, [
        el("option", { text: say("xray.template.own"), attrs: { value: OWN } }),
        ...families.map((name) => el("option", { text: say(`xray.family.${name}`), attrs: { value: name } })),
      ]);
      this.template.value = template;
      this.facts = el("div", { class: "ws-fine ws-compare-facts", attrs: { role: "status" } });
      this.body = el("div", { class: "ws-xray-body ws-compare-body" });
      this.foot = el("div", { class: "ws-xray-foot" });
      this.tokens = data.tokenView(ctx);
      this.node = el("section", { class: "ws-compare-column" }, [el("div", { class: "ws-compare-choice" }, [this.base, this.template]), this.facts, this.body, this.foot]);
      this.ask();
    }

    async ask() {
      const turn = ++this.turn;
      const { context } = this.panel.bases.find(({ id }) => id === this.base.value);
      const asked = { base: this.base.value, template: this.template.value, max_length: Math.min(this.panel.longest, context), record: this.panel.record.record };
      this.body.setAttribute("aria-busy", "true");
      try {
        const found = await this.ctx.server.render(asked);
        if (turn !== this.turn) return;
        this.tokens.take(found);
        this.tokens.draw(this.body, this.foot, true);
        this.foot.hidden = false;
        this.drawFacts(found);
      } catch (error) {
        if (!error?.code) throw error;
        if (turn === this.turn) this.body.replaceChildren(data.problem(error));
      }
      this.body.removeAttribute("aria-busy");
    }

    // Of a pair the longer side counts.
    drawFacts({ sides, max_length: most }) {
      const { say } = this.ctx;
      const side = sides.reduce((longer, one) => (one.total > (longer?.total ?? -1) ? one : longer), null);
      if (!side) return this.facts.replaceChildren();
      const facts = [
        say("xray.tokens_all", { total: side.total }),
        say("xray.tokens_trained", { count: side.trained }),
        say("xray.compare.special", { share: percent(side.special, side.total) }),
        side.cut_at === null ? say("xray.compare.fits", { most }) : say("xray.compare.cut", { count: side.total - side.cut_at, most }),
      ];
      this.facts.replaceChildren(...facts.map((text, index) => el("span", { class: index === 3 && side.cut_at !== null ? "ws-warn-words" : "", text })));
    }
  }

  /** panel: the X-ray with its bases, what is chosen there and the record. */
  data.openCompare = async (ctx, panel) => {
    const families = await ctx.server.families({});
    const { id } = panel.found;
    const other = panel.bases.find((base) => base.id !== id);
    const columns = [[id, OWN], other ? [other.id, OWN] : [id, families.find((name) => name !== "chatml")]].map(([base, template]) => new Column(ctx, panel, base, template, families));
    await whetstone.dialog({
      title: ctx.say("xray.compare.title"),
      wide: true,
      body: [el("div", { class: "ws-xray-columns" }, columns.map((column) => column.node))],
      actions: [{ label: ctx.say("common.close"), value: true }],
    });
  };
})();
