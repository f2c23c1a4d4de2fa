// Which columns the table has: those of the records' kind and what is known of each row; a person hides and shows them.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const REMEMBERED = "whetstone.data.columns";
  const MORE = ["length", "quality", "tags", "split"];
  const TONES = { error: "ws-tag-bad", warn: "ws-tag-warn", info: "" };

  const read = () => {
    try {
      const found = JSON.parse(localStorage.getItem(REMEMBERED));
      return found && typeof found === "object" ? found : {};
    } catch {
      return {}; // storage may be forbidden, or hold something else
    }
  };

  // {name: true or false} as the person has chosen for a kind; what is not there follows the page.
  const chosenFor = (kind) => read()[kind] || {};

  const remember = (kind, chosen) => {
    try {
      localStorage.setItem(REMEMBERED, JSON.stringify({ ...read(), [kind]: chosen }));
    } catch {
      // see read()
    }
  };

  const hasTags = (page) => page.rows.some(({ tags }) => tags.some((tag) => tag !== data.FLAG));

  /** The columns to draw: names of the record's own, then of what is known besides. */
  data.columnsShown = (kind, page) => {
    const chosen = chosenFor(kind);
    const byItself = (name) => name !== "tags" || hasTags(page);
    return [...page.columns, ...MORE].filter((name) => chosen[name] ?? byItself(name));
  };

  const quality = (say, row, titles) => {
    if (!row.found.length) return row.looked ? el("span", { class: "ws-tag ws-tag-good", text: say("data.quality.ok") }) : el("span", { class: "ws-key", text: "–", attrs: { title: say("data.quality.unknown") } });
    const names = row.found.map(([check]) => whetstone.said(titles[check]));
    const [[, severity]] = row.found;
    const tag = el("span", { class: `ws-tag ws-quality-tag ${TONES[severity]}`, text: names[0], attrs: { title: names.join("\n") } });
    return names.length === 1 ? tag : el("span", { class: "ws-quality" }, [tag, el("span", { class: "ws-key", text: `+${names.length - 1}` })]);
  };

  /** Empty for a moment, while the tokens of a page are counted. */
  data.lengthText = (row, page) => {
    const length = data.lengthUnit(page) === "tokens" ? data.tokensOf(row, page) : row.characters;
    return length == null ? "" : whetstone.number(length);
  };

  /** One cell: of the record's own columns, or what is known of the row. */
  data.columnCell = (say, name, row, page) => {
    const own = page.columns.indexOf(name);
    if (own >= 0) {
      const cell = data.cell(name, row.cells[own]);
      cell.classList.add("ws-cell");
      return cell;
    }
    const node = el("td", { class: `ws-col-${name}` });
    if (name === "length") node.textContent = data.lengthText(row, page);
    if (name === "quality") node.append(quality(say, row, page.titles));
    if (name === "tags") node.append(...row.tags.filter((tag) => tag !== data.FLAG).map((tag) => el("span", { class: "ws-tag", text: tag, attrs: { translate: "no" } })));
    if (name === "split") node.append(el("span", { class: row.split === "held_out" ? "ws-tag" : "ws-key", text: say(`data.split.${row.split}`) }));
    return node;
  };

  data.columnName = (say, name, page) => say(name === "length" ? `data.column.${data.lengthUnit(page)}` : `data.column.${name}`);

  /** A menu of boxes under a button: what is ticked is shown, remembered in this browser for records of this kind. */
  data.chooseColumns = (button, say, kind, page, changed) => {
    const shown = data.columnsShown(kind, page);
    const menu = el("div", { class: "ws-menu ws-column-menu", attrs: { popover: "auto" } });
    menu.append(...[...page.columns, ...MORE].map((name) => {
      const box = el("input", { attrs: { type: "checkbox", checked: shown.includes(name) } });
      box.addEventListener("change", () => {
        remember(kind, { ...chosenFor(kind), [name]: box.checked });
        changed();
      });
      return el("label", { class: "ws-menu-item ws-tick-tag" }, [box, el("span", { text: data.columnName(say, name, page) })]);
    }));
    menu.addEventListener("toggle", (event) => {
      button.setAttribute("aria-expanded", String(event.newState === "open"));
      if (event.newState === "closed") setTimeout(() => menu.remove());
    });
    document.body.append(menu);
    menu.showPopover();
    const place = button.getBoundingClientRect();
    menu.style.top = `${Math.max(8, Math.min(place.bottom + 4, innerHeight - menu.offsetHeight - 8))}px`;
    menu.style.left = `${Math.max(8, place.right - menu.offsetWidth)}px`;
    menu.querySelector("input").focus();
  };
})();
