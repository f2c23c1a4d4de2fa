// The head of the table: which dataset is open, what it holds in grey, and what can be done with it.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});

  // A menu under a button: the browser's popover, so that Escape and a click elsewhere close it.
  data.menu = (button, items) => {
    const menu = el("div", { class: "ws-menu", attrs: { popover: "auto", role: "menu" } });
    menu.append(
      ...items.map(({ label, act, danger }) =>
        el("button", {
          class: danger ? "ws-menu-item ws-danger" : "ws-menu-item",
          text: label,
          attrs: { type: "button", role: "menuitem" },
          on: { click: () => (menu.hidePopover(), act()) },
        }),
      ),
    );
    menu.addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      const all = [...menu.children];
      all[(all.indexOf(document.activeElement) + by + all.length) % all.length].focus();
    });
    menu.addEventListener("toggle", (event) => {
      button.setAttribute("aria-expanded", String(event.newState === "open"));
      if (event.newState === "closed") setTimeout(() => menu.remove());
    });
    document.body.append(menu);
    menu.showPopover();
    const place = button.getBoundingClientRect();
    menu.style.top = `${Math.min(place.bottom + 4, innerHeight - menu.offsetHeight - 8)}px`;
    menu.style.left = `${Math.max(8, place.right - menu.offsetWidth)}px`;
    menu.firstElementChild.focus();
  };

  class DatasetHead {
    constructor(ctx) {
      this.ctx = ctx;
      this.info = null;
      this.picker = el("select", { class: "ws-dataset", attrs: { translate: "no" }, on: { change: () => whetstone.send("data:open", { id: this.picker.value }) } });
      this.facts = el("span", { class: "ws-fine" });
      this.importing = data.button("", () => whetstone.sendTo("report", "data:import", {}));
      this.checks = data.checksButton(ctx);
      this.card = data.cardLine(ctx);
      this.save = data.button("", () => whetstone.send("data:save_version", {}));
      this.more = el("button", { class: "ws-btn ws-more", text: "⋯", attrs: { type: "button", "aria-haspopup": "menu" }, on: { click: () => this.openMenu() } });
      this.title = el("span", { class: "ws-title" });
      this.pick = el("span", { class: "ws-pick" }, [this.picker]);
      this.node = el("div", { class: "ws-head ws-dataset-head" }, [this.title, el("div", { class: "ws-dataset-about" }, [el("div", { class: "ws-dataset-named" }, [this.pick, this.facts]), this.card.node]), el("span", { class: "ws-spacer" }), this.importing, this.checks.node, this.save, this.more]);
      this.show(null, []);
    }

    show(info, datasets) {
      this.info = info;
      this.picker.replaceChildren(...datasets.map((one) => el("option", { text: one.name, attrs: { value: one.id } })));
      this.picker.value = info?.id ?? "";
      this.pick.hidden = this.checks.node.hidden = this.save.hidden = this.more.hidden = !info;
      this.title.hidden = Boolean(info);
      this.importing.hidden = !info;
      this.renderFacts();
    }

    renderFacts() {
      const { info } = this;
      const { say } = this.ctx;
      this.facts.replaceChildren();
      if (!info) return;
      const fact = (text) => el("span", { text });
      this.facts.append(fact(say("data.fact_rows", { rows: info.rows })));
      this.facts.append(fact(say("data.fact_held_out", { rows: info.held_out })));
      if (info.refused) {
        const refused = el("button", { class: "ws-link", text: say("data.fact_refused", { rows: info.refused }), attrs: { type: "button" }, on: { click: () => this.openReport() } });
        this.facts.append(el("span", {}, [refused]));
      }
      this.facts.append(fact(this.versionWords()));
      const due = !info.latest_version || info.edits > 0;
      this.save.classList.toggle("ws-btn-primary", due);
    }

    versionWords() {
      const { latest_version: number, edits } = this.info;
      if (!number) return this.ctx.say(edits ? "data.fact_edits" : "data.fact_no_version", { edits });
      return this.ctx.say(edits ? "data.fact_version_edits" : "data.fact_version", { number, edits });
    }

    openReport() {
      whetstone.send("data:report", { job_id: this.info.job_id, id: this.info.id });
    }

    openMenu() {
      const { say } = this.ctx;
      const { info } = this;
      const wasImported = Boolean(info.source.container);
      data.menu(this.more, [
        { label: say("data.menu_new"), act: () => whetstone.send("data:new", {}) },
        { label: say("data.menu_duplicate"), act: () => whetstone.send("data:duplicate", { info }) },
        { label: say("data.menu_merge"), act: () => whetstone.send("data:merge", { id: info.id }) },
        { label: say("data.menu_make"), act: () => whetstone.send("data:make", { info, row_ids: [...(data.current?.picked || [])].slice(0, 50) }) },
        { label: say("data.menu_export"), act: () => whetstone.send("data:export", data.shownRows(info)) },
        { label: say("data.menu_history"), act: () => whetstone.send("data:history", {}) },
        { label: say("data.menu_rename"), act: () => this.rename() },
        { label: say("data.menu_held_out"), act: () => this.changeHeldOut() },
        ...(wasImported ? [{ label: say("data.menu_report"), act: () => this.openReport() }] : []),
        { label: say("data.menu_delete"), act: () => this.remove(), danger: true },
      ]);
    }

    async rename() {
      const { say, server } = this.ctx;
      const { id, name } = this.info;
      const box = el("input", { class: "ws-input", attrs: { type: "text", maxlength: "80", translate: "no", autofocus: true } });
      box.value = name;
      const done = async () => {
        await server.rename({ id, name: box.value.trim() });
        whetstone.send("data:open", { id });
        whetstone.send("dataset:changed", { id });
      };
      await data.ask({ title: say("data.rename_title"), body: [data.field(say("data.name"), box)], act: say("data.rename"), done });
    }

    async changeHeldOut() {
      const { say, server } = this.ctx;
      const { id } = this.info;
      const share = data.heldOutField(say, this.info.held_out_fraction);
      const deed = this.ctx.deed();
      const done = async () => {
        await server.set_held_out({ id, fraction: share.fraction(), deed });
        whetstone.send("data:changed", { id });
      };
      await data.ask({ title: say("data.held_out_title"), body: [share.node], act: say("data.held_out_set"), done });
    }

    async remove() {
      const { say, server } = this.ctx;
      const { id, name } = this.info;
      const depends = await server.depends({ id });
      const words = [el("p", { text: say("data.delete_words", { name }) })];
      if (depends.length) {
        const list = el("ul", { class: "ws-plain" }, depends.map((one) => el("li", { text: say(`data.depends.${one.kind}`, one) })));
        words.push(el("p", { text: say("data.delete_depends") }), list);
      }
      const done = async () => {
        await server.remove({ id });
        whetstone.send("data:deleted", { id });
        whetstone.send("data:open", {});
        whetstone.send("dataset:changed", { id });
      };
      await data.ask({ title: say("data.delete_title"), body: words, act: say("data.delete"), done, danger: true });
    }

    relabel() {
      const { say } = this.ctx;
      this.title.textContent = say("data.title");
      this.picker.setAttribute("aria-label", say("data.picker"));
      this.importing.textContent = say("data.import");
      this.checks.relabel();
      this.card.relabel();
      this.save.textContent = say("data.save_version");
      this.more.title = say("data.more");
      this.more.setAttribute("aria-label", say("data.more"));
      this.renderFacts();
    }
  }

  // What an export of the shown rows needs: the filter of the table, and how many rows it finds.
  data.shownRows = (info) => ({ info, selection: data.current?.selection || null, rows: data.current?.total ?? info.rows });

  data.datasetHead = (ctx) => new DatasetHead(ctx);

  // How much is kept away from training, in percent, with words on what that is for.
  data.heldOutField = (say, fraction) => {
    const box = el("input", { class: "ws-input ws-share", attrs: { type: "number", min: "0", max: "90", step: "1" } });
    box.value = String(Math.round(fraction * 1000) / 10);
    const unit = el("span", { class: "ws-key", text: "%" });
    const node = data.field(say("data.held_out_share"), el("span", { class: "ws-inline" }, [box, unit]), say("data.held_out_words"));
    return { node, fraction: () => Number(box.value) / 100 };
  };
})();
