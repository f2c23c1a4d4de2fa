// The boxes of a record that are no turns: a text, a number, a rating, labels, the rule that checks an answer, tools.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const VERIFIERS = ["number", "exact", "choice"];

  const named = (name, say, children, beside) =>
    el("div", { class: "ws-section", attrs: { "data-name": name } }, [
      el("div", { class: "ws-section-head" }, [el("span", { class: "ws-tag", text: say(`data.section.${name}`) }), el("span", { class: "ws-spacer" }), beside]),
      ...children,
    ]);
  data.namedSection = named;

  // A box with known words to choose from: those of the dataset, asked for when it is first used.
  const lineBox = (label, value, known, edit) => {
    const list = `ws-known-${whetstone.deed().slice(0, 8)}`;
    const words = el("datalist", { attrs: { id: list } });
    const box = el("input", { class: "ws-input", attrs: { type: "text", translate: "no", spellcheck: "false", autocomplete: "off", list, "aria-label": label } });
    box.value = value;
    let asked = false;
    box.addEventListener("focus", async () => {
      edit.begin();
      if (asked) return;
      asked = true;
      words.replaceChildren(...(await known()).map((word) => el("option", { attrs: { value: word } })));
    });
    box.addEventListener("input", () => edit.set(box.value));
    return { box, node: el("span", { class: "ws-known" }, [box, words]) };
  };
  data.lineBox = lineBox;

  const text = (part, record, say, edit) => {
    const box = data.textBox(String(record[part.name] ?? ""), say(`data.section.${part.name}`), { begin: edit.begin, text: edit.set });
    return named(part.name, say, [el("div", { class: "ws-turn" }, [box.node, box.bar])]);
  };

  const rating = (part, record, say, edit) => {
    const node = el("span", { class: "ws-choice ws-rating", attrs: { role: "radiogroup", "aria-label": say("data.rating") } });
    const show = () => [...node.children].forEach((one) => one.setAttribute("aria-checked", String(one.dataset.value === String(record[part.name]))));
    node.append(
      ...[true, false].map((value) =>
        el("button", { class: value ? "ws-good" : "ws-bad", text: say(value ? "data.rating_good" : "data.rating_bad"), attrs: { type: "button", role: "radio", "data-value": String(value) }, on: { click: () => (edit.begin(), edit.set(value), show()) } })));
    show();
    return named("rating", say, [node]);
  };

  const number = (part, record, say, edit) => {
    const box = el("input", { class: "ws-input ws-short", attrs: { type: "number", step: "any", "aria-label": say(`data.section.${part.name}`) } });
    if (record[part.name] !== undefined) box.value = data.plainText(record[part.name]);
    box.addEventListener("focus", edit.begin);
    box.addEventListener("input", () => edit.set(data.readNumber(box.value)));
    const why = el("span", { class: "ws-why", text: say("data.margin_why") });
    return el("label", { class: "ws-line-field", attrs: { "data-name": part.name } }, [el("span", { class: "ws-key", text: say(`data.section.${part.name}`) }), box, why]);
  };

  const verifier = (part, record, say, edit) => {
    const known = async () => [...new Set([...VERIFIERS, ...(await edit.known("verifier"))])];
    const line = lineBox(say("data.section.verifier"), String(record[part.name] ?? ""), known, edit);
    return named(part.name, say, [line.node, el("span", { class: "ws-why", text: say("data.verifier_why") })]);
  };

  // One label is a text; several are a list. A second one makes a list of it, and a list stays a list.
  const labels = (part, record, say, edit) => {
    const now = record[part.name];
    const all = Array.isArray(now) ? now : [now ?? ""];
    const write = (list) => edit.reshape(Array.isArray(now) || list.length !== 1 ? list : list[0]);
    const lines = all.map((label, index) => {
      const set = (value) => edit.set(Array.isArray(now) ? all.map((one, at) => (at === index ? (all[at] = value) : one)) : value);
      const line = lineBox(say("data.label_number", { number: index + 1 }), String(label), () => edit.known("label"), { begin: edit.begin, set });
      const out = data.iconButton("×", say("data.label_remove", { number: index + 1 }), !Array.isArray(now) && all.length < 2, () => write(all.filter((_, at) => at !== index)));
      return el("div", { class: "ws-label-line" }, [line.node, out]);
    });
    const add = data.button(say("data.label_add"), () => write([...all, ""]), "small");
    return named("label", say, lines, add);
  };

  const BUILDERS = { text, rating, number, verifier, labels };

  /** A part of a record that is no message list. edit: {begin(), set(value), reshape(value), known(what)}. */
  data.renderField = (part, record, say, edit) => BUILDERS[part.type](part, record, say, edit);

  /** The tools that a record's turns may call, as JSON. edit: {begin(), typed(), json(value, text), reshape(value)}. */
  data.renderTools = (record, say, edit) => {
    if (record.tools === undefined && edit.typed() === undefined) return data.button(say("data.tools_add"), () => edit.reshape([{ type: "function", function: { name: "", parameters: {} } }]), "small");
    const count = Array.isArray(record.tools) ? record.tools.length : 0;
    const box = data.jsonBox({ say, label: say("data.section.tools"), value: record.tools, text: edit.typed(), problem: data.toolsProblem, begin: edit.begin, change: edit.json });
    const out = data.iconButton("×", say("data.tools_remove"), false, () => edit.reshape(undefined));
    return el("details", { class: "ws-tools", attrs: { open: edit.typed() !== undefined || count < 2, "data-name": "tools" } }, [
      el("summary", {}, [el("span", { class: "ws-tag", text: say("data.tools_count", { count }) })]),
      el("div", { class: "ws-turn" }, [el("div", { class: "ws-turn-json-head" }, [el("span", { class: "ws-key", text: say("data.tools_words") }), out]), box]),
    ]);
  };
})();
