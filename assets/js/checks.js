// What the checks found in the open dataset: each with its explanation, and what can be done about it.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const POLL_MS = 500;
  const LIST_EVERY = 4; // looks at a run between two looks at what it has found so far
  const WIDE = matchMedia("(min-width: 900px)");
  const TONES = { error: "ws-tag-bad", warn: "ws-tag-warn", info: "" };

  class Checks {
    constructor(root, ctx) {
      this.root = root;
      this.ctx = ctx;
      this.info = null; // the open dataset
      this.found = null; // what the service listed
      this.opened = new Set(); // names of the checks whose details are seen
      this.turn = 0; // an answer about an older dataset is dropped
      this.following = null; // the id of the job that is watched
      this.row = null; // the open row, for its chips
      this.build();
      const { on } = ctx;
      on("data:dataset", (info) => this.open(info));
      on("data:row", (row) => this.openRow(row));
      on("checks:open", (wish) => this.reveal(wish || {}));
      on("checks:finding", (finding) => data.findingDialog(this, finding));
      on("card:open", () => this.info && data.cardDialog(this));
      this.open(data.current?.info || null);
      if (data.current?.row) this.openRow(data.current.row);
    }

    build() {
      this.words = el("span", { class: "ws-check-words", attrs: { role: "status" } });
      this.bar = el("progress", { attrs: { max: "1", hidden: true } });
      this.act = data.button("", () => (this.following ? this.stop() : this.run([])), "small");
      this.top = el("div", { class: "ws-check-top" }, [this.words, this.bar, el("span", { class: "ws-spacer" }), this.act]);
      this.list = el("ul", { class: "ws-check-list" });
      this.aside = el("div", { class: "ws-check-aside" });
      this.root.replaceChildren(el("div", { class: "ws-checks-body" }, [this.top, this.list, this.aside]));
    }

    // Asking -----------------------------------------------------------------------------------------------------

    async open(info) {
      if (info?.id !== this.info?.id) {
        this.found = null;
        this.following = null;
        this.opened.clear();
      }
      this.info = info;
      await this.load();
      if (this.found && !this.found.ran && this.found.rows && this.found.is_small && !this.found.job) await this.runFirst();
    }

    async load() {
      const turn = ++this.turn;
      const found = this.info ? await this.ctx.server.list({ id: this.info.id }) : null;
      if (turn !== this.turn) return;
      this.found = found;
      this.draw();
      whetstone.send("data:checks", found && { id: this.info.id, counts: found.counts, ran: found.ran, is_stale: found.is_stale, purpose: found.purpose, points: found.points });
      if (found?.job) this.follow(found.job.job_id);
    }

    // A small dataset is checked without being asked for, once: the first that opens it starts it.
    async runFirst() {
      const { id } = this.info;
      const job = await this.ctx.server.run_first({ id });
      if (job && id === this.info?.id) this.follow(job);
    }

    async run(checks) {
      await data.once(this.act, async () => {
        this.follow(await this.ctx.server.run({ id: this.info.id, checks, deed: this.ctx.deed() }));
      });
    }

    async stop() {
      await data.once(this.act, () => this.ctx.server.stop({ job_id: this.following }));
    }

    // Nobody waits for it: what goes wrong is told here, but for a dataset that was deleted meanwhile.
    follow(job) {
      if (this.following === job) return;
      this.following = job;
      this.watch(job).catch((error) => {
        if (this.following === job) this.following = null;
        if (error?.code !== "NotYours") whetstone.report(error);
      });
    }

    // Watches a run to its end. What each check found is shown as soon as it has looked.
    async watch(job) {
      const { id } = this.info;
      for (let looks = 0; this.following === job; looks += 1) {
        const state = await this.ctx.server.job({ job_id: job });
        if (this.following !== job || !this.root.isConnected) return;
        if (data.hasEnded(state)) return this.ended(id, state);
        this.drawProgress(state);
        if (looks % LIST_EVERY === LIST_EVERY - 1) await this.load();
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }

    async ended(id, state) {
      this.following = null;
      await this.load();
      whetstone.send("data:checked", { id });
      if (this.row) this.openRow(this.row);
      if (state.status === "failed") this.ctx.toast(whetstone.sentences(state.problem.message, state.problem.hint), "bad");
    }

    // The findings of the open row, told to whoever shows the row.
    async openRow(row) {
      this.row = row;
      const findings = row ? await this.ctx.server.of_row({ id: row.id, row_id: row.row_id }).catch(() => []) : [];
      if (row === this.row) whetstone.send("data:findings", { ...(row || {}), findings });
    }

    reveal({ check }) {
      if (check) this.opened = new Set([check]);
      this.draw();
      if (check) this.list.querySelector(`[data-check="${check}"]`)?.scrollIntoView({ block: "nearest" });
      else if (!WIDE.matches) this.root.closest("#data-below")?.scrollIntoView({ block: "start" });
    }

    // After a deed of ours: rows may have changed, findings stand no more or again.
    async changed(isRows) {
      if (isRows) whetstone.send("data:changed", { id: this.info.id });
      else {
        await this.load();
        whetstone.send("data:checked", { id: this.info.id });
      }
      if (this.row) this.openRow(this.row);
    }

    showRows(check, code) {
      whetstone.send("data:filter", { check, check_code: code });
    }

    // Drawing ----------------------------------------------------------------------------------------------------

    draw() {
      const { found } = this;
      this.top.hidden = this.list.hidden = !found;
      this.root.dataset.ran = found ? String(found.ran) : "";
      if (!found) {
        this.aside.replaceChildren(el("div", { class: "ws-empty" }, [el("p", { text: this.ctx.say("checks.no_dataset") })]));
        return;
      }
      if (!this.following) this.drawTop();
      this.list.replaceChildren(...this.sorted().map((check) => this.drawCheck(check)));
      this.aside.replaceChildren(...this.drawIgnored());
    }

    // What was found comes first, the gravest at the top.
    sorted() {
      const rank = ({ status, severity }) => (status === "found" ? ["error", "warn", "info"].indexOf(severity) : status === "passed" ? 4 : 3);
      return [...this.found.checks].sort((one, other) => rank(one) - rank(other));
    }

    drawProgress({ share, status }) {
      const { say } = this.ctx;
      const percent = Math.floor((share || 0) * 100);
      this.words.textContent = status === "queued" ? say("data.job_queued") : say("checks.running", { percent });
      this.bar.hidden = false;
      if (share == null) this.bar.removeAttribute("value");
      else this.bar.value = share;
      this.act.textContent = say("checks.stop");
      this.act.classList.remove("ws-btn-primary");
    }

    drawTop() {
      const { say } = this.ctx;
      const { ran, counts, is_stale: isStale, is_small: isSmall, rows, checks } = this.found;
      this.bar.hidden = true;
      this.act.textContent = say(ran ? "checks.run_again" : "checks.run");
      const outdated = isStale || checks.some((check) => check.is_outdated || check.status === "never");
      this.act.classList.toggle("ws-btn-primary", !ran || outdated);
      if (!ran) this.words.textContent = say(isSmall ? "checks.never" : "checks.never_large", { rows });
      else if (outdated) this.words.textContent = say(isStale ? "checks.stale" : "checks.outdated");
      else {
        const some = ["error", "warn", "info"].filter((severity) => counts[severity]);
        const tags = some.map((severity) => el("span", { class: `ws-tag ${TONES[severity]}`, text: say(`checks.count.${severity}`, { count: counts[severity] }) }));
        this.words.replaceChildren(...(tags.length ? tags : [say("checks.clean")]));
      }
    }

    drawCheck(check) {
      const { name, title, status, found } = check;
      const isOpen = this.opened.has(name);
      const head = el("button", { class: "ws-check-head", attrs: { type: "button", "aria-expanded": String(isOpen) }, on: { click: () => this.toggle(name) } }, [
        el("span", { class: "ws-check-title", text: whetstone.said(title) }),
        check.is_stale && status !== "missing" ? el("span", { class: "ws-key", text: this.ctx.say("checks.is_stale") }) : null,
        this.drawState(check),
      ]);
      const body = isOpen ? this.drawBody(check) : null;
      return el("li", { class: "ws-check", attrs: { "data-check": name, "data-status": status, "data-found": String(found) } }, [head, body]);
    }

    drawState({ status, severity, found, missing, codes }) {
      const { say } = this.ctx;
      if (status === "found") return el("span", { class: `ws-tag ${TONES[severity]}`, text: whetstone.number(found) });
      if (status === "missing") return el("span", { class: "ws-key", text: say(`checks.needs.${missing}`) });
      if (status === "never") return el("span", { class: "ws-key", text: say("checks.not_run") });
      if (codes.some((code) => code.ignored || code.is_ignored)) return el("span", { class: "ws-tag", text: say("checks.ignored") });
      return el("span", { class: "ws-tag ws-tag-good", text: say("checks.passed") });
    }

    toggle(name) {
      if (!this.opened.delete(name)) this.opened.add(name);
      this.draw();
      const item = this.list.querySelector(`[data-check="${name}"]`);
      item?.scrollIntoView({ block: "nearest" });
      item?.querySelector(".ws-check-head").focus({ preventScroll: true });
    }

    drawBody(check) {
      const { say } = this.ctx;
      const { name, summary, uses, codes, ran, seconds, looked_at: rows } = check;
      const facts = ran ? say("checks.ran", { rows, seconds: whetstone.number(seconds, 1), time: whetstone.time(ran) }) : null;
      const settings = uses.length ? data.button(say("checks.settings"), () => data.checkSettings(this, check), "small") : null;
      return el("div", { class: "ws-check-inside" }, [
        el("p", { class: "ws-why", text: whetstone.said(summary) }),
        ...codes.filter((code) => code.found || code.stale).map((code) => this.drawCode(name, code)),
        el("div", { class: "ws-check-foot" }, [facts ? el("span", { class: "ws-key", text: facts }) : null, el("span", { class: "ws-spacer" }), settings]),
      ]);
    }

    drawCode(check, code) {
      const { say } = this.ctx;
      const { severity, found, rows, stale, examples, is_fixable: isFixable } = code;
      const lines = examples.map(({ position, words }) =>
        el("li", {}, [position == null ? null : el("span", { class: "ws-key", text: say("checks.row", { number: position }) }), el("span", { class: "ws-check-sentence", text: words })]));
      const more = found - examples.length;
      if (more > 0) lines.push(el("li", { class: "ws-key", text: say("checks.more", { count: more }) }));
      const deeds = [
        rows ? data.button(say("checks.show", { rows }), () => this.showRows(check, code.code), "small") : null,
        isFixable && found ? data.button(say("checks.fix"), () => data.fixDialog(this, check, code.code, null), "small") : null,
        found ? data.button(say("checks.ignore"), () => data.ignoreDialog(this, check, code, null), "small") : null,
      ];
      return el("div", { class: `ws-check-code ws-check-${severity}`, attrs: { "data-code": code.code } }, [
        el("ul", { class: "ws-check-lines" }, lines),
        stale ? el("p", { class: "ws-key", text: say("checks.stale_findings", { count: stale }) }) : null,
        el("div", { class: "ws-actions" }, deeds),
      ]);
    }

    drawIgnored() {
      const { say } = this.ctx;
      const { ignored, checks } = this.found;
      if (!ignored.length) return [];
      const titles = Object.fromEntries(checks.map(({ name, title }) => [name, whetstone.said(title)]));
      const lines = ignored.map((one) =>
        el("li", { class: "ws-ignored", attrs: { "data-ignored": String(one.ignored_id) } }, [
          el("span", { class: "ws-ignored-words" }, [
            el("strong", { text: titles[one.check_name] }),
            el("span", { text: one.words ? say("checks.ignored_row", { number: one.position, words: one.words }) : say("checks.ignored_all") }),
            el("q", { text: one.reason, attrs: { translate: "no" } }),
            el("span", { class: "ws-key", text: say("checks.ignored_by", { person: one.person, time: whetstone.time(one.time) }) }),
          ]),
          data.button(say("checks.take_back"), async () => {
            await this.ctx.server.take_back({ id: this.info.id, ignored_id: one.ignored_id });
            await this.changed(false);
          }, "small"),
        ]));
      return [el("h3", { text: say("checks.ignored_title", { count: ignored.length }) }), el("ul", { class: "ws-check-lines" }, lines)];
    }

    relabel() {
      this.load();
      if (this.row) this.openRow(this.row);
    }

    destroy() {
      this.following = null;
    }
  }

  // The button of the head, with how much stands open; it opens the view.
  data.checksButton = (ctx) => {
    const badge = el("span", { class: "ws-tag ws-badge", attrs: { hidden: true } });
    const words = el("span", {});
    const node = el("button", { class: "ws-btn ws-checks-button", attrs: { type: "button" }, on: { click: () => whetstone.send("checks:open", {}) } }, [words, badge]);
    let told = null;
    const draw = () => {
      words.textContent = ctx.say("checks.title");
      const { error = 0, warn = 0 } = told?.counts || {};
      badge.hidden = !told?.ran;
      badge.textContent = whetstone.number(error + warn);
      badge.className = `ws-tag ws-badge ${error ? "ws-tag-bad" : warn ? "ws-tag-warn" : "ws-tag-good"}`;
      node.title = told?.ran ? ctx.say("checks.badge", { errors: error, warnings: warn }) : ctx.say("checks.never");
    };
    ctx.on("data:checks", (found) => {
      told = found;
      draw();
    });
    return { node, relabel: draw };
  };

  whetstone.widget("checks", (root, ctx) => {
    const checks = new Checks(root, ctx);
    return { language: () => checks.relabel(), destroy: () => checks.destroy() };
  });
})();
