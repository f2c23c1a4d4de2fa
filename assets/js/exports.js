// Exporting the chosen adapter, and the exports there are: what each was read back with, and its file.
(() => {
  "use strict";
  const { el, say } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const LOOK_MS = 1000;
  const SLOW_EVERY = 6; // looks, while nothing is being exported: another browser may start something
  const ACTIVE = ["queued", "starting", "running", "stopping"];
  const TAG = { finished: "good", running: "good", starting: "good", stopping: "warn", stopped: "warn", failed: "bad" };
  const mine = { translate: "no" };

  // ---- what an export will do and cost -----------------------------------------------------------------------
  class Form {
    constructor(ctx, started) {
      this.ctx = ctx;
      this.started = started;
      this.adapter = null;
      this.form = null;
      this.settings = {};
      this.turn = 0;
      this.deed = ctx.deed();
      this.title = el("h2");
      this.body = el("div", { class: "ws-body ws-export-body" });
      this.button = el("button", { class: "ws-btn ws-btn-primary", attrs: { type: "button", id: "export-start" }, on: { click: () => data.once(this.button, () => this.start()) } });
      this.root = el("section", { class: "ws-panel ws-export-form" }, [
        el("div", { class: "ws-head" }, [this.title]), this.body, el("div", { class: "ws-foot" }, [this.button]),
      ]);
      this.root.hidden = true;
    }

    async show(adapter) {
      const turn = ++this.turn;
      if (!adapter || !this.adapter || adapter.id !== this.adapter.id) this.form = null;
      this.adapter = adapter;
      this.root.hidden = !adapter;
      if (!adapter) return;
      if (!this.form) this.body.replaceChildren();
      this.button.disabled = !this.form; // what an export would do is shown before it can be asked for
      const form = await this.ctx.server.form({ id: adapter.id });
      if (turn !== this.turn) return;
      this.form = form;
      this.draw();
    }

    draw() {
      if (!this.form || !this.adapter) return;
      const { exporters: [exporter], problem } = this.form;
      this.title.textContent = say("exports.title", { name: this.adapter.name });
      this.title.title = this.title.textContent;
      for (const field of exporter.fields) this.settings[field.name] ??= field.value;
      this.body.replaceChildren(
        el("p", { text: whetstone.said(exporter.summary) }),
        ...exporter.fields.filter((field) => field.choices.length > 1).map((field) => this.field(field)),
        el("ol", { class: "ws-plain ws-export-steps" }, this.steps().map((text) => el("li", { text }))),
        el("p", { class: "ws-key", text: whetstone.sentences(...this.cost()) }),
        ...(problem ? [data.problem(problem)] : []));
      this.button.textContent = say("exports.start");
      this.button.disabled = Boolean(problem);
    }

    field(field) {
      const select = el("select", { class: "ws-input", attrs: { "data-field": field.name }, on: { change: () => { this.settings[field.name] = select.value; this.draw(); } } },
        field.choices.map((choice) => el("option", { text: whetstone.said(choice.title), attrs: { value: choice.value } })));
      select.value = this.settings[field.name];
      return data.field(whetstone.said(field.title), select);
    }

    steps() {
      const packed = this.settings.form === "zip" ? [say("exports.step_pack")] : [];
      return [say("exports.step_write", { bytes: whetstone.bytes(this.form.files_bytes) }), ...packed, say("exports.step_read_back")];
    }

    cost() {
      const { memory_bytes: memory, disk_bytes: disk, seconds } = this.form;
      return [
        memory === null ? "" : say("exports.cost", { memory: whetstone.bytes(memory), disk: whetstone.bytes(disk) }),
        seconds === null ? "" : say("exports.cost_seconds", { took: whetstone.duration(seconds) }),
      ];
    }

    async start() {
      const asked = { id: this.adapter.id, exporter: this.form.exporters[0].name, settings: { ...this.settings }, deed: this.deed };
      await this.ctx.server.start(asked);
      this.deed = this.ctx.deed(); // only now: a click that got no answer is the same deed when it is repeated
      await this.started();
    }
  }

  // ---- the exports there are ---------------------------------------------------------------------------------
  class List {
    constructor(ctx, changed) {
      this.ctx = ctx;
      this.changed = changed;
      this.all = null;
      this.jobs = {};
      this.drawn = "";
      this.looks = 0;
      this.title = el("h2");
      this.count = el("small");
      this.rows = el("div", { class: "ws-export-scroll" });
      this.root = el("section", { class: "ws-panel ws-export-list" }, [el("div", { class: "ws-head" }, [this.title, this.count]), this.rows]);
      ctx.every(LOOK_MS, () => this.look());
    }

    async look(now = false) {
      this.looks += 1;
      const busy = this.all && this.all.some((one) => ACTIVE.includes(one.status));
      if (this.all && !busy && !now && this.looks % SLOW_EVERY) return;
      const before = busy ? this.all.filter((one) => ACTIVE.includes(one.status)).map((one) => one.id) : [];
      this.all = await this.ctx.server.list();
      const active = this.all.filter((one) => ACTIVE.includes(one.status));
      this.jobs = Object.fromEntries(await Promise.all(active.map(async ({ id }) => [id, await this.ctx.server.job({ job_id: id })])));
      this.draw();
      if (before.some((id) => !active.some((one) => one.id === id))) await this.changed();
    }

    draw() {
      if (!this.all) return;
      const now = JSON.stringify([this.all, this.jobs, whetstone.language]);
      if (now === this.drawn) return;
      this.drawn = now;
      this.title.textContent = say("exports.list");
      this.count.textContent = this.all.length ? whetstone.number(this.all.length) : "";
      this.root.dataset.exports = String(this.all.length);
      if (!this.all.length) return this.rows.replaceChildren(el("div", { class: "ws-empty" }, el("p", { text: say("exports.empty") })));
      const open = new Set([...this.rows.querySelectorAll("[data-export]:has(details[open])")].map((node) => node.dataset.export));
      this.rows.replaceChildren(el("ul", { class: "ws-export-rows" }, this.all.map((one) => this.row(one, open.has(one.id)))));
    }

    row(one, open) {
      const tag = one.status === "finished" ? null : el("span", { class: `ws-tag ws-tag-${TAG[one.status] || "plain"}`, text: say(`run.status.${one.status}`) });
      const active = ACTIVE.includes(one.status);
      const away = active
        ? data.button(say("exports.stop"), (event) => data.once(event.currentTarget, () => this.stop(one)), "small")
        : el("button", { class: "ws-icon", text: "×", attrs: { type: "button", "aria-label": say("exports.delete", { name: one.name }), title: say("exports.delete", { name: one.name }) }, on: { click: () => this.remove(one) } });
      return el("li", { class: "ws-export-row", attrs: { "data-export": one.id, "data-status": one.status } }, [
        el("div", { class: "ws-export-line" }, [
          el("span", { class: "ws-export-name", text: one.name, attrs: { ...mine, title: one.name } }), tag,
          el("span", { class: "ws-spacer" }), el("span", { class: "ws-key", text: whetstone.time(one.created), attrs: mine }), away,
        ]),
        ...(active ? [progress(this.jobs[one.id])] : []),
        ...(one.problem ? [data.problem(one.problem), this.log(one, open)] : []),
        ...(one.status === "stopped" ? [el("p", { class: "ws-key", text: say("exports.stopped") })] : []),
        ...(one.status === "finished" ? [evidence(one, open), file(one)] : []),
      ]);
    }

    // The end of what was printed, fetched when it is opened.
    log(one, open) {
      const text = el("pre", { class: "ws-log", attrs: { ...mine, tabindex: "0" } });
      const box = el("details", { class: "ws-run-log", attrs: { open } }, [el("summary", { text: say("run.log") }), text]);
      const read = async () => {
        if (!box.open || text.textContent) return;
        try { text.textContent = (await this.ctx.server.log({ id: one.id })).text || say("run.log.empty"); } catch (error) { whetstone.report(error); }
        text.scrollTop = text.scrollHeight;
      };
      box.addEventListener("toggle", read);
      return box;
    }

    async stop(one) {
      await this.ctx.server.stop({ id: one.id });
      await this.look(true);
    }

    async remove(one) {
      if (!(await this.ctx.confirm("exports.delete", { name: one.name }))) return;
      try {
        await this.ctx.server.delete({ id: one.id });
      } catch (error) {
        if (error.code !== "JobNotFound") throw error; // gone already is what was asked for
      }
      await this.look(true);
    }
  }

  function progress(job) {
    const known = job && job.share !== null && ["exporting", "packing"].includes(job.phase);
    return el("div", { class: "ws-export-progress", attrs: { role: "status" } }, [
      el("progress", { attrs: known ? { value: String(job.share), max: "1" } : {} }),
      el("span", { class: "ws-key", text: job && job.phase && job.status === "running" ? say(`phase.${job.phase}`) : say(job && job.status === "queued" ? "data.job_queued" : "data.job_starting") }),
    ]);
  }

  // What the fresh process was asked and what it replied, which is what the adapter itself replied.
  function evidence(one, open) {
    const rows = one.checks.map((check) => el("div", { class: "ws-export-check" }, [
      el("div", { class: "ws-key", text: say("exports.asked") }), el("div", { text: check.prompt, attrs: mine }),
      el("div", { class: "ws-key", text: say(check.ended ? "exports.replied" : "exports.replied_cut", { tokens: check.tokens }) }), el("div", { class: "ws-reply", text: check.reply || "–", attrs: mine }),
    ]));
    const endless = one.checks.every((check) => !check.ended); // a person may have trained so: it is said, not refused
    return el("details", { class: "ws-export-evidence", attrs: { open } }, [
      el("summary", {}, [
        el("span", { class: "ws-tag ws-tag-good", text: say("exports.same") }),
        ...(endless ? [el("span", { class: "ws-tag ws-tag-warn", text: say("exports.endless") })] : []),
        el("span", { class: "ws-key", text: say("exports.same_says", { count: one.checks.length }) }),
      ]),
      ...(endless ? [el("p", { class: "ws-key", text: say("exports.endless_says") })] : []),
      ...rows,
    ]);
  }

  function file(one) {
    if (one.file) {
      const address = new URL(`whetstone/download/${encodeURIComponent(one.id)}`, document.baseURI).href;
      return el("div", { class: "ws-export-file" }, [
        el("a", { class: "ws-btn", text: say("exports.download"), attrs: { href: address, download: one.file } }),
        el("span", { class: "ws-key", text: `${one.file} · ${whetstone.bytes(one.bytes)}`, attrs: mine }),
      ]);
    }
    if (!one.path) return el("p", { class: "ws-key", text: say("exports.gone") });
    const copy = async () => {
      await navigator.clipboard.writeText(one.path);
      whetstone.toast(say("exports.copied"), "good");
    };
    return el("div", { class: "ws-export-file" }, [
      data.button(say("exports.copy"), copy), el("code", { class: "ws-export-path", attrs: { ...mine, title: one.path } }, el("bdi", { text: one.path })),
    ]);
  }

  whetstone.widget("exports", (root, ctx) => {
    root.classList.add("ws-exports");
    const list = new List(ctx, () => form.show(form.adapter));
    const form = new Form(ctx, () => list.look(true));
    root.append(form.root, list.root);
    ctx.on("adapter:selected", (adapter) => form.show(adapter));
    if (whetstone.selectedAdapter) form.show(whetstone.selectedAdapter).catch(whetstone.report);
    return { language: () => { form.draw(); list.draw(); } };
  });
})();
