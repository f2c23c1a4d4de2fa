// The dialog of everything else that rows can be picked and ordered by.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const ORDERS = [["position", false], ["position", true], ["length", true], ["length", false], ["tokens", true], ["tokens", false], ["edited", true], ["findings", true]];

  const choice = (name, options, chosen) => {
    const node = el("select", { class: "ws-input", attrs: { "data-field": name } }, options.map(([value, text]) => el("option", { text, attrs: { value } })));
    node.value = chosen ?? "";
    return node;
  };

  const threeWays = (say, name, chosen) =>
    choice(name, [["", say("data.filter.whichever")], ["yes", say(`data.filter.${name}_yes`)], ["no", say(`data.filter.${name}_no`)]], chosen === undefined ? "" : chosen ? "yes" : "no");

  const answer = (select) => ({ yes: true, no: false })[select.value];

  const tagBoxes = (say, tags, chosen) => {
    const known = tags.filter(({ tag }) => tag !== data.FLAG);
    if (!known.length) return { node: el("span", { class: "ws-key", text: say("data.filter.no_tags") }), chosen: () => [] };
    const boxes = known.map(({ tag, rows }) => {
      const input = el("input", { attrs: { type: "checkbox", value: tag, checked: chosen.includes(tag) } });
      return { input, node: el("label", { class: "ws-tick-tag" }, [input, el("span", { text: tag, attrs: { translate: "no" } }), el("span", { class: "ws-key", text: whetstone.number(rows) })]) };
    });
    return { node: el("div", { class: "ws-tag-boxes" }, boxes.map(({ node }) => node)), chosen: () => boxes.filter(({ input }) => input.checked).map(({ input }) => input.value) };
  };

  const lengthBox = (value, label) => {
    const box = el("input", { class: "ws-input", attrs: { type: "number", min: "0", step: "1", inputmode: "numeric", "aria-label": label, placeholder: label } });
    box.value = value ?? "";
    return box;
  };

  const wholeIn = (box) => (box.value === "" ? undefined : Math.max(0, Math.round(Number(box.value))));

  data.askFilter = async (ctx, filters) => {
    const { say } = ctx;
    await filters.refresh();
    const { asked, order, menu } = filters;
    const unit = choice("length_unit", ["characters", "tokens"].map((name) => [name, say(`data.filter.length_${name}`)]), asked.length_unit || (filters.page() ? data.lengthUnit(filters.page()) : "characters"));
    const told = el("p", { class: "ws-key", attrs: { role: "status" } });
    const tags = tagBoxes(say, menu.tags, asked.tags || []);
    const flagged = threeWays(say, "flagged", asked.is_flagged);
    const edited = threeWays(say, "edited", asked.is_edited);
    const kind = choice("kind", [["", say("data.filter.whichever")], ...menu.kinds.map((one) => [one.kind, say("data.filter.kind_rows", { kind: say(`data.kind.${one.kind}`), rows: one.rows })])], asked.kind);
    const least = lengthBox(asked.min_length, say("data.filter.least"));
    const most = lengthBox(asked.max_length, say("data.filter.most"));
    const role = choice("role", [...filters.role.options].map((one) => [one.value, one.text]), asked.role);
    const known = ORDERS.map(([sort, down]) => [`${sort} ${down}`, say(`data.filter.order.${sort}_${down ? "down" : "up"}`)]);
    const now = `${order.sort || "position"} ${Boolean(order.descending)}`;
    if (!known.some(([value]) => value === now)) known.push([now, say(`data.filter.order.${order.sort}_${order.descending ? "down" : "up"}`)]);
    const sort = choice("sort", known, now);
    const body = el("div", { class: "ws-halves" }, [
      data.field(say("data.filter.flagged"), flagged),
      data.field(say("data.filter.edited"), edited),
      menu.kinds.length > 1 || asked.kind ? data.field(say("data.filter.kind"), kind) : null,
      data.field(say("data.filter.role_long"), role),
      data.field(say("data.filter.sort"), sort),
    ]);
    unit.setAttribute("aria-label", say("data.filter.length"));
    const length = el("div", { class: "ws-field" }, [
      el("span", { class: "ws-key", text: say("data.filter.length") }),
      el("span", { class: "ws-inline" }, [unit, least, el("span", { class: "ws-key", text: "–" }), most]),
    ]);
    const done = async () => {
      const [name, down] = sort.value.split(" ");
      const range = { min_length: wholeIn(least), max_length: wholeIn(most) };
      const byTokens = unit.value === "tokens" && (range.min_length !== undefined || range.max_length !== undefined);
      const base = byTokens || name === "tokens" ? asked.base || data.measuredBase() : undefined;
      if (base && !(await data.measureRows(ctx.server, filters.info.id, base, () => (told.textContent = say("data.measuring"))))) {
        told.textContent = say("data.measuring_failed");
        return false;
      }
      filters.order = name === "position" && down === "false" ? {} : { sort: name, descending: down === "true" };
      filters.put({
        tags: tags.chosen(), is_flagged: answer(flagged), is_edited: answer(edited), kind: kind.value, role: role.value, ...range,
        length_unit: byTokens ? "tokens" : undefined, base,
      });
      return true;
    };
    await data.ask({ title: say("data.filter.title"), body: [body, length, data.field(say("data.filter.tags"), tags.node), told], act: say("data.filter.show"), done });
  };
})();
