// How long the rows of a version are: a histogram with the cut, the shares, and the rows that would train nothing.
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
    }

    // found: as services/xray.py tells the lengths of a version
    take(found) {
      this.found = found;
    }

    draw(body, foot) {
      const { say } = this.ctx;
      const { found } = this;
      foot.replaceChildren();
      if (!found || found.status !== "ready") {
        body.replaceChildren(this.renderWaiting(found));
        return;
      }
      body.replaceChildren(this.renderNumbers(), this.renderBars(), this.renderNothing());
      const which = say(found.newest ? "xray.lengths.newest" : "xray.lengths.of", { number: found.version, rows: found.rows });
      foot.replaceChildren(el("span", { class: "ws-fine" }, [el("span", { text: which })]));
    }

    renderWaiting(found) {
      const { say } = this.ctx;
      const status = found?.status || "measuring";
      const box = el("div", { class: "ws-empty" }, [el("p", { text: say(`xray.lengths.${status}`) })]);
      if (status === "no_version" && this.panel.info) box.append(data.button(say("data.save_version"), () => whetstone.send("data:save_version", {})));
      return box;
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

    renderNothing() {
      const { say } = this.ctx;
      const { found } = this;
      const words = el("span", { class: found.nothing ? "ws-warn-words" : "ws-key", text: say("xray.lengths.nothing", { rows: found.nothing }) });
      const show = found.nothing ? data.button(say("xray.lengths.show"), () => this.panel.showLost(found), "small") : null;
      return el("div", { class: "ws-xray-nothing" }, [words, show]);
    }
  }

  data.lengthsView = (ctx, panel) => new LengthsView(ctx, panel);
})();
