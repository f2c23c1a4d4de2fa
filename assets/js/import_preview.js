// What a file was taken for and why, each changeable, with its first rows and what they become.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const CHOICES = ["container", "encoding", "delimiter", "format"];
  const DELIMITERS = { ",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe" };
  const SLOW_MS = 300;

  // A record as text: one box a turn or field, its role in grey above it. Never markup.
  const turnLines = (name, turns) =>
    turns.map((turn) => [whetstone.has(`data.role.${turn.role}`) ? turn.role : name, turn.content || JSON.stringify(turn.tool_calls ?? "")]);

  data.recordLines = (record) =>
    Object.entries(record).flatMap(([name, value]) => {
      if (Array.isArray(value) && value[0]?.role) {
        const lines = turnLines(name, value);
        return name === "messages" ? lines.map(([role, text]) => [`role.${role}`, text]) : lines.map(([role, text]) => [role === "user" || role === "system" || name === "completion" ? `role.${role}` : `section.${name}`, text]);
      }
      return [[`column.${name}`, typeof value === "string" ? value : JSON.stringify(value)]];
    });

  data.recordCard = (say, record) =>
    data.recordLines(record).map(([key, text]) =>
      el("div", { class: "ws-record-line" }, [
        el("span", { class: "ws-key", text: whetstone.has(`data.${key}`) ? say(`data.${key}`) : key.split(".")[1], attrs: { translate: whetstone.has(`data.${key}`) ? null : "no" } }),
        el("div", { class: "ws-record-text", text, attrs: { translate: "no", dir: "auto", lang: data.languageOf(text) } }),
      ]),
    );

  class Preview {
    // look(form) → what server.preview answers; changed(found) is told of each answer.
    constructor(ctx, options, { choices, look, changed }) {
      Object.assign(this, { ctx, options, look, changed });
      this.turn = 0;
      this.found = null;
      this.menus = Object.fromEntries(CHOICES.map((name) => [name, this.choiceMenu(name, choices?.[name] ?? "")]));
      this.reasons = Object.fromEntries(CHOICES.map((name) => [name, el("span", { class: "ws-why" })]));
      this.fields = Object.fromEntries(CHOICES.map((name) => [name, this.choiceField(name)]));
      this.guesses = el("div", { class: "ws-guesses" }, CHOICES.map((name) => this.fields[name]));
      this.problem = el("div", { class: "ws-place" });
      this.rows = el("div", { class: "ws-preview-rows" });
      this.records = el("div", { class: "ws-preview-records" });
      this.count = el("div", { class: "ws-preview-count", attrs: { role: "status" } });
      this.both = el("div", { class: "ws-preview-both" }, [this.rows, this.records]);
      this.node = el("div", { class: "ws-preview", attrs: { "data-preview": "waiting" } }, [this.guesses, this.problem, this.both, this.count]);
      this.node.hidden = true;
    }

    choiceField(name) {
      return el("label", { class: "ws-field", attrs: { "data-found": name } }, [el("span", { class: "ws-key", text: this.ctx.say(`data.choice_${name}`) }), this.menus[name], this.reasons[name]]);
    }

    // Plugs carry their own words; encodings and delimiters have words of ours.
    choiceOption(name, one) {
      if (name === "encoding") return el("option", { text: this.ctx.say(`data.encoding.${one}`), attrs: { value: one } });
      if (name === "delimiter") return el("option", { text: this.ctx.say(`data.delimiter.${DELIMITERS[one]}`), attrs: { value: one } });
      return el("option", { text: whetstone.said(one.title), attrs: { value: one.value } });
    }

    choiceMenu(name, value) {
      const auto = el("option", { text: this.ctx.say("data.choice_auto"), attrs: { value: "" } });
      const menu = el("select", { class: "ws-input", attrs: { "data-choice": name }, on: { change: () => this.refresh() } }, [auto, ...this.options[name].map((one) => this.choiceOption(name, one))]);
      menu.value = value;
      return menu;
    }

    choices() {
      return Object.fromEntries(CHOICES.map((name) => [name, this.menus[name].value || null]));
    }

    reset() {
      for (const name of CHOICES) this.menus[name].value = "";
      this.clear();
    }

    clear() {
      this.turn += 1;
      this.found = null;
      this.node.hidden = true;
    }

    // Looks anew. An answer that was overtaken by a later question is not shown.
    async refresh() {
      const turn = ++this.turn;
      this.node.hidden = false;
      this.node.dataset.preview = "waiting";
      const slow = setTimeout(() => (this.count.textContent = this.ctx.say("data.preview_looking")), SLOW_MS);
      let found;
      try {
        found = await this.look({ choices: this.choices() });
      } catch (error) {
        if (!error?.code) throw error;
        found = { found: {}, columns: [], rows: [], records: [], counts: null, notices: [], problem: error };
      } finally {
        clearTimeout(slow);
      }
      if (turn !== this.turn) return;
      this.found = found;
      this.render();
      this.changed(found);
    }

    render() {
      const { found } = this;
      this.node.dataset.preview = found.problem ? "problem" : "shown";
      for (const name of CHOICES) this.renderGuess(name, found.found[name]);
      this.problem.replaceChildren(...(found.problem ? [data.problem(found.problem)] : []));
      this.renderRows();
      this.renderRecords();
      this.renderCount();
    }

    // A delimiter is only shown where the file has one; what was chosen stays changeable.
    renderGuess(name, guess) {
      const menu = this.menus[name];
      this.fields[name].hidden = !guess && !menu.value;
      menu.options[0].textContent = guess && !menu.value ? this.ctx.say("data.choice_found", { title: guess.title }) : this.ctx.say("data.choice_auto");
      this.reasons[name].textContent = guess?.reason ?? "";
    }

    renderRows() {
      const { say } = this.ctx;
      const { columns, rows } = this.found;
      this.both.hidden = !rows.length;
      const head = columns.map((name) => el("th", { text: name, attrs: { scope: "col", translate: "no", title: name } }));
      const lines = rows.map((row) => el("tr", {}, [el("td", { class: "ws-col-number", text: whetstone.number(row.number) }), ...this.rowCells(row, columns)]));
      this.rows.replaceChildren(
        el("h3", { class: "ws-key", text: say("data.preview_rows") }),
        el("div", { class: "ws-preview-scroll", attrs: { tabindex: "0", role: "region", "aria-label": say("data.preview_rows") } }, [
          el("table", { class: "ws-table" }, [el("thead", {}, [el("tr", {}, [el("th", { class: "ws-col-number", text: say("data.column.number"), attrs: { scope: "col" } }), ...head])]), el("tbody", {}, lines)]),
        ]),
      );
    }

    rowCells(row, columns) {
      if (row.cells) return row.cells.map((text) => el("td", { text: text === null ? "–" : text, attrs: { translate: "no", dir: "auto", title: text } }));
      return [el("td", { class: "ws-wrap", attrs: { colspan: Math.max(columns.length, 1) } }, [el("span", { class: "ws-tag ws-tag-warn", text: row.words }), " ", el("code", { class: "ws-raw", text: row.raw, attrs: { translate: "no" } })])];
    }

    renderRecords() {
      const { say } = this.ctx;
      this.records.replaceChildren(el("h3", { class: "ws-key", text: say("data.preview_records") }), ...this.found.records.map((one) => this.recordCard(one)));
    }

    recordCard(one) {
      const { say } = this.ctx;
      const head = el("div", { class: "ws-key", text: say("data.row_title", { number: one.number }) });
      if (one.record) return el("div", { class: "ws-record", attrs: { "data-record": one.number } }, [head, ...data.recordCard(say, one.record)]);
      const where = one.field ? say("data.refused_at", { field: one.field, words: one.words }) : one.words;
      return el("div", { class: "ws-record ws-record-refused", attrs: { "data-record": one.number } }, [head, el("span", { class: "ws-warn-words", text: where }), el("code", { class: "ws-raw", text: one.raw, attrs: { translate: "no" } })]);
    }

    renderCount() {
      const { say } = this.ctx;
      const { counts, notices } = this.found;
      const lines = [...notices];
      if (counts) lines.unshift(say(counts.complete ? "data.preview_count_all" : "data.preview_count", counts));
      const causes = (counts?.causes ?? []).map(({ words, rows }) => el("span", { class: "ws-tag ws-tag-warn", text: say("data.cause_count", { cause: words, rows }) }));
      this.count.replaceChildren(...lines.map((text) => el("span", { text })), ...causes);
    }
  }

  data.importPreview = (...given) => new Preview(...given);
})();
