// How long rows are, as they stand or of a version: a histogram with the cut, the shares, and what batches are made of.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});

  const percent = (part, whole) => {
    if (!whole) return "–";
    const share = (100 * part) / whole;
    // A few of many are not none, and nearly all are not all.
    if (part && share < 0.1) return "< 0.1 %";
    if (part < whole && share > 99.9) return "> 99.9 %";
    return `${whetstone.number(share, share < 10 && part ? 1 : 0)} %`;
  };

  class LengthsView {
    constructor(ctx, panel) {
      this.ctx = ctx;
      this.panel = panel;
      this.found = null;
      this.batches = data.batchesView(ctx, panel);
      this.showsBatches = false;
    }

    // found: as services/xray.py tells the lengths of rows, with `batches` where they are shown
    take({ batches, ...found }) {
      this.found = found;
      if (batches) this.batches.take(batches);
    }

    draw(body, foot) {
      const { found } = this;
      foot.replaceChildren();
      if (!found || found.status !== "ready") body.replaceChildren(this.renderWaiting(found));
      else if (this.showsBatches && this.batches.found) body.replaceChildren(...this.batches.draw());
      else body.replaceChildren(this.renderNumbers(), this.renderBars(), this.renderDeeds());
      if (found && found.status !== "no_dataset") foot.replaceChildren(...this.renderFoot());
    }

    renderFoot() {
      const { say } = this.ctx;
      const { found, panel } = this;
      const numbers = found.versions || [];
      const option = (value, text) => el("option", { text, attrs: { value } });
      const which = el("select", { class: "ws-input ws-xray-which", attrs: { "aria-label": say("xray.lengths.which") }, on: { change: () => panel.showLengths(which.value ? Number(which.value) : null) } }, [
        option("", say("diff.now")), ...numbers.map((number) => option(String(number), say("data.version_number", { number }))),
      ]);
      which.value = panel.number === null ? "" : String(panel.number);
      const told = found.rows === undefined ? "" : say(found.behind ? "xray.lengths.behind" : "xray.lengths.rows", { rows: found.rows });
      const toggle = el("span", { class: "ws-choice ws-xray-toggle", attrs: { role: "group", "aria-label": say("xray.lengths.shown") } }, ["lengths", "batches"].map((name) =>
        el("button", { text: say(`xray.lengths.show_${name}`), attrs: { type: "button", "data-shown": name, "aria-pressed": String(this.showsBatches === (name === "batches")) }, on: { click: () => this.toggle(name === "batches") } })));
      return [which, el("span", { class: "ws-key", text: told, attrs: { role: "status" } }), el("span", { class: "ws-spacer" }), toggle];
    }

    toggle(showsBatches) {
      this.showsBatches = showsBatches;
      this.panel.ask();
    }

    renderWaiting(found) {
      const { say } = this.ctx;
      const status = found?.status || "measuring";
      return el("div", { class: "ws-empty" }, [el("p", { text: say(`xray.lengths.${status}`) })]);
    }

    renderNumbers() {
      const { say } = this.ctx;
      const { rows, cut, tokens, trained, middle, longest } = this.found;
      const number = (key, value) => el("span", { attrs: { "data-number": key } }, [el("div", { class: "ws-key", text: say(`xray.lengths.${key}`) }), el("div", { class: "ws-xray-number", text: value })]);
      return el("div", { class: "ws-xray-numbers" }, [
        number("middle", whetstone.number(middle)),
        number("longest", whetstone.number(longest)),
        number("cut", percent(cut, rows)),
        number("trained", percent(trained, tokens)),
      ]);
    }

    renderBars() {
      const { say } = this.ctx;
      const { bins } = this.found;
      const most = this.panel.longest;
      const tallest = Math.max(...bins.map(([, , rows]) => rows), 1);
      const end = bins.length ? bins[bins.length - 1][1] : 1;
      const bars = bins.map(([first, last, rows]) => {
        // Half a bar is beyond the cut where the cut goes through it; it counts as cut.
        const bar = el("span", { class: last > most ? "ws-bar-cut" : "", attrs: { title: say("xray.lengths.bar", { first, last, rows }) } });
        bar.style.height = rows ? `${Math.max(2, (100 * rows) / tallest)}%` : "0";
        return el("span", { class: "ws-xray-bar" }, [bar]);
      });
      const chart = el("div", { class: "ws-xray-bars", attrs: { role: "img", "aria-label": say("xray.lengths.chart", { longest: this.found.longest }) } }, bars);
      if (most < end) {
        const line = el("i", { class: "ws-xray-line", attrs: { title: say("xray.lengths.line", { count: most }) } });
        line.style.left = `${(100 * most) / end}%`;
        chart.append(line);
      }
      const axis = el("div", { class: "ws-xray-axis ws-key" }, [el("span", { text: "0" }), el("span", { text: say("xray.lengths.axis") }), el("span", { text: whetstone.number(end) })]);
      return el("div", { class: "ws-xray-chart" }, [chart, axis]);
    }

    // What the figures are about can be seen in the table: rows as they stand by a filter, those of a version one by one.
    renderDeeds() {
      const { say } = this.ctx;
      const { found, panel } = this;
      const { base, max_length: most } = panel.question;
      const filter = (selection) => whetstone.send("data:filter", selection);
      const small = (key, name, act) => {
        const made = data.button(say(key), act, "small");
        made.dataset.deed = name;
        return made;
      };
      const words = el("span", { class: found.nothing ? "ws-warn-words" : "ws-key", text: say("xray.lengths.nothing", { rows: found.nothing }) });
      const deeds = [found.nothing ? small("xray.lengths.show", "nothing", () => panel.showNothing(found)) : null];
      if (found.version === null) {
        if (found.cut) deeds.push(small("xray.lengths.show_cut", "cut", () => filter({ base, length_unit: "tokens", min_length: most + 1, sort: "tokens", descending: true })));
        if (found.rows) deeds.push(small("xray.lengths.show_longest", "longest", () => filter({ base, sort: "tokens", descending: true })));
      }
      return el("div", { class: "ws-xray-nothing" }, [words, el("span", { class: "ws-spacer" }), ...deeds]);
    }
  }

  data.lengthsView = (ctx, panel) => new LengthsView(ctx, panel);
})();
