// Which rows are shown: the search box, the menus beside it, and a chip for everything else that is asked for.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  // Typing pauses longer than this start a search; shorter felt hasty with a Japanese input method.
  const SEARCH_PAUSE_MS = 250;
  const FIRST_BASE = "pocket"; // what the X-ray is set to until somebody chooses
  const PATTERN = /^\/(.+)\/(i?)$/s;
  const TEXT_FIELDS = { verifiable: ["answer"], document: ["text"], classification: ["text", "label"], extraction: ["text", "label"] };
  const ROLES = ["system", "user", "assistant", "tool"];

  /** What is typed as a selection asks for it: /…/ is a regular expression, /…/i one that takes capitals for small letters. */
  data.readQuery = (typed) => {
    const text = typed.trim();
    const found = PATTERN.exec(text);
    if (found) return { query: `${found[2] ? "(?i)" : ""}${found[1]}`, is_regex: true };
    return text ? { query: text } : {};
  };

  const writeQuery = ({ query = "", is_regex: isRegex }) => {
    if (!isRegex) return query;
    return query.startsWith("(?i)") ? `/${query.slice(4)}/i` : `/${query}/`;
  };

  /** The roles and fields that texts of records of a kind have. */
  data.rolesOf = (kind) => [...(["document", "classification", "extraction"].includes(kind) ? [] : ROLES), ...(TEXT_FIELDS[kind] || [])];

  /** The base model that the X-ray is set to: lengths in tokens are told for it. */
  data.measuredBase = () => {
    try {
      return JSON.parse(localStorage.getItem("whetstone.xray"))?.base || FIRST_BASE;
    } catch {
      return FIRST_BASE; // storage may be forbidden, or hold something else
    }
  };

  class Filters {
    // changed(): called when something else is asked for. page(): the rows that are shown
    constructor(ctx, changed, page) {
      this.ctx = ctx;
      this.changed = changed;
      this.page = page;
      this.info = null;
      this.asked = {}; // the fields of a selection, without its order
      this.order = {}; // sort and descending, where they differ from the table's own
      this.label = null; // words for rows that were picked by somebody else: {words}
      this.menu = null;
      this.build();
    }

    build() {
      const { ctx } = this;
      const select = (name, field) => el("select", { class: `ws-input ws-filter-${name}`, on: { change: (event) => this.put({ [field]: event.target.value || undefined, ...(field === "check" ? { check_code: undefined } : {}) }) } });
      this.search = el("input", { class: "ws-input ws-search", attrs: { type: "search", translate: "no", autocomplete: "off", spellcheck: "false", maxlength: "1000" } });
      this.role = select("role", "role");
      this.split = select("split", "split");
      this.check = select("check", "check");
      this.more = data.button("", () => data.askFilter(ctx, this));
      this.chips = el("div", { class: "ws-chips", attrs: { hidden: true } });
      this.problem = el("div", { class: "ws-filter-problem", attrs: { role: "alert", hidden: true } });
      this.line = el("div", { class: "ws-filters" }, [this.search, this.role, this.split, this.check, this.more]);
      this.node = el("div", { class: "ws-filter-area" }, [this.line, this.problem, this.chips]);
      this.search.addEventListener("input", (event) => !event.isComposing && this.searchSoon());
      this.search.addEventListener("compositionend", () => this.searchSoon());
      this.search.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && this.searchNow());
    }

    searchSoon() {
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.searchNow(), SEARCH_PAUSE_MS);
    }

    searchNow() {
      clearTimeout(this.pause);
      const { query, is_regex } = data.readQuery(this.search.value);
      if (query === this.asked.query && is_regex === this.asked.is_regex) return;
      this.put({ query, is_regex });
    }

    // What a selection is made of, as the service reads it.
    get selection() {
      return { base: data.measuredBase(), ...this.asked, ...this.order };
    }

    get isActive() {
      return Object.keys(this.asked).some((name) => !["length_unit", "base"].includes(name));
    }

    put(part) {
      Object.assign(this.asked, part);
      for (const [name, value] of Object.entries(this.asked)) {
        if (value === undefined || value === null || value === "" || (Array.isArray(value) && name === "tags" && !value.length)) delete this.asked[name];
      }
      if (!this.asked.row_ids) this.label = null;
      if (!this.asked.check) delete this.asked.check_code;
      this.tell(null);
      this.draw();
      this.changed();
    }

    sortBy(sort, descending) {
      this.order = sort === "position" && !descending ? {} : { sort, descending };
      if (sort !== "tokens" && !("min_length" in this.asked || "max_length" in this.asked)) delete this.asked.base;
      this.changed();
    }

    // Asked for by another panel: it takes the place of what was asked before.
    take({ words, sort, descending, ...asked }) {
      this.reset();
      this.label = words ? { words } : null;
      this.order = sort ? { sort, descending: Boolean(descending) } : {};
      Object.assign(this.asked, asked);
      this.search.value = writeQuery(this.asked);
      this.draw();
    }

    reset() {
      clearTimeout(this.pause);
      this.asked = {};
      this.order = {};
      this.label = null;
      this.search.value = "";
      this.tell(null);
      this.draw();
    }

    open(info) {
      this.info = info;
      this.menu = null;
      this.draw();
    }

    // The tags, kinds and checks there are to choose from; read anew when rows or findings change.
    async refresh() {
      const { info } = this;
      if (!info) return;
      const menu = await this.ctx.server.menu({ id: info.id });
      if (info.id !== this.info?.id) return;
      this.menu = menu;
      this.draw();
    }

    // A pattern that cannot be used is told at the box.
    tell(problem) {
      this.problem.hidden = !problem;
      this.search.setAttribute("aria-invalid", String(Boolean(problem)));
      this.problem.replaceChildren(...(problem ? [el("strong", { text: problem.message }), el("span", { text: problem.hint || "" })] : []));
    }

    // Drawing -----------------------------------------------------------------------------------------------------

    draw() {
      const { say } = this.ctx;
      this.fill(this.role, [["", say("data.filter.any_role")], ...data.rolesOf(this.info?.kind).map((role) => [role, data.roleName(say, role)])], this.asked.role);
      this.fill(this.split, [["", say("data.split.all")], ...["train", "held_out"].map((name) => [name, say(`data.split.${name}`)])], this.asked.split);
      this.fill(this.check, this.checkChoices(), this.asked.check);
      this.drawChips();
    }

    checkChoices() {
      const { say } = this.ctx;
      const found = (this.menu?.checks || []).map(({ name, title }) => [name, whetstone.said(title)]);
      const asked = this.asked.check;
      if (asked && !["any", "none"].includes(asked) && !found.some(([name]) => name === asked)) found.push([asked, asked]);
      return [["", say("data.filter.all_checks")], ["any", say("data.filter.any_finding")], ["none", say("data.filter.no_finding")], ...found];
    }

    fill(select, choices, chosen) {
      select.replaceChildren(...choices.map(([value, text]) => el("option", { text, attrs: { value } })));
      select.value = chosen || "";
      select.classList.toggle("ws-asked", Boolean(chosen));
    }

    drawChips() {
      const { say } = this.ctx;
      const { asked } = this;
      const chips = [];
      const chip = (words, part) => chips.push(this.chip(words, () => this.put(part)));
      if (asked.row_ids) chip(this.label?.words || say("data.filter.chip_rows", { rows: asked.row_ids.length }), { row_ids: undefined });
      for (const tag of asked.tags || []) chip(say("data.filter.chip_tag", { tag }), { tags: asked.tags.filter((one) => one !== tag) });
      if (asked.is_flagged !== undefined) chip(say(asked.is_flagged ? "data.filter.chip_flagged" : "data.filter.chip_not_flagged"), { is_flagged: undefined });
      if (asked.is_edited !== undefined) chip(say(asked.is_edited ? "data.filter.chip_edited" : "data.filter.chip_not_edited"), { is_edited: undefined });
      if (asked.kind) chip(say(`data.kind.${asked.kind}`), { kind: undefined });
      if (asked.check_code) chip(this.codeWords(), { check_code: undefined });
      if (asked.min_length || asked.max_length) chip(this.lengthWords(), { min_length: undefined, max_length: undefined, length_unit: undefined });
      if (this.order.sort) chips.push(this.chip(this.orderWords(), () => this.sortBy("position", false)));
      const many = chips.length + Boolean(asked.query) + Boolean(asked.role) + Boolean(asked.split) + Boolean(asked.check) > 1;
      if (many) chips.push(el("button", { class: "ws-link ws-chip-all", text: say("data.filter.clear_all"), attrs: { type: "button" }, on: { click: () => { this.reset(); this.changed(); } } }));
      this.chips.hidden = !chips.length;
      this.chips.replaceChildren(...chips);
    }

    chip(words, act) {
      const label = this.ctx.say("data.filter.remove", { words });
      const close = el("button", { class: "ws-icon", text: "×", attrs: { type: "button", title: label, "aria-label": label }, on: { click: act } });
      return el("span", { class: "ws-chip" }, [el("span", { text: words }), close]);
    }

    codeWords() {
      const code = this.menu?.checks.find(({ name }) => name === this.asked.check)?.codes.find(({ code: one }) => one === this.asked.check_code);
      return code ? whetstone.nameOf(code.words) : this.asked.check_code;
    }

    lengthWords() {
      const { min_length: least, max_length: most, length_unit: unit = "characters" } = this.asked;
      const key = least && most ? "between" : least ? "from" : "to";
      return this.ctx.say(`data.filter.chip_${unit}_${key}`, { least, most });
    }

    orderWords() {
      const { sort, descending } = this.order;
      return this.ctx.say(`data.filter.order.${sort}_${descending ? "down" : "up"}`);
    }

    relabel() {
      const { say } = this.ctx;
      this.search.placeholder = say("data.search");
      for (const [control, key] of [[this.search, "data.search"], [this.role, "data.filter.role"], [this.split, "data.column.split"], [this.check, "data.filter.check"]]) control.setAttribute("aria-label", say(key));
      this.more.textContent = say("data.filter.more");
      this.draw();
    }
  }

  data.roleName = (say, role) => (ROLES.includes(role) ? say(`data.role.${role}`) : say(`data.section.${role}`));
  data.filters = (ctx, changed, page) => new Filters(ctx, changed, page);
})();
