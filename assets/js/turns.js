// The boxes of a record: one per turn, with its role, its text and the ways to move it. Text only, never markup.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const ROLES = ["system", "user", "assistant", "tool"];
  const GROWS_BY_CSS = CSS.supports("field-sizing", "content");

  // Japanese text gets its own glyphs and line height, also on an English page.
  data.languageOf = (text) => (/[\u3040-\u30ff\u3400-\u9fff]/.test(text) ? "ja" : null);

  // Which message lists a record of a kind has, in the order of the screen.
  const SECTIONS = {
    conversation: ["messages"],
    prompt_completion: ["prompt", "completion"],
    preference: ["prompt", "chosen", "rejected"],
  };

  data.sectionsOf = (kind) => SECTIONS[kind] || [];

  data.emptyRecord = (kind) => {
    const turn = (role) => ({ role, content: "" });
    if (kind === "preference") return { prompt: [turn("user")], chosen: [turn("assistant")], rejected: [turn("assistant")] };
    if (kind === "prompt_completion") return { prompt: [turn("user")], completion: [turn("assistant")] };
    return { messages: [turn("user"), turn("assistant")] };
  };

  // After a user comes an assistant and the other way round; a prompt asks, everything else answers.
  data.nextRole = (section, turns) => {
    const last = turns.length ? turns[turns.length - 1].role : null;
    if (!last) return section === "prompt" || section === "messages" ? "user" : "assistant";
    return last === "assistant" ? "user" : "assistant";
  };

  const grow = (box) => {
    if (GROWS_BY_CSS) return;
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight + 2}px`;
  };

  const roleMenu = (turn, say, changed) => {
    const known = ROLES.includes(turn.role) ? ROLES : [...ROLES, turn.role];
    const options = known.map((role) => {
      const attrs = { value: role };
      if (!ROLES.includes(role)) attrs.translate = "no";
      return el("option", { text: ROLES.includes(role) ? say(`data.role.${role}`) : String(role), attrs });
    });
    const menu = el("select", { class: "ws-role", attrs: { "aria-label": say("data.turn_role") } }, options);
    menu.value = turn.role;
    menu.addEventListener("change", () => changed(menu.value));
    return menu;
  };

  const iconButton = (icon, label, disabled, act) => {
    const button = el("button", { class: "ws-icon", text: icon, attrs: { type: "button", title: label, "aria-label": label }, on: { click: act } });
    button.disabled = disabled;
    return button;
  };

  // What has no box of its own (tool calls, names, fields of the file) is kept as it came and shown as it is.
  data.renderFields = (fields, words) => {
    const shown = Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null));
    if (!Object.keys(shown).length) return null;
    return el("details", { class: "ws-turn-more" }, [
      el("summary", { text: words }),
      el("pre", { text: JSON.stringify(shown, null, 2), attrs: { translate: "no" } }),
    ]);
  };

  const otherFields = (turn, say) => {
    const { role, content, ...others } = turn;
    return data.renderFields(others, say("data.turn_more"));
  };

  const textBox = (turn, number, say, edit) => {
    const isText = typeof turn.content === "string" || turn.content == null;
    const box = el("textarea", {
      class: "ws-turn-text",
      attrs: { rows: "1", translate: "no", dir: "auto", spellcheck: "false", "aria-label": say("data.turn_text", { number }) },
    });
    box.value = isText ? turn.content || "" : JSON.stringify(turn.content, null, 2);
    if (data.languageOf(box.value)) box.lang = "ja";
    box.readOnly = !isText;
    box.addEventListener("focus", edit.begin);
    box.addEventListener("input", () => {
      grow(box);
      box.lang = data.languageOf(box.value) || "";
      edit.text(box.value);
    });
    return box;
  };

  // edit: {begin(), text(index, value), role(index, role), move(index, by), remove(index)}
  data.renderTurns = (section, turns, say, edit) =>
    turns.map((turn, index) => {
      const remove = iconButton("×", say("data.turn_remove", { number: index + 1 }), turns.length < 2, () => edit.remove(index));
      const box = textBox(turn, index + 1, say, { begin: edit.begin, text: (value) => edit.text(index, value) });
      const more = otherFields(turn, say);
      return el("div", { class: "ws-turn", attrs: { "data-role": String(turn.role), "data-section": section, "data-index": String(index) } }, [
        el("div", { class: "ws-turn-head" }, [
          roleMenu(turn, say, (role) => edit.role(index, role)),
          el("span", { class: "ws-spacer" }),
          iconButton("↑", say("data.turn_up", { number: index + 1 }), index === 0, () => edit.move(index, -1)),
          iconButton("↓", say("data.turn_down", { number: index + 1 }), index === turns.length - 1, () => edit.move(index, 1)),
          remove,
        ]),
        box,
        more,
      ]);
    });

  // Where css cannot grow a box, heights are set in one go: all reads after all writes.
  data.growAll = (root) => {
    if (GROWS_BY_CSS) return;
    const boxes = [...root.querySelectorAll("textarea.ws-turn-text")];
    boxes.forEach((box) => (box.style.height = "auto"));
    const heights = boxes.map((box) => box.scrollHeight);
    boxes.forEach((box, index) => (box.style.height = `${heights[index] + 2}px`));
  };
})();
