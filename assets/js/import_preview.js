// What a file was taken for and why, each changeable, with its first rows and what they become.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const READING = ["container", "encoding", "delimiter", "quoting", "header", "division", "sheet", "rows_under"];
  const CHOICES = [...READING, "format"];
  const VALUE_WORDS = { ",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe", $: "top" };
  const MAPPING = "mapping"; // the format menu's value for a mapping of one's own; a saved one is "saved:<name>"
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
      this.noFormat = false;
      this.wizard = data.mappingWizard(ctx, options, { changed: () => this.refresh(), saved: (name) => this.savedAs(name) });
      this.menus = Object.fromEntries(CHOICES.map((name) => [name, this.choiceMenu(name, choices?.[name] ?? "")]));
      this.reasons = Object.fromEntries(CHOICES.map((name) => [name, el("span", { class: "ws-why" })]));
      this.fields = Object.fromEntries(CHOICES.map((name) => [name, this.choiceField(name)]));
      this.guesses = el("div", { class: "ws-guesses" }, CHOICES.map((name) => this.fields[name]));
      this.problem = el("div", { class: "ws-place" });
      this.rows = el("div", { class: "ws-preview-rows" });
      this.records = el("div", { class: "ws-preview-records" });
      this.count = el("div", { class: "ws-preview-count", attrs: { role: "status" } });
      this.both = el("div", { class: "ws-preview-both" }, [el("div", { class: "ws-preview-left" }, [this.rows, this.wizard.node]), this.records]);
      this.node = el("div", { class: "ws-preview", attrs: { "data-preview": "waiting" } }, [this.guesses, this.problem, this.both, this.count]);
      this.hideFields();
      if (choices?.mapping) this.openKept(choices);
    }

    // The mapping that an earlier import was given, under its name where that is still saved.
    openKept({ mapping, mapping_name: name }) {
      const value = `saved:${name}`;
      this.menus.format.value = value;
      if (this.menus.format.value !== value) this.menus.format.value = MAPPING;
      this.wizard.open(mapping, this.menus.format.value === value ? name : null);
    }

    // The list of saved mappings has changed; name: the one that is open, or null.
    savedAs(name) {
      this.addMappings(this.menus.format);
      this.menus.format.value = name ? `saved:${name}` : MAPPING;
    }

    choiceField(name) {
      return el("label", { class: "ws-field", attrs: { "data-found": name } }, [el("span", { class: "ws-key", text: this.ctx.say(`data.choice_${name}`) }), this.menus[name], this.reasons[name]]);
    }

    // Plugs carry their own words; other values have words of ours, or are names out of the file itself.
    title(name, value) {
      const plugs = { container: this.options.containers, format: this.options.formats }[name];
      if (plugs) return whetstone.said(plugs.find((plug) => plug.value === value).title);
      const key = `data.${name}.${VALUE_WORDS[value] ?? value}`;
      return whetstone.has(key) ? this.ctx.say(key) : value;
    }

    choiceOption(name, value) {
      const text = this.title(name, value);
      return el("option", { text, attrs: { value, translate: text === value ? "no" : null } });
    }

    choiceMenu(name, value) {
      const auto = el("option", { text: this.ctx.say("data.choice_auto"), attrs: { value: "" } });
      const menu = el("select", { class: "ws-input", attrs: { "data-choice": name }, on: { change: () => this.chosen(name) } }, [auto]);
      const known = name === "format" ? this.options.formats.map((plug) => plug.value) : this.options.reading[name];
      menu.append(...(known.includes(value) || !value || name === "format" ? known : [...known, value]).map((one) => this.choiceOption(name, one)));
      if (name === "format") this.addMappings(menu);
      menu.value = value;
      return menu;
    }

    // After the formats: a mapping of one's own, and those that were saved.
    addMappings(menu) {
      const { say } = this.ctx;
      for (const old of menu.querySelectorAll("optgroup")) old.remove();
      const saved = this.options.mappings.map(({ name }) => el("option", { text: name, attrs: { value: `saved:${name}`, translate: "no" } }));
      menu.append(el("optgroup", { attrs: { label: say("data.mappings") } }, [el("option", { text: say("data.mapping_own"), attrs: { value: MAPPING } }), ...saved]));
    }

    // What may be chosen depends on the file for some: the names of its sheets, say.
    offer(name, among) {
      const menu = this.menus[name];
      if (name === "format" || this.options.reading[name].length || !among?.length) return;
      const { value } = menu;
      menu.replaceChildren(menu.options[0], ...among.map((one) => el("option", { text: one.title, attrs: { value: one.value, translate: "no" } })));
      menu.value = value;
    }

    chosen(name) {
      if (name === "format") this.pickFormat();
      // Another kind of file is read in another way: what was chosen about the one before does not hold.
      if (name === "container") for (const other of READING.slice(1)) this.menus[other].value = "";
      return this.refresh();
    }

    pickFormat() {
      const { value } = this.menus.format;
      const saved = value.startsWith("saved:") ? this.options.mappings.find((one) => `saved:${one.name}` === value) : null;
      if (saved) this.wizard.open(saved.mapping, saved.name);
      else if (value === MAPPING) this.wizard.open(this.found?.proposal ?? null, null);
      else this.wizard.close();
    }

    // Without a format that fits, a saved mapping is tried, else one is proposed.
    offerMapping(found) {
      if (found.problem?.code !== "FormatUnknown" || this.menus.format.value || !found.proposal) return false;
      this.menus.format.value = found.fitting.length ? `saved:${found.fitting[0]}` : MAPPING;
      this.noFormat = true;
      this.pickFormat();
      return true;
    }

    choices() {
      const chosen = Object.fromEntries(READING.map((name) => [name, this.menus[name].value || null]));
      if (this.wizard.isOpen) return { ...chosen, format: null, ...this.wizard.value() };
      return { ...chosen, format: this.menus.format.value || null };
    }

    reset() {
      for (const name of CHOICES) this.menus[name].value = "";
      this.wizard.close();
      this.noFormat = false;
      this.clear();
    }

    clear() {
      this.turn += 1;
      this.found = null;
      this.both.hidden = true;
      this.hideFields();
    }

    // Until the first look has answered it is not known what may be chosen at all.
    hideFields() {
      this.node.hidden = true;
      for (const name of CHOICES) this.fields[name].hidden = !this.menus[name].value;
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
        found = { found: {}, columns: [], paths: [], proposal: null, fitting: [], rows: [], records: [], counts: null, notices: [], problem: error };
      } finally {
        clearTimeout(slow);
      }
      if (turn !== this.turn) return;
      this.found = found;
      const isMapped = this.offerMapping(found);
      if (isMapped) found.problem = null;
      this.render();
      if (isMapped) return this.refresh();
      this.changed(found);
    }

    render() {
      const { found } = this;
      this.node.dataset.preview = found.problem ? "problem" : "shown";
      for (const name of CHOICES) this.renderGuess(name, found.found[name]);
      this.problem.replaceChildren(...(found.problem ? [data.problem(found.problem)] : []));
      this.node.classList.toggle("ws-mapping", this.wizard.isOpen);
      this.wizard.show(found);
      this.renderRows();
      this.renderRecords();
      this.renderCount();
    }

    // A delimiter is only shown where the file has one; what was chosen stays changeable.
    renderGuess(name, guess) {
      const menu = this.menus[name];
      this.offer(name, guess?.among);
      this.fields[name].hidden = !guess && !menu.value;
      menu.options[0].textContent = guess && !menu.value ? this.ctx.say("data.choice_found", { title: guess.title }) : this.ctx.say("data.choice_auto");
      const noFormat = name === "format" && this.wizard.isOpen && this.noFormat;
      this.reasons[name].textContent = noFormat ? this.ctx.say("data.mapping_no_format") : (guess?.reason ?? "");
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
