// Imports as they run and what came of them: rows in, understood, refused, and why.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const POLL_MS = 400;
  const FOUND = ["container", "encoding", "delimiter", "quoting", "header", "division", "sheet", "rows_under", "format"];

  // The report of an import as it stands in its dialog, with what became of its refused rows since. id: the dataset
  // that is looked at, which is another than the import made where it was duplicated; null where the import made none.
  class ReportView {
    constructor(ctx, report, id) {
      this.ctx = ctx;
      this.report = report;
      this.id = id;
      this.page = 1;
      this.rows = el("div", { class: "ws-refused" });
      this.sum = el("div", { class: "ws-numbers" });
      this.node = el("div", { class: "ws-report" }, [report.rows_in ? this.sum : null, this.found(), this.rows]);
      this.numbers({ open: report.refused, mended: 0, left_out: 0 });
      if (report.refused) this.openPage(1);
    }

    // Rows in = understood + left out + refused: a mended row is understood by now.
    numbers({ open, mended, left_out: leftOut }) {
      const { say } = this.ctx;
      const { rows_in: rowsIn, understood } = this.report;
      const number = (name, count, tone) =>
        el("div", { attrs: { "data-count": name } }, [el("div", { class: "ws-key", text: say(`data.report_${name}`) }), el("div", { class: tone ? `ws-num ${tone}` : "ws-num", text: whetstone.number(count) })]);
      const sign = (text) => el("span", { class: "ws-sign", text });
      this.sum.replaceChildren(
        number("rows_in", rowsIn),
        sign("="),
        number("understood", understood + mended),
        ...(leftOut ? [sign("+"), number("left_out", leftOut)] : []),
        sign("+"),
        number("refused", open, open ? "ws-warn-words" : ""),
        ...(mended ? [el("span", { class: "ws-why", text: say("data.report_mended", { rows: mended }) })] : []),
      );
    }

    found() {
      const { say } = this.ctx;
      const lines = FOUND.filter((name) => this.report.found[name]).map((name) => {
        const { title, reason } = this.report.found[name];
        return el("tr", { attrs: { "data-found": name } }, [
          el("th", { text: say(`data.choice_${name}`), attrs: { scope: "row" } }),
          el("td", { class: "ws-strong", text: title }),
          el("td", { class: "ws-wrap", text: reason }),
        ]);
      });
      const notices = this.report.notices.map((text) => el("li", { text }));
      return el("div", {}, [
        el("table", { class: "ws-table ws-found-table" }, [el("tbody", {}, lines)]),
        notices.length ? el("ul", { class: "ws-notes" }, notices) : null,
      ]);
    }

    // A dataset keeps all its refused rows; an import that made none has the first of them in its report.
    refusedPage(page) {
      return this.id ? this.ctx.server.refused({ id: this.id, page }) : { rows: this.report.examples, page: 1, pages: 1 };
    }

    async openPage(page) {
      const { say } = this.ctx;
      const found = await this.refusedPage(page);
      this.page = found.page;
      if (found.counts) this.numbers(found.counts);
      const causes = this.report.causes.map(({ words, rows }) => el("span", { class: "ws-tag ws-tag-warn", text: say("data.cause_count", { cause: words, rows }) }));
      const names = ["number", "field", "cause", "raw", ...(found.counts ? ["deeds"] : [])];
      const head = names.map((name) => el("th", { class: `ws-refused-${name}`, text: name === "deeds" ? "" : say(`data.refused_${name}`), attrs: { scope: "col" } }));
      const pager = el("nav", { class: "ws-pager", attrs: { "aria-label": say("data.pages") } });
      data.renderPager(pager, say, found, (to) => this.openPage(to));
      const open = found.counts?.open ?? 0;
      const all = open > 1 ? data.button(say("data.leave_out_all", { rows: open }), () => this.leaveOutAll(open), "small") : null;
      this.rows.replaceChildren(
        el("div", { class: "ws-causes" }, [el("strong", { text: say("data.refused_title") }), ...causes, el("span", { class: "ws-spacer" }), all]),
        el("div", { class: "ws-refused-scroll" }, [el("table", { class: "ws-table" }, [el("thead", {}, [el("tr", {}, head)]), el("tbody", {}, found.rows.map((row) => this.renderRow(row)))])]),
        pager,
      );
    }

    renderRow(row) {
      return el("tr", { attrs: { "data-state": row.state } }, [
        el("td", { text: whetstone.number(row.number), attrs: { title: row.file } }),
        el("td", { class: "ws-wrap", text: row.field ?? "–", attrs: { translate: "no" } }),
        el("td", { class: "ws-wrap", text: row.words }),
        el("td", { class: "ws-wrap" }, [el("code", { class: "ws-raw", text: row.raw, attrs: { translate: "no" } })]),
        row.refused_id ? el("td", { class: "ws-wrap" }, [this.deeds(row)]) : null,
      ]);
    }

    // What can be done with a refused row, or who did what with it and when.
    deeds(row) {
      const { say, server } = this.ctx;
      const asked = { id: this.id, refused_id: row.refused_id };
      if (row.state === "open") {
        const out = data.button(say("data.leave_out"), () => data.once(out, () => this.settle(server.leave_out(asked))), "small");
        return el("span", { class: "ws-actions" }, [data.button(say("data.mend"), () => this.mend(row), "small"), out]);
      }
      const who = el("span", { class: "ws-why", text: say(`data.row_${row.state}`, { person: row.person, time: whetstone.time(row.time) }) });
      if (row.state === "mended") return who;
      const back = data.button(say("data.leave_out_undo"), () => data.once(back, () => this.settle(server.reopen(asked))), "small");
      return el("span", { class: "ws-actions" }, [who, back]);
    }

    async settle(deed) {
      await deed;
      await this.openPage(this.page);
      whetstone.send("data:changed", { id: this.id });
    }

    async mend(row) {
      const made = await data.mendRow(this.ctx, this.id, row.refused_id);
      if (made) await this.settle();
    }

    async leaveOutAll(rows) {
      const { confirm, server } = this.ctx;
      if (await confirm("data.leave_out_all", { rows }, { danger: false })) await this.settle(server.leave_out_all({ id: this.id }));
    }
  }

  class Imports {
    constructor(root, ctx) {
      this.root = root;
      this.ctx = ctx;
      this.strip = el("div", { class: "ws-imports" });
      root.replaceChildren(this.strip);
      root.hidden = true;
      ctx.on("data:import", (wish) => this.start(wish));
      ctx.on("data:report", ({ job_id: job, id }) => this.openReport(job, id));
      this.followed = new Map(); // job id → its last state
      ctx.server.running({}).then((jobs) => Promise.all(jobs.map((job) => this.follow(job.job_id, false)))).catch(whetstone.report);
    }

    async start({ sample, again }) {
      const job = sample ? await this.startSample() : await data.openImporter(this.ctx, again);
      if (job) await this.follow(job, true);
    }

    // "Load the sample" takes the first one of the index: the one to begin with.
    async startSample() {
      const { samples } = await this.ctx.server.options({});
      return this.ctx.server.sample({ deed: this.ctx.deed(), sample_id: samples[0].id });
    }

    // Follows an import to its end, in a dialog (open) or in the strip above the table.
    async follow(job, open) {
      if (this.followed.has(job)) return;
      this.followed.set(job, { status: "queued" });
      const view = { job, words: el("span", { attrs: { role: "status" } }), bar: el("progress", {}), pace: [] };
      if (open) this.openProgress(view);
      for (;;) {
        const state = await this.ctx.server.job({ job_id: job });
        this.followed.set(job, state);
        this.showState(view, state);
        if (data.hasEnded(state)) return this.ended(view, state);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }

    showState(view, state) {
      view.state = state;
      state.left = data.timeLeft(view.pace, state);
      view.words.textContent = data.progressWords(this.ctx.say, state);
      if (state.share == null) view.bar.removeAttribute("value");
      else view.bar.value = state.share;
      this.renderStrip();
    }

    openProgress(view) {
      const { say } = this.ctx;
      const body = [el("div", { class: "ws-progress" }, [view.bar, view.words])];
      view.dialog = body[0];
      const actions = [
        { label: say("data.import_cancel"), value: "cancel" },
        { label: say("data.import_hide"), value: "hide", primary: true },
      ];
      whetstone.dialog({ title: say("data.importing"), body, actions }).then((answer) => {
        view.dialog = null;
        if (answer === "cancel") this.cancel(view.job);
        this.renderStrip();
      });
    }

    async cancel(job) {
      await this.ctx.server.stop({ job_id: job });
    }

    // The report is fetched before the progress goes away, so that one dialog follows the other without a gap.
    async ended(view, state) {
      const report = state.status === "stopped" || !view.dialog ? null : await this.ctx.server.report({ job_id: view.job });
      this.followed.delete(view.job);
      const watched = Boolean(view.dialog);
      view.dialog?.closest("dialog").close();
      this.renderStrip();
      if (state.status === "finished") {
        // One that ran in the background must not take away what is being edited: it only appears in the list.
        whetstone.send("data:open", watched ? { id: state.result } : {});
        whetstone.send("dataset:changed", { id: state.result });
      }
      if (watched && report) await this.showReport(report);
      else this.tell(view.job, state);
    }

    // An import that nobody watched ends with a line; only a failed one asks for attention.
    tell(job, state) {
      const { say, toast } = this.ctx;
      if (state.status === "stopped") toast(say("data.import_stopped"));
      else if (state.status === "finished") toast(say("data.import_done", { rows: state.summary.rows }), "good");
      else this.openReport(job);
    }

    renderStrip() {
      const hidden = [...this.followed].filter(([, state]) => state.title && !document.querySelector("dialog[open] .ws-progress"));
      const { say } = this.ctx;
      this.strip.replaceChildren(
        ...hidden.map(([job, state]) =>
          el("div", { class: "ws-import-line" }, [
            el("span", { class: "ws-key", text: say("data.importing") }),
            el("strong", { text: state.title, attrs: { translate: "no" } }),
            el("progress", { attrs: { value: state.share, max: 1, "aria-label": say("data.importing") } }),
            el("span", { class: "ws-key", text: data.progressWords(say, state) }),
            el("span", { class: "ws-spacer" }),
            data.button(say("data.import_cancel"), () => this.cancel(job), "small"),
          ]),
        ),
      );
      this.root.hidden = !hidden.length;
    }

    async openReport(job, id) {
      await this.showReport(await this.ctx.server.report({ job_id: job }), id);
    }

    // What came of an import: its report, and above it what went wrong where it failed.
    async showReport(report, id = report.dataset_id) {
      const { say } = this.ctx;
      const actions = [
        { label: say("data.import_again"), value: "again" },
        { label: say("data.report_close"), value: "close", primary: true },
      ];
      const head = el("p", { class: "ws-report-file" }, [el("strong", { text: report.file_name, attrs: { translate: "no" } })]);
      const body = [head, report.problem ? data.problem(report.problem) : null, new ReportView(this.ctx, report, id).node];
      const title = say(report.problem ? "data.import_failed" : "data.report_title");
      const node = el("div", { class: "ws-form" }, body);
      const asked = whetstone.dialog({ title, body: [node], actions, wide: true });
      node.closest("dialog").classList.add("ws-dialog-report");
      const answer = await asked;
      if (answer === "again") await this.start({ again: report.again });
    }
  }

  whetstone.widget("report", (root, ctx) => {
    const imports = new Imports(root, ctx);
    return { language: () => imports.renderStrip() };
  });
})();
