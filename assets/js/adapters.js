// The adapters that runs have left: the list, and of the chosen one where it comes from and what is noted about it.
(() => {
  "use strict";
  const { el, say } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const LOOK_MS = 4000;
  const mine = { translate: "no" };
  const loss = (value) => (value === null || value === undefined ? "–" : whetstone.number(value, 3));
  const change = (one) => (one.held_out_before === null && one.held_out_after === null ? "–" : say("adapters.change", { before: loss(one.held_out_before), after: loss(one.held_out_after) }));
  const dataName = (one) => (one.version_number ? say("adapters.version", { name: one.dataset_name, number: one.version_number }) : one.dataset_name || "–");

  class Adapters {
    constructor(root, ctx) {
      this.root = root;
      this.ctx = ctx;
      this.all = null;
      this.chosen = null;
      this.drawn = "";
      this.title = el("h2");
      this.count = el("small");
      this.rows = el("div", { class: "ws-adapter-scroll" });
      this.list = el("section", { class: "ws-panel ws-adapter-list" }, [el("div", { class: "ws-head" }, [this.title, this.count]), this.rows]);
      this.details = whetstone.adapterDetails(ctx, () => this.look());
      this.empty = el("section", { class: "ws-panel ws-adapter-none" });
      this.empty.hidden = true;
      root.append(this.list, this.details.root, this.empty);
      ctx.on("run:ended", () => this.look());
      ctx.on("adapter:choose", ({ id }) => this.choose(id));
      ctx.every(LOOK_MS, () => this.look());
    }

    async look() {
      this.all = await this.ctx.server.list();
      const still = this.all.find((one) => one.id === this.chosen);
      if (!still) this.chosen = this.all.length ? this.all[0].id : null;
      this.draw();
    }

    choose(id) {
      this.chosen = id;
      this.draw();
    }

    draw() {
      if (!this.all) return;
      const now = JSON.stringify([this.all, this.chosen, whetstone.language]);
      if (now === this.drawn) return;
      this.drawn = now;
      const chosen = this.all.find((one) => one.id === this.chosen) || null;
      const none = !this.all.length;
      this.list.hidden = this.details.root.hidden = none;
      this.empty.hidden = !none;
      this.root.dataset.adapters = String(this.all.length);
      document.getElementById("export-layout")?.classList.toggle("ws-nothing", none);
      this.title.textContent = say("adapters.title");
      this.count.textContent = whetstone.number(this.all.length);
      if (none) this.drawNothing();
      else this.drawTable();
      this.details.show(chosen);
      whetstone.selectedAdapter = chosen;
      whetstone.send("adapter:selected", chosen);
    }

    drawNothing() {
      this.empty.replaceChildren(el("div", { class: "ws-empty ws-data-empty" }, [
        el("h2", { text: say("adapters.empty_title") }),
        el("p", { text: say("adapters.empty") }),
        el("button", { class: "ws-btn ws-btn-primary", text: say("adapters.train"), attrs: { type: "button" }, on: { click: () => whetstone.openTab("train") } }),
      ]));
    }

    drawTable() {
      const held = this.rows.contains(document.activeElement) ? document.activeElement.closest("tr")?.dataset.adapter : null;
      const top = this.rows.scrollTop;
      const heads = ["name", "base", "data", "held_out", "bytes"].map((name) => el("th", { class: `ws-adapter-${name}`, text: say(`adapters.${name}`), attrs: { scope: "col" } }));
      this.rows.replaceChildren(el("table", { class: "ws-table", attrs: { "aria-label": say("adapters.title") } }, [
        el("thead", {}, el("tr", {}, heads)), el("tbody", {}, this.all.map((one) => this.row(one))),
      ]));
      this.rows.scrollTop = top;
      if (held) this.rows.querySelector(`tr[data-adapter="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
    }

    row(one) {
      const choosing = (event) => {
        if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        this.choose(one.id);
      };
      const on = one.id === this.chosen;
      const cell = (name, text, more = {}) => el("td", { class: `ws-adapter-${name}`, text, attrs: { title: text, ...mine, ...more } });
      return el("tr", { class: on ? "ws-on" : "", attrs: { tabindex: "0", "data-adapter": one.id, "aria-selected": String(on) }, on: { click: choosing, keydown: choosing } }, [
        cell("name", one.name), cell("base", one.base), cell("data", dataName(one)), cell("held_out", change(one)), cell("bytes", whetstone.bytes(one.bytes)),
      ]);
    }
  }

  // ---- where the chosen one comes from -----------------------------------------------------------------------
  whetstone.adapterDetails = (ctx, changed) => {
    const head = el("div", { class: "ws-head ws-adapter-head" });
    const facts = el("dl", { class: "ws-facts ws-adapter-facts" });
    const settings = el("details", { class: "ws-adapter-settings" });
    const notes = notesField(ctx, changed);
    const body = el("div", { class: "ws-body ws-adapter-body" }, [facts, settings, notes.root]);
    const root = el("section", { class: "ws-panel ws-adapter-details" }, [head, body]);
    let shown = null;
    settings.addEventListener("toggle", async () => {
      if (!settings.open || !shown) return;
      try { drawSettings(settings, await ctx.server.settings({ id: shown.id })); } catch (error) { whetstone.report(error); }
    });

    function show(one) {
      const another = !shown || !one || shown.id !== one.id;
      shown = one;
      if (!one) return;
      root.dataset.adapter = one.id;
      head.replaceChildren(
        el("h2", { text: one.name, attrs: { ...mine, title: one.name } }),
        el("small", { text: say("adapters.id", { id: one.id }) }), el("span", { class: "ws-spacer" }),
        data.button(say("adapters.compare"), () => whetstone.send("compare:open", { run: one.run }), "small"),
        data.button(say("adapters.rename"), () => rename(ctx, one, changed), "small"),
        data.button(say("adapters.delete"), () => remove(ctx, one, changed), "small"));
      facts.replaceChildren(...rowsOf(one).flatMap(([key, value]) => [el("dt", { text: say(key) }), el("dd", {}, value)]));
      if (another) settings.open = false;
      if (!settings.open) settings.replaceChildren(el("summary", { text: say("adapters.settings") }));
      notes.show(one);
    }
    return { root, show };
  };

  const value = (text) => el("span", { text, attrs: mine });
  const said = (key, values) => el("span", { class: "ws-key", text: say(key, values) });

  function rowsOf(one) {
    const run = el("button", { class: "ws-link ws-run-link", text: say("adapters.show_run"), attrs: { type: "button" }, on: { click: () => showRun(one.run) } });
    const rows = [
      ["adapters.base", [value(one.base), said("adapters.base_says", { licence: one.licence || say("adapters.unknown"), precision: one.precision || "–" })]],
      ["adapters.data", [value(dataName(one)), one.version ? el("code", { text: one.version.slice(0, 12), attrs: { ...mine, title: one.version } }) : null]],
      ["adapters.run", [value(one.title), run]],
      ["adapters.how", [value(one.how.map((title) => whetstone.said(title)).join(" · "))]],
      ["adapters.held_out", [value(change(one)), one.steps ? said("adapters.after_steps", { steps: one.steps }) : null]],
      ["adapters.train_loss", [value(loss(one.train_loss))]],
      ["adapters.created", [value(whetstone.time(one.created)), value(whetstone.bytes(one.bytes))]],
    ];
    if (one.parent) rows.splice(3, 0, ["adapters.parent", [one.parent_name ? value(one.parent_name) : said("adapters.parent_gone")]]);
    return rows;
  }

  // A tab is built at its first visit: what is sent before is kept for it.
  function showRun(id) {
    whetstone.selectedRun = id;
    whetstone.openTab("train");
    whetstone.send("run:selected", { id });
  }

  function drawSettings(place, rows) {
    const words = ({ value: given, words: named }) => {
      if (named) return whetstone.said(named);
      if (typeof given === "boolean") return say(given ? "common.yes" : "common.no");
      return typeof given === "number" ? whetstone.setting(given) : String(given ?? "–");
    };
    place.replaceChildren(el("summary", { text: say("adapters.settings") }), el("table", { class: "ws-table" }, el("tbody", {}, rows.map((row) =>
      el("tr", {}, [el("td", { text: whetstone.said(row.title) }), el("td", { class: "ws-value", text: words(row), attrs: row.words ? {} : mine })])))));
  }

  // ---- notes -------------------------------------------------------------------------------------------------
  function notesField(ctx, changed) {
    const label = el("span", { class: "ws-key" });
    const text = el("textarea", { class: "ws-input ws-adapter-notes", attrs: { rows: "3", maxlength: "4000", ...mine } });
    const save = el("button", { class: "ws-btn ws-btn-small", attrs: { type: "button" }, on: { click: () => data.once(save, write) } });
    const foot = el("div", { class: "ws-actions" }, [save]);
    let shown = null;
    const settle = () => { foot.hidden = !shown || text.value === shown.notes; };
    text.addEventListener("input", settle);

    async function write() {
      const mine = shown, notes = text.value;
      await ctx.server.write_notes({ id: mine.id, notes });
      if (shown.id === mine.id) shown = { ...shown, notes };
      settle();
      ctx.toast(say("adapters.notes_saved"), "good");
      await changed();
    }

    function show(one) {
      const typed = shown && shown.id === one.id && text.value !== shown.notes;
      label.textContent = say("adapters.notes");
      text.placeholder = say("adapters.notes_say");
      save.textContent = say("adapters.save_notes");
      shown = one;
      if (!typed) text.value = one.notes;
      settle();
    }
    return { root: el("div", { class: "ws-field" }, [el("label", { class: "ws-field" }, [label, text]), foot]), show };
  }

  // ---- deeds -------------------------------------------------------------------------------------------------
  async function rename(ctx, one, changed) {
    const name = el("input", { class: "ws-input", attrs: { type: "text", maxlength: "80", value: one.name, autofocus: true, ...mine } });
    const done = () => ctx.server.rename({ id: one.id, name: name.value.trim() });
    if (await data.ask({ title: say("adapters.rename_title"), body: [data.field(say("adapters.name"), name)], act: say("adapters.rename"), done })) await changed();
  }

  async function remove(ctx, one, changed) {
    const found = await ctx.server.depends({ id: one.id });
    const count = (kind) => found.filter((item) => item.kind === kind).length;
    const lines = ["adapter", "export", "conversation"].filter(count).map((kind) => el("li", { text: say(`adapters.depends.${kind}`, { count: count(kind) }) }));
    const body = [el("p", { text: say("adapters.delete_text", { name: one.name }) })];
    if (lines.length) body.push(el("p", { text: say("adapters.depends") }), el("ul", { class: "ws-plain" }, lines));
    const done = () => ctx.server.delete({ id: one.id });
    if (await data.ask({ title: say("adapters.delete_title"), body, act: say("adapters.delete_yes"), danger: true, done })) await changed();
  }

  whetstone.widget("adapters", (root, ctx) => {
    root.classList.add("ws-adapters");
    const adapters = new Adapters(root, ctx);
    return { language: () => adapters.draw() };
  });
})();
