// Beside the pair card: the guideline, what the votes add up to, and the versions that were made of them.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const preferences = (whetstone.preferences = whetstone.preferences || {});
  const EXAMPLES = [["good", "ws-tag ws-tag-good"], ["avoid", "ws-tag ws-tag-bad"]];

  class Side {
    constructor(ctx, { undoSkips }) {
      this.ctx = ctx;
      this.info = null;
      this.undoSkips = undoSkips;
      this.title = el("h2", {});
      this.edit = data.button("", () => this.editGuideline(), "small");
      this.text = el("div", { class: "ws-body ws-guideline" });
      this.soFar = el("h2", {});
      this.numbers = el("div", { class: "ws-pair-numbers" });
      this.made = el("h2", {});
      this.versions = el("div", { class: "ws-pair-versions" });
      this.node = el("aside", { class: "ws-panel ws-pairs-side" }, [
        el("div", { class: "ws-head" }, [this.title, el("span", { class: "ws-spacer" }), this.edit]),
        this.text,
        el("div", { class: "ws-head ws-head-next" }, [this.soFar]),
        this.numbers,
        el("div", { class: "ws-head ws-head-next" }, [this.made]),
        this.versions,
      ]);
    }

    show(info) {
      this.info = info;
      const { say } = this.ctx;
      this.title.textContent = say("preferences.guideline");
      this.edit.textContent = say("preferences.edit");
      this.edit.setAttribute("aria-label", say("preferences.guideline_edit"));
      this.soFar.textContent = say("preferences.so_far");
      this.made.textContent = say("data.versions");
      this.showGuideline();
      this.showVersions();
    }

    showGuideline() {
      const { guideline } = this.info;
      const { say } = this.ctx;
      const parts = [];
      if (guideline.prefer) parts.push(el("p", { text: guideline.prefer, attrs: { translate: "no" } }));
      for (const [name, classes] of EXAMPLES) {
        if (!guideline[name]) continue;
        parts.push(el("p", { class: "ws-example" }, [
          el("span", { class: classes, text: say(`preferences.guideline_${name}_tag`) }),
          el("span", { text: guideline[name], attrs: { translate: "no" } }),
        ]));
      }
      this.text.replaceChildren(...(parts.length ? parts : [el("p", { class: "ws-why", text: say("preferences.guideline_empty") })]));
    }

    async editGuideline() {
      const { say, server } = this.ctx;
      const { id, guideline } = this.info;
      const boxes = Object.fromEntries(Object.keys(guideline).map((name) => {
        const box = el("textarea", { class: "ws-input", attrs: { rows: name === "prefer" ? "5" : "3", maxlength: "4000", translate: "no", autofocus: name === "prefer" } });
        box.value = guideline[name];
        return [name, box];
      }));
      const body = Object.entries(boxes).map(([name, box]) => data.field(say(`preferences.guideline_${name}`), box, say(`preferences.guideline_${name}_why`)));
      const done = async () => {
        const texts = Object.fromEntries(Object.entries(boxes).map(([name, box]) => [name, box.value.trim()]));
        const saved = await server.guideline({ project: id, guideline: texts });
        this.info.guideline = saved;
        if (this.info.id === id) this.showGuideline();
        whetstone.send("preferences:changed", { id });
      };
      await data.ask({ title: say("preferences.guideline_edit"), body, act: say("preferences.save"), done });
    }

    // counts: as the service tells them, votes that are on their way included.
    showCounts(counts) {
      const { say } = this.ctx;
      const number = (name, text) =>
        el("div", { attrs: { "data-number": name } }, [el("div", { class: "ws-num", text }), el("div", { class: "ws-key", text: say(`preferences.number.${name}`) })]);
      const sides = counts.left + counts.right;
      const share = sides ? say("shell.percent", { percent: Math.round((100 * counts.left) / sides) }) : "–";
      const pace = counts.pace === null ? "–" : say("preferences.per_hour", { count: Math.round(counts.pace) });
      const parts = [
        number("votes", whetstone.number(counts.votes)),
        number("pace", pace),
        number("dpo", whetstone.number(counts.dpo)),
        number("kto", whetstone.number(counts.kto)),
        number("left", share),
        number("skipped", whetstone.number(counts.skipped)),
      ];
      if (counts.skipped) parts[5].append(el("button", { class: "ws-link", text: say("preferences.offer_skipped"), attrs: { type: "button" }, on: { click: () => this.undoSkips() } }));
      this.numbers.replaceChildren(...parts);
    }

    showVersions() {
      const { say } = this.ctx;
      const { versions } = this.info;
      if (!versions.length) {
        this.versions.replaceChildren(el("p", { class: "ws-why", text: say("preferences.versions_empty") }));
        return;
      }
      this.versions.replaceChildren(...versions.map((version) =>
        el("div", { class: "ws-pair-version", attrs: { "data-version": String(version.number) } }, [
          el("span", { class: "ws-tag", text: say("data.version_number", { number: version.number }) }),
          el("span", { class: "ws-fine" }, [
            el("span", { text: say("data.fact_rows", { rows: version.rows }) }),
            el("span", { text: say("data.fact_held_out", { rows: version.held_out }) }),
          ]),
          el("span", { class: "ws-spacer" }),
          data.button(say("data.train_on"), () => data.trainOn(version.fingerprint), "small"),
        ])));
    }
  }

  preferences.side = (ctx, hooks) => new Side(ctx, hooks);
})();
