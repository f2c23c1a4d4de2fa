// The mapping wizard: which columns of a file fill which part of a record, seen at once beside it, kept under a name.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const TEXT = "\u0000text"; // no path is called so
  const TYPING_MS = 350;

  class Wizard {
    // changed(): the mapping is another one now. saved(name): the list of saved mappings has changed.
    constructor(ctx, options, { changed, saved }) {
      Object.assign(this, { ctx, options, changed, saved });
      this.isOpen = false;
      this.name = null;
      this.paths = [];
      this.drawn = "";
      this.kind = el("select", { class: "ws-input", attrs: { "data-mapping": "kind" }, on: { change: () => this.pickKind() } }, Object.keys(options.kinds).map((kind) => el("option", { text: ctx.say(`data.kind.${kind}`), attrs: { value: kind } })));
      this.parts = el("div", { class: "ws-map-parts" });
      this.keep = el("div", { class: "ws-map-keep" });
      this.node = el("div", { class: "ws-map", attrs: { role: "group", "aria-label": ctx.say("data.mapping_title") } }, [el("p", { class: "ws-why", text: ctx.say("data.mapping_says") }), data.field(ctx.say("data.mapping_kind"), this.kind), this.parts, this.keep]);
      this.node.hidden = true;
      this.set(null);
    }

    set(mapping) {
      const { kind = "conversation", roles = {}, choices = null, tags = [] } = structuredClone(mapping ?? {});
      this.mapping = { kind, roles, choices, tags };
      this.kind.value = kind;
      this.drawn = "";
    }

    open(mapping, name) {
      this.set(mapping);
      this.name = name;
      this.isEdited = false;
      this.isOpen = true;
      this.node.hidden = false;
      this.draw();
    }

    close() {
      this.isOpen = false;
      this.node.hidden = true;
    }

    // What an import takes. A mapping that was changed after it was picked is another one.
    value() {
      return { mapping: this.asked(), mapping_name: this.isEdited ? null : this.name };
    }

    asked() {
      const { kind, roles, choices, tags } = this.mapping;
      const known = this.options.kinds[kind].map((role) => role.name);
      const filled = Object.entries(roles).filter(([role, fill]) => known.includes(role) && (fill.column || fill.text !== undefined));
      const made = { kind, roles: Object.fromEntries(filled) };
      if (choices?.columns.length) made.choices = choices;
      if (tags.length) made.tags = tags;
      return made;
    }

    // The columns of the file, as the last look has found them; drawn anew only where they are others.
    show(found) {
      this.paths = found.paths;
      this.draw();
    }

    edit(act) {
      act(this.mapping);
      this.isEdited = true;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.changed(), 0);
      this.draw();
    }

    type(act) {
      act(this.mapping);
      this.isEdited = true;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.changed(), TYPING_MS);
    }

    // What was said for one kind is kept where the other has a role that means the same.
    pickKind() {
      const asks = ["user", "prompt", "text"];
      const answers = ["assistant", "completion", "chosen", "answer", "label"];
      this.edit((mapping) => {
        const before = mapping.roles;
        mapping.kind = this.kind.value;
        const same = (name) => before[name] ?? [asks, answers].filter((group) => group.includes(name)).flatMap((group) => group.map((other) => before[other])).find(Boolean);
        mapping.roles = Object.fromEntries(this.options.kinds[mapping.kind].filter((role) => role.required || before[role.name]).map((role) => [role.name, same(role.name)]).filter(([, fill]) => fill));
      });
    }

    draw() {
      if (!this.isOpen) return;
      const state = JSON.stringify([this.paths, this.shape(), this.name, this.options.mappings.length]);
      if (state === this.drawn) return;
      this.drawn = state;
      const at = this.node.contains(document.activeElement) ? document.activeElement.dataset.at : null;
      this.parts.replaceChildren(...this.options.kinds[this.mapping.kind].map((role) => this.drawRole(role)), this.drawChoices(), this.drawTags());
      this.keep.replaceChildren(...this.drawKeep());
      if (at) this.node.querySelector(`[data-at="${at}"]`)?.focus();
    }

    // What decides which controls there are: not what is typed into them.
    shape() {
      const { kind, roles, choices, tags } = this.mapping;
      const fills = Object.entries(roles).map(([name, fill]) => [name, fill.column ?? null, fill.text === undefined, fill.picks ?? null, fill.speaker ?? null, fill.said ?? null]);
      return [kind, fills, choices, tags];
    }

    option(value, text, example) {
      const shown = example ? `${text} · ${example}` : text;
      return el("option", { text: shown, attrs: { value, translate: "no" } });
    }

    drawRole(role) {
      const { say } = this.ctx;
      const fill = this.mapping.roles[role.name];
      const menu = el("select", { class: "ws-input", attrs: { "data-role": role.name, "data-at": `role-${role.name}`, "aria-label": whetstone.said(role.title) } }, [
        el("option", { text: say(role.required && !this.isNeedless(role) ? "data.mapping_open" : "data.mapping_unused"), attrs: { value: "" } }),
        el("option", { text: say("data.mapping_text"), attrs: { value: TEXT } }),
        ...this.paths.map(({ path, example }) => this.option(path, path, example.slice(0, 40))),
      ]);
      if (fill?.column && !this.paths.some(({ path }) => path === fill.column)) menu.append(this.option(fill.column, fill.column));
      menu.value = !fill ? "" : (fill.column ?? TEXT);
      menu.addEventListener("change", () => this.pickColumn(role, menu.value));
      const more = fill ? [fill.column ? null : this.drawText(role, fill), this.drawTurns(role, fill), this.drawPicks(role, fill), this.drawValues(role, fill)] : [];
      return el("div", { class: "ws-map-role" }, [el("span", { class: "ws-key", text: whetstone.said(role.title) }), el("div", { class: "ws-map-fill" }, [menu, ...more])]);
    }

    isNeedless(role) {
      return this.options.kinds[this.mapping.kind].some((other) => this.mapping.roles[other.name] && other.instead_of.includes(role.name));
    }

    pickColumn(role, value) {
      this.edit(({ roles }) => {
        for (const other of role.instead_of) if (value) delete roles[other];
        for (const other of this.options.kinds[this.mapping.kind]) if (value && other.instead_of.includes(role.name)) delete roles[other.name];
        if (!value) delete roles[role.name];
        else roles[role.name] = value === TEXT ? { text: "" } : { column: value };
      });
    }

    drawText(role, fill) {
      const { say } = this.ctx;
      const box = el("textarea", { class: "ws-input", attrs: { rows: "2", translate: "no", dir: "auto", "data-at": `text-${role.name}`, placeholder: say("data.mapping_text_example"), "aria-label": say("data.mapping_text") } });
      box.value = fill.text ?? "";
      box.addEventListener("input", () => this.type(() => (fill.text = box.value)));
      return box;
    }

    place(fill) {
      return this.paths.find(({ path }) => path === fill.column);
    }

    // Of a column of turns: which field says who speaks, and which what is said.
    drawTurns(role, fill) {
      const names = Object.keys(this.place(fill)?.speakers ?? {});
      if (role.name !== "turns" || !names.length) return null;
      const { say } = this.ctx;
      const menu = (key) => {
        const node = el("select", { class: "ws-input", attrs: { "data-at": `${key}-${role.name}`, "aria-label": say(`data.mapping_${key}`) } }, [el("option", { text: say("data.choice_auto"), attrs: { value: "" } }), ...names.map((name) => this.option(name, name))]);
        node.value = fill[key] ?? "";
        node.addEventListener("change", () => this.edit(() => (node.value ? (fill[key] = node.value) : delete fill[key])));
        return data.field(say(`data.mapping_${key}`), node);
      };
      return el("div", { class: "ws-map-two" }, [menu("speaker"), menu("said")]);
    }

    // An answer may pick one of the choices, and be written as its mark or as its text.
    drawPicks(role, fill) {
      if (!this.mapping.choices?.columns.length || !["assistant", "answer", "completion", "label", "chosen"].includes(role.name)) return null;
      const { say } = this.ctx;
      const menu = el("select", { class: "ws-input", attrs: { "data-at": `picks-${role.name}`, "aria-label": say("data.mapping_picks") } }, ["", "mark", "text"].map((one) => el("option", { text: say(`data.mapping_picks_${one || "not"}`), attrs: { value: one } })));
      menu.value = fill.picks ?? "";
      menu.addEventListener("change", () => this.edit(() => (menu.value ? (fill.picks = menu.value) : delete fill.picks)));
      return menu;
    }

    // What is put in place of a value, where the first rows have few of them: 1 → true, agent → assistant.
    drawValues(role, fill) {
      const { say } = this.ctx;
      const place = this.place(fill);
      const values = (role.name === "turns" ? place?.speakers[fill.speaker] : place?.values) ?? [];
      if (!values.length || !["turns", "label", "winner", "answer", "assistant", "verifier"].includes(role.name)) return null;
      const lines = values.map((value) => {
        const box = el("input", { class: "ws-input", attrs: { type: "text", maxlength: "200", translate: "no", "data-value": value, placeholder: value, "aria-label": say("data.mapping_value", { value }) } });
        box.value = fill.values?.[value] ?? "";
        box.addEventListener("input", () => this.type(() => this.putValue(fill, value, box.value)));
        return el("label", { class: "ws-map-value" }, [el("code", { text: value, attrs: { translate: "no" } }), el("span", { text: "→", attrs: { "aria-hidden": "true" } }), box]);
      });
      return el("details", { class: "ws-found", attrs: { open: Object.keys(fill.values ?? {}).length > 0 || role.name === "winner" } }, [el("summary", { text: say("data.mapping_values") }), el("div", { class: "ws-map-values" }, lines)]);
    }

    putValue(fill, value, text) {
      fill.values = { ...fill.values, [value]: text };
      if (!text) delete fill.values[value];
    }

    columnBoxes(chosen, put) {
      return this.paths.map(({ path }) => {
        const box = el("input", { attrs: { type: "checkbox", value: path } });
        box.checked = chosen.includes(path);
        box.addEventListener("change", () => this.edit(() => put(box.checked ? [...chosen, path] : chosen.filter((one) => one !== path))));
        return el("label", { class: "ws-map-box" }, [box, el("span", { text: path, attrs: { translate: "no" } })]);
      });
    }

    drawChoices() {
      const { say } = this.ctx;
      const choices = this.mapping.choices ?? { columns: [], marks: "letters", first: 0 };
      const put = (columns) => (this.mapping.choices = columns.length ? { ...choices, columns: this.paths.map(({ path }) => path).filter((path) => columns.includes(path)) } : null);
      const menu = (key, values) => {
        const node = el("select", { class: "ws-input" }, values.map((value) => el("option", { text: say(`data.mapping_${key}_${value}`), attrs: { value } })));
        node.value = String(choices[key] ?? values[0]);
        node.addEventListener("change", () => this.edit(() => (this.mapping.choices = { ...choices, [key]: key === "first" ? Number(node.value) : node.value })));
        return data.field(say(`data.mapping_${key}`), node);
      };
      const more = choices.columns.length ? [el("div", { class: "ws-map-two" }, [menu("marks", ["letters", "numbers"]), menu("first", [0, 1])])] : [];
      return el("details", { class: "ws-found", attrs: { open: choices.columns.length > 0, "data-part": "choices" } }, [
        el("summary", { text: say("data.mapping_choices", { count: choices.columns.length }) }),
        el("div", { class: "ws-map-boxes" }, this.columnBoxes(choices.columns, put)),
        ...more,
      ]);
    }

    drawTags() {
      const { tags } = this.mapping;
      return el("details", { class: "ws-found", attrs: { open: tags.length > 0, "data-part": "tags" } }, [
        el("summary", { text: this.ctx.say("data.mapping_tags", { count: tags.length }) }),
        el("div", { class: "ws-map-boxes" }, this.columnBoxes(tags, (columns) => (this.mapping.tags = columns))),
      ]);
    }

    drawKeep() {
      const { say } = this.ctx;
      const box = el("input", { class: "ws-input", attrs: { type: "text", maxlength: "80", translate: "no", placeholder: say("data.mapping_name"), "aria-label": say("data.mapping_name"), "data-at": "mapping-name" } });
      box.value = this.name ?? "";
      const save = data.button(say("data.mapping_save"), () => data.once(save, () => this.save(box.value.trim())), "small");
      const changes = this.name ? [data.button(say("data.mapping_rename"), () => this.rename(box.value.trim()), "small"), data.button(say("data.mapping_delete"), () => this.remove(), "small")] : [];
      return [box, save, ...changes];
    }

    keepList(mappings, name) {
      this.options.mappings = mappings;
      this.name = name;
      this.isEdited = false;
      this.saved(name);
      this.draw();
    }

    async save(name) {
      const { say, server, toast } = this.ctx;
      if (!name) return this.keep.querySelector("input").focus();
      this.keepList(await server.save_mapping({ name, mapping: this.asked() }), name);
      toast(say("data.mapping_saved", { name }), "good");
    }

    async rename(to) {
      if (!to || to === this.name) return this.keep.querySelector("input").focus();
      this.keepList(await this.ctx.server.rename_mapping({ name: this.name, to }), to);
    }

    async remove() {
      if (!(await this.ctx.confirm("data.mapping_delete", { name: this.name }))) return;
      this.keepList(await this.ctx.server.delete_mapping({ name: this.name }), null);
    }
  }

  data.mappingWizard = (...given) => new Wizard(...given);
})();
