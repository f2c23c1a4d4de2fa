// Two people changed the same row: both versions side by side, what differs, and the choice between them.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  class Clash extends Error {}

  const joined = (base, mine, theirs) => {
    if (same(mine, base)) return theirs;
    if (same(theirs, base) || same(mine, theirs)) return mine;
    const lists = [base, mine, theirs].every(Array.isArray) && base.length === mine.length && base.length === theirs.length;
    if (lists) return base.map((one, index) => joined(one, mine[index], theirs[index]));
    if (![base, mine, theirs].every(isObject)) throw new Clash();
    const names = [...new Set([...Object.keys(theirs), ...Object.keys(mine)])];
    const made = names.map((name) => [name, joined(base[name], mine[name], theirs[name])]);
    return Object.fromEntries(made.filter(([, value]) => value !== undefined));
  };

  /** Both changes of a record in one, where they touch different parts of it; null where they do not go together. */
  data.joinChanges = (base, mine, theirs) => {
    try {
      return joined(base, mine, theirs);
    } catch (clash) {
      if (clash instanceof Clash) return null;
      throw clash;
    }
  };

  // Every text of a record with its place: turns by section and number, all else by its field.
  const textsOf = (kind, record) => {
    const shown = (value) => (typeof value === "string" ? data.plainText(value) : value === undefined ? null : data.jsonText(value));
    const found = new Map();
    for (const [name, value] of Object.entries(record)) {
      if (!data.sectionsOf(kind).includes(name) || !Array.isArray(value)) found.set(name, { section: name, text: shown(value) });
      else
        value.forEach((turn, index) => {
          const { role, content, ...others } = turn;
          const more = Object.keys(others).length ? `\n${data.jsonText(others)}` : "";
          found.set(`${name}[${index}]`, { section: name, role, text: `${shown(content) ?? ""}${more}` });
        });
    }
    return found;
  };

  const cell = (say, one, pieces) =>
    el("div", { class: "ws-conflict-cell" }, one === undefined ? [el("span", { class: "ws-key", text: say("data.conflict_missing") })] : [
      one.role ? el("span", { class: "ws-key", text: whetstone.has(`data.role.${one.role}`) ? say(`data.role.${one.role}`) : one.role }) : null,
      el("div", { class: "ws-conflict-text", attrs: { translate: "no", dir: "auto", lang: data.languageOf(one.text || "") } }, pieces),
    ]);

  const comparison = (say, kind, mine, theirs) => {
    const [left, right] = [textsOf(kind, mine), textsOf(kind, theirs)];
    const heads = ["mine", "theirs"].map((name) => el("strong", { class: "ws-conflict-head", text: say(`data.conflict_${name}`) }));
    const cells = [...new Set([...left.keys(), ...right.keys()])].flatMap((path) => {
      const [one, other] = [left.get(path), right.get(path)];
      const pieces = data.wordDiff(one?.text ?? "", other?.text ?? "");
      const marked = (kept, tag, name) => pieces.filter((piece) => piece.kind === "same" || piece.kind === kept).map((piece) => el(piece.kind === "same" ? "span" : tag, { class: piece.kind === "same" ? "" : name, text: piece.text }));
      const section = (one || other).section;
      const title = whetstone.has(`data.section.${section}`) ? say(`data.section.${section}`) : section;
      return [
        el("div", { class: "ws-conflict-name" }, [el("span", { class: "ws-tag", text: title })]),
        cell(say, one, marked("gone", "mark", "ws-only-mine")),
        cell(say, other, marked("new", "mark", "ws-only-theirs")),
      ];
    });
    return el("div", { class: "ws-conflict" }, [...heads, ...cells]);
  };

  /** Asks which version of a row is to stand: "both", "mine", "theirs", or null to go on writing. */
  data.askConflict = (ctx, { kind, number, mine, theirs, both }) => {
    const { say } = ctx;
    const words = [el("p", { text: say("data.conflict_words") })];
    if (both) words.push(el("p", { text: say("data.conflict_both_words") }));
    return whetstone.dialog({
      title: say("data.conflict_title", { number }),
      body: [...words, comparison(say, kind, mine, theirs)],
      wide: true,
      actions: [
        { label: say("data.conflict_later"), value: null },
        { label: say("data.conflict_take_theirs"), value: "theirs" },
        { label: say("data.conflict_take_mine"), value: "mine" },
        ...(both ? [{ label: say("data.conflict_take_both"), value: "both", primary: true }] : []),
      ],
    });
  };
})();
