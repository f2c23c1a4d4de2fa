// A dataset of the Hub as a source of the import dialog: its id, what it holds, and only then the download of one split.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const LOOK_MS = 400;

  class HubSource {
    constructor(host) {
      this.host = host;
      this.ctx = host.ctx;
      this.turn = 0; // of the question that is shown; answers to an older one are dropped
      this.job = null;
      const { say } = this.ctx;
      this.repo = el("input", { class: "ws-input", attrs: { type: "text", maxlength: "200", spellcheck: "false", autocomplete: "off", autocapitalize: "off", translate: "no", placeholder: say("hub.repo"), "aria-label": say("hub_dataset.repo") } });
      this.ask = data.button(say("hub.look"), () => this.look());
      this.found = el("div", { class: "ws-hub-data", attrs: { role: "status" } });
      const form = el("form", { class: "ws-hub-form", on: { submit: (event) => this.submit(event) } }, [this.repo, this.ask]);
      this.node = el("div", { class: "ws-import-hub" }, [form, el("div", { class: "ws-why", text: say("hub_dataset.says") }), this.found]);
    }

    submit(event) {
      event.preventDefault();
      this.look();
    }

    // Waits for a job of ours. Answers with how it ended, or null where another question has taken its place.
    async wait(id, turn, show) {
      this.job = id;
      for (;;) {
        const state = await this.ctx.server.job({ job_id: id });
        if (turn !== this.turn) return null;
        show(state);
        if (data.hasEnded(state)) {
          this.job = null;
          if (state.status === "finished") return state;
          throw state.problem || { message: this.ctx.say("hub_dataset.stopped"), hint: "" };
        }
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    }

    async look() {
      const repo = this.repo.value.trim();
      if (!repo) return this.repo.focus();
      await this.halt();
      const turn = ++this.turn;
      this.host.choose(null);
      this.ask.disabled = true;
      this.tell(this.ctx.say("hub_dataset.looking"));
      try {
        const id = await this.ctx.server.hub_look({ repo, deed: this.ctx.deed() });
        if (!(await this.wait(id, turn, () => {}))) return;
        const found = await this.ctx.server.hub_found({ look_id: id });
        if (turn === this.turn) this.show(id, found);
      } catch (error) {
        if (turn === this.turn) this.refuse(error);
      } finally {
        if (turn === this.turn) this.ask.disabled = false;
      }
    }

    tell(words) {
      this.found.replaceChildren(el("p", { class: "ws-why", text: words }));
    }

    refuse(error) {
      this.found.replaceChildren(data.problem(error));
    }

    show(lookId, found) {
      const { say } = this.ctx;
      const notes = [
        found.is_cached ? say("hub_dataset.cached") : "",
        found.licence ? say("hub_dataset.licence", { licence: found.licence }) : "",
        found.configs_left_out ? say("hub_dataset.left_out", { count: found.configs_left_out }) : "",
      ].filter(Boolean);
      const head = ["config", "split", "rows", "size", "act"].map((name) => el("th", { text: name === "act" ? "" : say(`hub_dataset.${name}`), class: ["rows", "size"].includes(name) ? "ws-number" : "", attrs: { scope: "col" } }));
      const lines = found.splits.map((split) => this.line(lookId, found, split));
      this.found.replaceChildren(
        ...notes.map((text) => el("p", { class: "ws-why", text })),
        el("div", { class: "ws-hub-splits", attrs: { tabindex: "0", role: "region", "aria-label": found.repo } }, [
          el("table", { class: "ws-table" }, [el("thead", {}, [el("tr", {}, head)]), el("tbody", {}, lines)]),
        ]),
      );
    }

    line(lookId, found, split) {
      const { say } = this.ctx;
      const act = data.button(say(found.is_cached ? "hub_dataset.take" : "hub_dataset.download"), () => this.fetch(lookId, found, split), "small");
      act.setAttribute("aria-label", `${act.textContent} ${split.config} ${split.name}`);
      return el("tr", { attrs: { "data-config": split.config, "data-split": split.name } }, [
        el("td", { text: split.config, attrs: { translate: "no" } }),
        el("td", { text: split.name, attrs: { translate: "no" } }),
        el("td", { class: "ws-number", text: split.rows === null ? "–" : whetstone.number(split.rows), attrs: { title: split.rows === null ? say("hub_dataset.rows_unknown") : null } }),
        el("td", { class: "ws-number", text: whetstone.bytes(split.bytes), attrs: { translate: "no" } }),
        el("td", { class: "ws-hub-act" }, [act]),
      ]);
    }

    async fetch(lookId, found, split) {
      const { say, server, deed } = this.ctx;
      const turn = ++this.turn;
      const bar = el("progress", { attrs: { "aria-label": say("hub_dataset.fetching") } });
      const words = el("span", { class: "ws-why" });
      const stop = data.button(say("hub_dataset.stop"), () => this.stop(lookId, found), "small");
      this.found.replaceChildren(el("div", { class: "ws-hub-fetching" }, [bar, words, stop]));
      const show = ({ status, done, total }) => {
        if (total) Object.assign(bar, { max: total, value: done });
        words.textContent = status === "queued" || !total ? say("hub.waiting") : say("hub.progress", { done: whetstone.bytes(done), total: whetstone.bytes(total) });
      };
      try {
        const id = await server.hub_fetch({ look_id: lookId, config: split.config, split: split.name, deed: deed() });
        const state = await this.wait(id, turn, show);
        if (!state) return;
        this.showFetched(found, split, state.summary.rows);
        const asked = { fetch_id: id };
        this.host.choose({ proposal: this.nameOf(found, split), asked, start: (form) => server.hub_import({ ...form, ...asked }) });
      } catch (error) {
        if (turn === this.turn) this.refuse(error);
      }
    }

    nameOf(found, split) {
      const parts = [split.config, split.name].filter((part) => part !== "default");
      return `${found.repo.split("/").pop()} (${parts.join(", ")})`;
    }

    showFetched(found, split, rows) {
      const words = this.ctx.say("hub_dataset.fetched", { name: this.nameOf(found, split), rows });
      this.found.replaceChildren(el("p", { text: words }));
    }

    async stop(lookId, found) {
      await this.halt();
      this.turn += 1;
      this.show(lookId, found);
    }

    // What is asked of the Hub ends with the question.
    async halt() {
      const { job } = this;
      this.job = null;
      if (job) await this.ctx.server.stop({ job_id: job }).catch(() => null); // it may have ended by itself meanwhile
    }

    close() {
      this.turn += 1;
      this.halt();
    }
  }

  data.importSource({
    name: "hub",
    order: 4,
    build: (host) => {
      const source = new HubSource(host);
      return { node: source.node, close: () => source.close() };
    },
  });
})();
