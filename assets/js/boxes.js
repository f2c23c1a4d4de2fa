// Boxes for text: one that grows with what is typed, one with marks behind its words, and one for JSON that says what is wrong.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const GROWS_BY_CSS = CSS.supports("field-sizing", "content");
  // A megabyte in a box that grows would be laid out anew with every key: a longer text scrolls in a box of its own.
  const LONG = 40_000;

  // Japanese text gets its own glyphs and line height, also on an English page.
  data.languageOf = (text) => (/[\u3040-\u30ff\u3400-\u9fff]/.test(text.length > LONG ? text.slice(0, LONG) : text) ? "ja" : null);

  data.isLong = (text) => text.length > LONG;

  const grow = (box) => {
    if (GROWS_BY_CSS || box.classList.contains("ws-long")) return;
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight + 2}px`;
  };

  // Where css cannot grow a box, heights are set in one go: all reads after all writes.
  data.growAll = (root) => {
    if (GROWS_BY_CSS) return;
    const boxes = [...root.querySelectorAll("textarea.ws-turn-text:not(.ws-long)")];
    boxes.forEach((box) => (box.style.height = "auto"));
    const heights = boxes.map((box) => box.scrollHeight);
    boxes.forEach((box, index) => (box.style.height = `${heights[index] + 2}px`));
  };

  // edit: {begin(), text(value)}
  data.textBox = (text, label, edit) => {
    const box = el("textarea", { class: "ws-turn-text", attrs: { rows: "1", translate: "no", dir: "auto", spellcheck: "false", "aria-label": label } });
    const dress = () => {
      box.lang = data.languageOf(box.value) || "";
      box.classList.toggle("ws-long", data.isLong(box.value));
    };
    box.value = text;
    dress();
    box.addEventListener("focus", edit.begin);
    box.addEventListener("input", () => {
      dress();
      grow(box);
      edit.text(box.value);
    });
    return box;
  };

  // Marks lie behind the words: the same text in the same type, of which only the backgrounds are seen.
  // pieces: [{text, class}] that together are the text of the box; null takes the marks away.
  data.withMarks = (box) => {
    const behind = el("div", { class: "ws-behind ws-turn-text", attrs: { "aria-hidden": "true", translate: "no" } });
    const node = el("div", { class: "ws-marked" }, [behind, box]);
    const draw = (pieces) => {
      behind.lang = box.lang;
      behind.dir = "auto";
      behind.replaceChildren(...(pieces || []).map((piece) => el("span", { class: piece.class, text: piece.text })));
    };
    return { node, draw };
  };

  // A box for JSON. value: what it holds; text: what was typed and is no such JSON yet, else null. problem(value): a
  // fault of its shape or null. change(value, text): value is undefined as long as the text cannot be used.
  data.jsonBox = ({ say, label, value, text, problem, begin, change }) => {
    const number = `ws-json-${whetstone.deed().slice(0, 8)}`;
    const box = el("textarea", { class: "ws-turn-text ws-json", attrs: { rows: "2", translate: "no", spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-label": label, "aria-describedby": number } });
    const wrong = el("button", { class: "ws-link ws-json-wrong", attrs: { type: "button", id: number, hidden: true } });
    box.value = text ?? JSON.stringify(value, null, 2);
    const look = () => {
      const found = data.checkJson(box.value);
      const fault = "value" in found ? problem(found.value) : found;
      wrong.hidden = !fault;
      box.setAttribute("aria-invalid", String(Boolean(fault)));
      if (fault) wrong.textContent = "line" in fault ? say("data.json.at", { line: fault.line, column: fault.column, words: say(`data.json.${fault.code}`) }) : say(`data.json.${fault.code}`, fault);
      return { found, fault };
    };
    wrong.addEventListener("click", () => {
      const { found } = look();
      box.focus();
      if (found.at !== undefined) box.setSelectionRange(found.at, Math.min(found.at + 1, box.value.length));
    });
    box.addEventListener("focus", begin);
    box.addEventListener("input", () => {
      grow(box);
      const { found, fault } = look();
      change(fault ? undefined : found.value, box.value);
    });
    look();
    return el("div", { class: "ws-json-box" }, [box, wrong]);
  };

  // What has no box of its own is kept as it came and shown as it is.
  data.renderFields = (fields, words) => {
    const shown = Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null));
    if (!Object.keys(shown).length) return null;
    return el("details", { class: "ws-turn-more" }, [
      el("summary", { text: words }),
      el("pre", { text: JSON.stringify(shown, null, 2), attrs: { translate: "no" } }),
    ]);
  };

  data.iconButton = (icon, label, disabled, act) => {
    const button = el("button", { class: "ws-icon", text: icon, attrs: { type: "button", title: label, "aria-label": label }, on: { click: act } });
    button.disabled = disabled;
    return button;
  };
})();
