// Boxes for text: one that grows with what is typed, one with marks behind its words, and one for JSON that says what is wrong.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const GROWS_BY_CSS = CSS.supports("field-sizing", "content");
  // Laying out a megabyte takes a browser up to 20 s (a font run costs about 60 µs): a longer text is shown in parts.
  const LONG = 40_000;
  const PART = 20_000;

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

  // Where the part that holds a place begins and ends; no letter of two units is cut.
  const partAt = (text, at) => {
    const whole = (unit) => (/[\udc00-\udfff]/.test(text[unit] || "") ? unit + 1 : unit);
    const first = Math.min(Math.floor(at / PART), Math.max(0, Math.ceil(text.length / PART) - 1)) * PART;
    return [whole(first), Math.min(whole(first + PART), text.length)];
  };

  // A text in a box that grows; a long one part by part, with `bar` to turn them. edit: {begin(), text(value)}.
  // `from` is the place in the text at which the box begins; showAt(place) shows the part that holds it.
  class TextBox {
    constructor(text, label, edit) {
      Object.assign(this, { text, edit, from: 0, to: text.length });
      this.node = el("textarea", { class: "ws-turn-text", attrs: { rows: "1", translate: "no", dir: "auto", spellcheck: "false", "aria-label": label } });
      this.bar = el("div", { class: "ws-parts", attrs: { hidden: true } });
      this.show(0);
      this.node.addEventListener("focus", edit.begin);
      this.node.addEventListener("input", () => this.typed());
    }

    show(at) {
      [this.from, this.to] = data.isLong(this.text) ? partAt(this.text, at) : [0, this.text.length];
      this.node.value = this.text.slice(this.from, this.to);
      this.dress();
    }

    showAt(at) {
      if (at < this.from || at > this.to) this.show(at);
    }

    typed() {
      const { value } = this.node;
      this.text = this.text.slice(0, this.from) + value + this.text.slice(this.to);
      this.to = this.from + value.length;
      if (data.isLong(value)) this.show(this.from);
      else this.dress();
      grow(this.node);
      this.edit.text(this.text);
    }

    dress() {
      const { say } = whetstone;
      this.node.lang = data.languageOf(this.node.value) || "";
      this.node.classList.toggle("ws-long", data.isLong(this.text));
      this.bar.hidden = this.from === 0 && this.to === this.text.length;
      if (this.bar.hidden) return;
      const turn = (icon, key, to, off) => data.iconButton(icon, say(key), off, () => this.show(to));
      this.bar.replaceChildren(
        turn("‹", "data.part_previous", this.from - PART, this.from === 0),
        el("span", { class: "ws-key", text: say("data.part", { first: this.from + 1, last: this.to, total: this.text.length }) }),
        turn("›", "data.part_next", this.to, this.to >= this.text.length));
    }
  }

  data.textBox = (text, label, edit) => new TextBox(text, label, edit);

  // Marks lie behind the words: the same text in the same type, of which only the backgrounds are seen.
  // pieces: [{text, class}] that together are the text of the box; null takes the marks away.
  data.withMarks = (box) => {
    const behind = el("div", { class: "ws-behind ws-turn-text", attrs: { "aria-hidden": "true", translate: "no" } });
    const node = el("div", { class: "ws-marked" }, [behind, box.node, box.bar]);
    const draw = (pieces) => {
      behind.lang = box.node.lang;
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
    box.value = text ?? data.jsonText(value);
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
      el("pre", { text: data.jsonText(shown), attrs: { translate: "no" } }),
    ]);
  };

  data.iconButton = (icon, label, disabled, act) => {
    const button = el("button", { class: "ws-icon", text: icon, attrs: { type: "button", title: label, "aria-label": label }, on: { click: act } });
    button.disabled = disabled;
    return button;
  };
})();
