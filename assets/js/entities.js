// A text with marked entities: a span is chosen by selecting words, and follows them when the text is changed.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const TONES = 6;

  // Spans count code points, a box counts UTF-16 units: a letter beyond the first plane is one of those and two of these.
  const pointsBefore = (text, unit) => Array.from(text.slice(0, unit)).length;
  const unitOf = (points, at) => points.slice(0, at).join("").length;

  /** The spans after a text has changed: those behind the change move with it, those it touches say what they now cover. */
  data.followText = (before, after, entities) => {
    const [old, fresh] = [Array.from(before), Array.from(after)];
    let start = 0;
    while (start < old.length && start < fresh.length && old[start] === fresh[start]) start += 1;
    let end = 0;
    while (end < old.length - start && end < fresh.length - start && old[old.length - 1 - end] === fresh[fresh.length - 1 - end]) end += 1;
    const by = fresh.length - old.length;
    const changedTo = old.length - end;
    const says = (entity) => ({ ...entity, text: fresh.slice(entity.start, entity.end).join("") });
    return entities.flatMap((entity) => {
      if (entity.end <= start) return [entity];
      if (entity.start >= changedTo) return [{ ...entity, start: entity.start + by, end: entity.end + by }];
      if (entity.start <= start && entity.end >= changedTo) return entity.end + by > entity.start ? [says({ ...entity, end: entity.end + by })] : [];
      if (entity.start < start) return [says({ ...entity, end: start })];
      return entity.end > changedTo ? [says({ ...entity, start: changedTo + by, end: entity.end + by })] : [];
    });
  };

  /** Whether a span still says what stands in the text. */
  data.spanFits = (text, entity) => {
    const points = Array.from(text);
    return entity.start >= 0 && entity.end <= points.length && entity.start < entity.end && points.slice(entity.start, entity.end).join("") === entity.text;
  };

  const tone = (entities, label) => `ws-mark-${([...new Set(entities.map((one) => one.label))].indexOf(label) % TONES) + 1}`;

  // The text cut at every border of a span; where spans lie in one another the inner one is seen.
  const piecesOf = (text, entities) => {
    const points = Array.from(text);
    const borders = [...new Set([0, points.length, ...entities.flatMap((one) => [one.start, one.end])])].filter((at) => at >= 0 && at <= points.length).sort((a, b) => a - b);
    return borders.slice(0, -1).map((from, index) => {
      const to = borders[index + 1];
      const over = entities.filter((one) => one.start <= from && one.end >= to).sort((a, b) => a.end - a.start - (b.end - b.start))[0];
      return { text: points.slice(from, to).join(""), class: over ? tone(entities, over.label) : "" };
    });
  };

  class Marker {
    constructor(record, say, edit) {
      Object.assign(this, { record, say, edit });
      this.box = data.textBox(record.text, say("data.section.text"), { begin: edit.begin, text: (value) => this.typed(value) });
      this.marks = data.withMarks(this.box);
      this.label = data.lineBox(say("data.span_label"), this.lastLabel(), () => edit.known("entity"), { begin: edit.begin, set: () => this.offer() });
      this.add = data.button(say("data.span_add"), () => this.addSpan(), "small");
      // The button must not take the selection away before it is used.
      this.add.addEventListener("mousedown", (event) => event.preventDefault());
      this.list = el("ul", { class: "ws-spans" });
      document.addEventListener("selectionchange", (this.onSelect = () => (this.box.node.isConnected ? this.offer() : document.removeEventListener("selectionchange", this.onSelect))));
      this.label.box.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
        event.preventDefault();
        if (!this.add.disabled) this.addSpan();
      });
      this.chosen = null;
      this.draw();
      this.offer();
    }

    get node() {
      const { say } = this;
      const deed = el("div", { class: "ws-span-deed" }, [this.label.node, this.add]);
      return [
        data.namedSection("text", say, [el("div", { class: "ws-turn" }, [this.marks.node])]),
        data.namedSection("entities", say, [el("span", { class: "ws-why", text: say("data.span_how") }), deed, this.list]),
      ];
    }

    lastLabel() {
      const { entities } = this.record;
      return entities.length ? entities[entities.length - 1].label : "";
    }

    typed(value) {
      const entities = data.followText(this.record.text, value, this.record.entities);
      this.record.text = value;
      this.edit.set(entities);
      this.draw();
    }

    // What is selected in the box is offered as a span; it is remembered while the label is typed.
    offer() {
      if (document.activeElement === this.box.node) {
        const { node, text, from: before } = this.box;
        const [from, to] = [before + node.selectionStart, before + node.selectionEnd];
        this.chosen = from < to ? { start: pointsBefore(text, from), end: pointsBefore(text, to), text: text.slice(from, to) } : null;
      }
      this.add.disabled = !this.chosen || !this.label.box.value.trim();
      const text = this.chosen ? this.chosen.text : "";
      this.add.textContent = text ? this.say("data.span_add_text", { text: text.length > 24 ? `${text.slice(0, 24)}…` : text }) : this.say("data.span_add");
    }

    addSpan() {
      this.edit.begin();
      const label = this.label.box.value.trim();
      const same = this.record.entities.some((one) => one.start === this.chosen.start && one.end === this.chosen.end && one.label === label);
      if (!same) this.edit.set([...this.record.entities, { ...this.chosen, label }].sort((a, b) => a.start - b.start || a.end - b.end));
      this.chosen = null;
      this.draw();
      this.offer();
    }

    draw() {
      const { text, entities } = this.record;
      const { say } = this;
      this.marks.draw(data.isLong(text) ? null : piecesOf(text, entities));
      this.list.replaceChildren(
        ...entities.map((entity, index) =>
          el("li", { class: data.spanFits(text, entity) ? "" : "ws-span-off" }, [
            el("span", { class: `ws-span-label ${tone(entities, entity.label)}`, text: entity.label, attrs: { translate: "no" } }),
            el("button", { class: "ws-link ws-span-text", text: entity.text, attrs: { type: "button", translate: "no", title: say("data.span_show") }, on: { click: () => this.show(entity) } }),
            el("span", { class: "ws-key", text: say("data.span_place", { start: entity.start, end: entity.end }) }),
            data.spanFits(text, entity) ? null : el("span", { class: "ws-tag ws-tag-bad", text: say("data.span_off") }),
            data.iconButton("×", say("data.span_remove", { text: entity.text }), false, () => this.removeSpan(index)),
          ])));
    }

    show(entity) {
      const points = Array.from(this.record.text);
      const [from, to] = [unitOf(points, entity.start), unitOf(points, entity.end)];
      this.box.showAt(from);
      this.box.node.focus();
      this.box.node.setSelectionRange(from - this.box.from, to - this.box.from);
    }

    removeSpan(index) {
      this.edit.begin();
      this.edit.set(this.record.entities.filter((_, at) => at !== index));
      this.draw();
    }
  }

  /** The sections of a text with entities. edit: {begin(), set(entities), known(what)}. */
  data.renderEntities = (record, say, edit) => new Marker(record, say, edit).node;
})();
