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
      this.open(data.current?.info || null);
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
      const facts = [say("data.fact_rows", { rows: version.rows }), say("data.fact_held_out", { rows: version.held_out })];
      const train = data.button(say("data.train_on"), () => data.trainOn(version.fingerprint), "small");
      train.setAttribute("aria-label", say("data.train_on_version", { number: version.number }));
      const lengths = data.button(say("xray.view.lengths"), () => whetstone.send("xray:lengths", { number: version.number }), "small");
      lengths.setAttribute("aria-label", say("xray.lengths_of_version", { number: version.number }));
      return el("li", { class: "ws-version", attrs: { "data-version": String(version.number) } }, [
        el("span", { class: "ws-tag", text: say("data.version_number", { number: version.number }) }),
        el("span", { class: "ws-version-words" }, [
          el("span", { class: "ws-version-line" }, [
            version.message ? el("span", { class: "ws-version-message", text: version.message, attrs: { translate: "no" } }) : null,
            el("span", { class: "ws-key", text: whetstone.time(version.created), attrs: { translate: "no" } }),
          ]),
          el("span", { class: "ws-fine" }, facts.map((text) => el("span", { text }))),
        ]),
        lengths,
        train,
      ]);
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
