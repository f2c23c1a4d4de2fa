// The keyboard of the editor, and the list of its keys.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const onMac = /Mac|iPhone|iPad/.test(navigator.platform);
  const isTyping = (event) => /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  const KEYS = [
    ["next", "Alt ↓", "⌥ ↓"],
    ["previous", "Alt ↑", "⌥ ↑"],
    ["save", "Ctrl S", "⌘ S"],
    ["flag", "Alt F", "⌃ ⌥ F"],
    ["delete", "Alt Delete", "⌥ ⌫"],
    ["add", "Alt N", "⌃ ⌥ N"],
    ["out", "Esc", "Esc"],
    ["help", "?", "?"],
  ];

  data.editorKeys = (say) => say(onMac ? "data.editor_keys_mac" : "data.editor_keys");

  data.showKeys = (say) => {
    const lines = KEYS.flatMap(([name, keys, mac]) => [el("dt", {}, [el("kbd", { class: "ws-kbd", text: onMac ? mac : keys, attrs: { translate: "no" } })]), el("dd", { text: say(`data.key.${name}`) })]);
    return whetstone.dialog({
      title: say("data.keys_title"),
      body: [el("dl", { class: "ws-facts ws-keys" }, lines), el("p", { class: "ws-why", text: say("data.keys_words") })],
      actions: [{ label: say("common.close"), value: true, primary: true }],
    });
  };

  /** What a key asks the editor for: a deed by its name, or null. Keys of an input method are never a deed. */
  data.deedOfKey = (event) => {
    if (event.isComposing || event.keyCode === 229) return null;
    const control = event.ctrlKey || event.metaKey;
    const alt = event.altKey && (onMac || !event.ctrlKey);
    if (control && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "s") return "save";
    if (alt && !event.metaKey) {
      const by = { ArrowUp: "previous", ArrowLeft: "previous", ArrowDown: "next", ArrowRight: "next" }[event.key];
      // On a Mac, Option with left and right moves by words inside a text.
      if (by) return onMac && /Left|Right/.test(event.key) && isTyping(event) ? null : by;
      if (event.key === "Delete" || (onMac && event.key === "Backspace" && !isTyping(event))) return "delete";
      const letters = !onMac || event.ctrlKey;
      if (letters && event.code === "KeyF") return "flag";
      if (letters && event.code === "KeyN") return "add";
    }
    if (event.key === "?" && !control && !event.altKey && !isTyping(event)) return "help";
    return event.key === "Escape" && !control && !event.altKey ? "out" : null;
  };
})();
