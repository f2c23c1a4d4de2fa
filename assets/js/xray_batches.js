// What a batch of the training rows is made of: how much of it is padding as rows come, sorted by length, or packed.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const LARGEST = 512;

  const percent = (share) => (share > 0 && share < 0.001 ? "< 0.1 %" : `${whetstone.number(100 * share, share < 0.0995 && share > 0 ? 1 : 0)} %`);
  const part = (kind, share, title) => {
    const node = el("i", { class: `ws-batch-${kind}`, attrs: { title } });
    node.style.width = `${100 * share}%`;
    return node;
  };

  class BatchesView {
    constructor(ctx, panel) {
      this.ctx = ctx;
      this.panel = panel;
      this.found = null;
      this.size = el("input", { class: "ws-input ws-batch-size", attrs: { type: "number", min: "1", max: String(LARGEST), step: "1", inputmode: "numeric" }, on: { change: () => this.choose() } });
    }

    get batch() {
      return this.panel.chosen.batch ?? 8;
    }

    choose() {
      const typed = Math.round(Number(this.size.value));
      this.panel.choose({ batch: typed >= 1 ? Math.min(typed, LARGEST) : 8 });
    }

    // found: as services/xray.py tells of batches
    take(found) {
      this.found = found;
    }

    draw() {
      const { say } = this.ctx;
      const { found } = this;
      this.size.value = String(this.batch);
      const asked = el("label", { class: "ws-batch-asked" }, [el("span", { class: "ws-key", text: say("xray.batch.size") }), this.size]);
      if (!found.rows) return [asked, el("div", { class: "ws-empty" }, [el("p", { text: say("xray.batch.none") })])];
      return [asked, el("div", { class: "ws-batches" }, [
        this.card("mixed", found.mixed, say("xray.batch.width", { count: Math.round(found.mixed.width) })),
        this.card("sorted", found.sorted, say("xray.batch.width", { count: Math.round(found.sorted.width) })),
        this.card("packed", found.packed, say("xray.batch.slot", { tokens: Math.round(found.packed.tokens), slot: found.slot })),
      ])];
    }

    card(name, figures, words) {
      const { say } = this.ctx;
      const rows = name === "packed" ? figures.example.map((held) => this.slot(held)) : this.padded(figures.example);
      const share = say("xray.batch.padding", { share: percent(figures.padding) });
      return el("section", { class: "ws-batch", attrs: { "data-batch": name } }, [
        el("div", { class: "ws-key", text: say(`xray.batch.${name}`), attrs: { title: say(`xray.batch.${name}_why`) } }),
        el("div", { class: "ws-batch-rows", attrs: { role: "img", "aria-label": say("xray.batch.example", { name: say(`xray.batch.${name}`), share: percent(figures.padding) }) } }, rows),
        el("strong", { text: share }),
        el("small", { class: "ws-key", text: words }),
      ]);
    }

    // Rows of a batch are as wide as the longest of them.
    padded(lengths) {
      const { say } = this.ctx;
      const longest = Math.max(...lengths);
      return lengths.map((length) =>
        el("span", { class: "ws-batch-row" }, [part("held", length / longest, say("xray.tokens_all", { total: length })), part("padding", 1 - length / longest, say("xray.batch.pads", { count: longest - length }))]));
    }

    slot(held) {
      const { say } = this.ctx;
      const { slot } = this.found;
      const free = slot - held.reduce((sum, length) => sum + length, 0);
      return el("span", { class: "ws-batch-row" }, [...held.map((length) => part("held", length / slot, say("xray.tokens_all", { total: length }))), part("padding", free / slot, say("xray.batch.pads", { count: free }))]);
    }
  }

  data.batchesView = (ctx, panel) => new BatchesView(ctx, panel);
})();
