// The boxes of a message list: one per turn, with its role, its text, its tool calls and the ways to move it.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const ROLES = ["system", "user", "assistant", "tool"];
  const LINES = ["name", "tool_call_id"];
  const NEW_CALL = [{ type: "function", function: { name: "", arguments: {} } }];

  // After a user comes an assistant and the other way round; a prompt asks, everything else answers.
  data.nextRole = (section, turns) => {
    const last = turns.length ? turns[turns.length - 1].role : null;
    if (!last) return section === "prompt" || section === "messages" ? "user" : "assistant";
    return last === "assistant" ? "user" : "assistant";
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

  // The name of who spoke, and which call a tool answers: one line each, where the role has them.
  const lineField = (turn, name, say, edit) => {
    if (turn[name] === undefined && turn.role !== "tool") return null;
    const box = el("input", { class: "ws-line-box", attrs: { type: "text", translate: "no", spellcheck: "false", "aria-label": say(`data.turn_${name}`) } });
    box.value = data.plainText(turn[name] ?? "");
    box.addEventListener("focus", edit.begin);
    box.addEventListener("input", () => edit.field(name, box.value || undefined));
    return el("label", { class: "ws-line-field" }, [el("span", { class: "ws-key", text: say(`data.turn_${name}`) }), box]);
  };

  const toolCalls = (turn, number, say, edit) => {
    const text = edit.typed("tool_calls");
    if (turn.tool_calls === undefined && text === undefined) return null;
    return el("div", { class: "ws-turn-json" }, [
      el("div", { class: "ws-turn-json-head" }, [
        el("span", { class: "ws-key", text: say("data.turn_tool_calls") }),
        data.iconButton("×", say("data.tool_calls_remove", { number }), false, () => edit.reshape((one) => delete one.tool_calls, "tool_calls")),
      ]),
      data.jsonBox({
        say,
        label: say("data.tool_calls_of", { number }),
        value: turn.tool_calls,
        text,
        problem: data.toolCallsProblem,
        begin: edit.begin,
        change: (value, typed) => edit.json("tool_calls", value, typed),
      }),
    ]);
  };

  const otherFields = (turn, say) => {
    const { role, content, tool_calls: calls, ...others } = turn;
    LINES.forEach((name) => delete others[name]);
    return data.renderFields(others, say("data.turn_more"));
  };

  const textBox = (turn, number, say, edit) => {
    const isText = typeof turn.content === "string" || turn.content == null;
    const text = isText ? turn.content || "" : data.jsonText(turn.content);
    const box = data.textBox(text, say("data.turn_text", { number }), { begin: edit.begin, text: (value) => edit.field("content", value) });
    box.node.readOnly = !isText;
    return data.withMarks(box);
  };

  const renderTurn = (section, turns, index, say, edit) => {
    const turn = turns[index];
    const number = index + 1;
    const text = textBox(turn, number, say, edit);
    const canCall = turn.role === "assistant" && turn.tool_calls === undefined && edit.typed("tool_calls") === undefined;
    const node = el("div", { class: "ws-turn", attrs: { "data-role": String(turn.role), "data-section": section, "data-index": String(index) } }, [
      el("div", { class: "ws-turn-head" }, [
        roleMenu(turn, say, (role) => edit.reshape((one) => (one.role = role))),
        el("span", { class: "ws-spacer" }),
        canCall ? data.iconButton("{ }", say("data.tool_calls_add", { number }), false, () => edit.reshape((one) => (one.tool_calls = structuredClone(NEW_CALL)))) : null,
        data.iconButton("↑", say("data.turn_up", { number }), index === 0, () => edit.move(-1)),
        data.iconButton("↓", say("data.turn_down", { number }), index === turns.length - 1, () => edit.move(1)),
        data.iconButton("×", say("data.turn_remove", { number }), turns.length < 2, () => edit.remove()),
      ]),
      text.node,
      ...LINES.map((name) => lineField(turn, name, say, edit)),
      toolCalls(turn, number, say, edit),
      otherFields(turn, say),
    ]);
    return { node, marks: text.draw };
  };

  /** One {node, marks} a turn; marks(pieces) puts marks behind its text. editOf(index): {begin(), field(name, value),
      json(name, value, text), typed(name), reshape(change, name), move(by), remove()}. */
  data.renderTurns = (section, turns, say, editOf) => turns.map((_, index) => renderTurn(section, turns, index, say, editOf(index)));
})();
