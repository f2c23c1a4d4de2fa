// The frozen versions of the open dataset: what training reads. A view of the panel whose head the X-ray draws.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});

  // A tab is built at its first visit: one that is not there yet is told again as soon as it is.
  // more: what else the form should choose: base, method, parent.
  data.trainOn = (fingerprint, more = {}) => {
    const wish = { tab: "train", version: fingerprint, ...more };
    const form = '[data-widget="start"]';
    const late = !document.querySelector(form);
    whetstone.send("tab:open", wish);
    if (!late) return;
    const watcher = new MutationObserver(() => {
      if (!document.querySelector(form)) return;
      watcher.disconnect();
      whetstone.send("tab:open", wish);
    });
    watcher.observe(document.getElementById("ws-tabs"), { childList: true, subtree: true, attributes: true, attributeFilter: ["data-widget"] });
  };

  const MOST_USES = 3;

  // Where what was made from a version is shown.
  const openTab = async (tab, widget, topic, detail) => {
    whetstone.openTab(tab);
    await whetstone.sendTo(widget, topic, detail);
  };
  const OPENS = {
    run: (id) => openTab("train", "run", "run:selected", { id }),
    adapter: (id) => openTab("export", "adapters", "adapter:choose", { id }),
  };

  class Versions {
    constructor(root, ctx) {
      this.root = root;
      this.ctx = ctx;
      this.info = null;
      this.versions = [];
      this.turn = 0;
      this.body = el("div", { class: "ws-versions-body" });
      root.replaceChildren(this.body);
      ctx.on("data:dataset", (info) => this.open(info));
      ctx.on("data:save_version", () => this.save());
      this.open(data.current?.info || null).catch(whetstone.report);
    }

    async open(info) {
      const turn = ++this.turn;
      this.info = info;
      const found = info ? await this.ctx.server.versions({ id: info.id }) : [];
      if (turn !== this.turn) return;
      this.versions = found;
      this.render();
    }

    render() {
      const { say } = this.ctx;
      this.root.dataset.versions = String(this.versions.length);
      whetstone.send("data:versions", { count: this.versions.length });
      if (!this.versions.length) {
        this.body.replaceChildren(el("div", { class: "ws-empty" }, [el("p", { text: say("data.versions_empty") })]));
        return;
      }
      this.body.replaceChildren(el("ol", { class: "ws-version-list" }, this.versions.map((one) => this.renderOne(one))));
    }

    renderOne(version) {
      const { say } = this.ctx;
      const { number, rows, held_out: heldOut, fingerprint, person, is_own: isOwn, message } = version;
      const who = isOwn ? say("data.version_by_you") : person && say("data.version_by", { person });
      const facts = [say("data.fact_rows", { rows }), say("data.fact_held_out", { rows: heldOut }), who].filter(Boolean);
      const train = data.button(say("data.train_on"), () => data.trainOn(fingerprint), "small");
      train.setAttribute("aria-label", say("data.train_on_version", { number }));
      const more = el("button", { class: "ws-btn ws-btn-small ws-more", text: "⋯", attrs: { type: "button", "aria-haspopup": "menu", title: say("data.version_more", { number }), "aria-label": say("data.version_more", { number }) }, on: { click: () => this.openMenu(more, version) } });
      return el("li", { class: "ws-version", attrs: { "data-version": String(number) } }, [
        el("span", { class: "ws-tag", text: say("data.version_number", { number }) }),
        el("span", { class: "ws-version-words" }, [
          el("span", { class: "ws-version-line" }, [
            message ? el("span", { class: "ws-version-message", text: message, attrs: { translate: "no", title: message } }) : null,
            el("span", { class: "ws-key", text: whetstone.time(version.created), attrs: { translate: "no" } }),
          ]),
          el("span", { class: "ws-fine" }, [...facts.map((text) => el("span", { text })), el("code", { class: "ws-version-print", text: fingerprint.slice(0, 8), attrs: { translate: "no", title: say("data.version_print", { fingerprint }) } })]),
          this.renderUses(version.uses),
        ]),
        el("span", { class: "ws-version-deeds" }, [train, more]),
      ]);
    }

    // What was made from a version, by name; a click goes there.
    renderUses(uses) {
      if (!uses.length) return null;
      const { say } = this.ctx;
      const shown = uses.slice(0, MOST_USES).map(({ kind, title, id }) => {
        const words = say(`data.version_use.${whetstone.has(`data.version_use.${kind}`) ? kind : "job"}`, { title });
        const open = OPENS[kind];
        return open ? el("button", { class: "ws-link ws-version-use", text: words, attrs: { type: "button", "data-use": kind }, on: { click: () => open(id) } }) : el("span", { text: words });
      });
      const more = uses.length > MOST_USES ? [el("span", { text: say("data.version_uses_more", { count: uses.length - MOST_USES }) })] : [];
      return el("span", { class: "ws-fine ws-version-uses" }, [...shown, ...more]);
    }

    openMenu(button, version) {
      const { say } = this.ctx;
      const { number, uses } = version;
      const earlier = this.versions.find((one) => one.number < number);
      const items = [
        { label: say("data.version_compare_now"), act: () => this.compare(number, null) },
        earlier && { label: say("data.version_compare", { number: earlier.number }), act: () => this.compare(earlier.number, number) },
        { label: say("data.version_details"), act: () => this.showDetails(version) },
        { label: say("data.version_lengths"), act: () => whetstone.send("xray:lengths", { number }) },
        { label: say("data.version_restore"), act: () => this.restore(version) },
        !uses.length && { label: say("data.version_delete"), act: () => this.remove(version), danger: true },
      ];
      data.menu(button, items.filter(Boolean));
    }

    compare(before, after) {
      return data.openDifferences(this.ctx, this.info, this.versions, before, after);
    }

    // What was kept with a version: how its dataset was split, described and read then.
    async showDetails({ number, message }) {
      const { say, server } = this.ctx;
      const kept = await server.details({ id: this.info.id, number });
      const told = [
        ["message", message],
        ["purpose", kept.purpose],
        ["licence", kept.licence],
        ["share", kept.held_out_fraction === null ? null : `${whetstone.number(100 * kept.held_out_fraction, 0)} %`],
        ["file", kept.file],
        ["read_as", kept.read_as],
        ["mapping", kept.mapping],
        ["fingerprint", kept.fingerprint],
      ].filter(([, value]) => value);
      const rows = told.map(([name, value]) => el("tr", {}, [el("th", { text: say(`data.version_kept.${name}`), attrs: { scope: "row" } }), el("td", { class: "ws-wrap", text: value, attrs: { translate: "no", dir: "auto" } })]));
      await whetstone.dialog({ title: say("data.version_title", { number }), body: [el("table", { class: "ws-table ws-version-kept" }, [el("tbody", {}, rows)])], actions: [{ label: say("common.close"), value: true }] });
    }

    // What the change would do is counted before it is offered.
    async restore({ number }) {
      const { say, server } = this.ctx;
      const { id } = this.info;
      const deed = this.ctx.deed();
      const working = el("p", { class: "ws-key", attrs: { role: "status" } });
      const words = el("p", { text: say("data.restore_words", { number }) });
      const counted = el("p", {});
      const follow = (job) => data.follow(server, job, (state) => (working.textContent = data.progressWords(say, state)));
      const count = async () => {
        const { summary } = await follow(await server.compare({ id, before: null, after: number }));
        const { added, removed, changed, moved } = summary;
        working.textContent = "";
        counted.textContent = added + removed + changed + moved ? say("data.restore_counts", { added, removed, changed, moved }) : say("data.restore_nothing");
      };
      const done = async () => {
        await follow(await server.restore({ id, number, deed }));
        this.ctx.toast(say("data.restored", { number }), "good");
        whetstone.send("data:changed", { id, row_id: data.current.row?.row_id, undone: true });
      };
      const asked = data.ask({ title: say("data.restore_title", { number }), body: el("div", { class: "ws-form" }, [words, counted, working]), act: say("data.restore"), done });
      await count();
      await asked;
    }

    async remove({ number }) {
      if (!(await this.ctx.confirm("data.version_delete", { number }))) return;
      await this.ctx.server.remove_version({ id: this.info.id, number });
      whetstone.send("version:saved", { id: this.info.id });
    }

    async save() {
      if (!this.info) return;
      const { say, server } = this.ctx;
      const { id, rows } = this.info;
      const deed = this.ctx.deed();
      const message = el("input", { class: "ws-input", attrs: { type: "text", maxlength: "200", translate: "no", autofocus: true } });
      const working = el("p", { class: "ws-key", attrs: { role: "status" } });
      const unsaved = data.unsavedRows || [];
      const body = [el("p", { text: say("data.version_words", { rows }) })];
      if (unsaved.length) body.push(el("p", { class: "ws-warn-words", text: say("data.version_unsaved", { rows: unsaved.length }) }));
      body.push(data.field(say("data.version_message"), message, say("data.version_message_why")), working);
      const done = async () => {
        const job = await server.save_version({ id, message: message.value, deed });
        await data.follow(server, job, (state) => (working.textContent = data.progressWords(say, state)));
        this.ctx.toast(say("data.version_saved"), "good");
        whetstone.send("version:saved", { id });
      };
      await data.ask({ title: say("data.save_version"), body, act: say("data.save_version"), done });
    }
  }

  whetstone.widget("versions", (root, ctx) => {
    const versions = new Versions(root, ctx);
    return { language: () => versions.render() };
  });
})();
