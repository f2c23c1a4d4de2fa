// The keys of the pair card, each with its button: by the key's place on the keyboard, so that kana mode makes no difference.
(() => {
  "use strict";
  const { el } = whetstone;
  const preferences = (whetstone.preferences = whetstone.preferences || {});

  // code → what it does and what is printed on the key. In the order of the bar.
  const KEYS = [
    { code: "KeyS", act: "left", cap: "S" },
    { code: "KeyK", act: "right", cap: "K" },
    { code: "KeyF", act: "both_good", cap: "F" },
    { code: "KeyB", act: "both_bad", cap: "B" },
    { code: "KeyE", act: "edit", cap: "E" },
    { code: "Space", act: "skip", cap: "Space" },
    { code: "KeyZ", act: "undo", cap: "Z" },
  ];
  const HELP = { act: "help", cap: "?" };
  const TYPES = /^(INPUT|TEXTAREA|SELECT)$/;

  const isTyping = (node) => node.isContentEditable || TYPES.test(node.tagName);
  // A key that an input method works with, or that is held down, is no vote.
  preferences.isNoPress = (event) => event.isComposing || event.keyCode === 229 || event.repeat;

  const actOf = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return null;
    if (event.key === "?") return "help";
    if (event.key === "Escape") return "cancel";
    return event.shiftKey ? null : KEYS.find((key) => key.code === event.code)?.act || null;
  };

  /** Calls act(name) for every press while isOn(). Space presses a button that was reached by Tab; one that was clicked
      before, such as the tab's own, only happens to have the focus. */
  preferences.listen = (isOn, act) => {
    let byTab = false;
    const clicked = () => { byTab = false; };
    const listener = (event) => {
      if (event.key === "Tab") byTab = true;
      const target = event.composedPath()[0];
      if (!(target instanceof Element) || isTyping(target) || !isOn()) return;
      const name = actOf(event);
      if (!name || (event.code === "Space" && byTab && target.closest("button, summary, a"))) return;
      event.preventDefault();
      if (!preferences.isNoPress(event)) act(name);
    };
    document.addEventListener("keydown", listener);
    document.addEventListener("pointerdown", clicked, true);
    return () => {
      document.removeEventListener("keydown", listener);
      document.removeEventListener("pointerdown", clicked, true);
    };
  };

  /** A button with its key. A click leaves the focus with the page, so that the next Space is a key again. */
  preferences.keyButton = (say, { act: name, cap }, act) => {
    const words = say(`preferences.key.${name}`);
    const node = el("button", { class: `ws-keybtn ws-keybtn-${name}`, attrs: { type: "button", "data-act": name, "aria-label": words } }, [
      el("kbd", { text: cap, attrs: { translate: "no" } }),
      el("span", { text: words }),
    ]);
    node.addEventListener("click", (event) => {
      if (event.detail) node.blur();
      act(name);
    });
    return node;
  };

  preferences.keyButtons = (say, act) => [...KEYS, HELP].map((key) => preferences.keyButton(say, key, act));

  preferences.help = (say) =>
    whetstone.dialog({
      title: say("preferences.help"),
      body: [
        el("dl", { class: "ws-key-list" }, [...KEYS, HELP].flatMap(({ act: name, cap }) => [
          el("dt", {}, [el("kbd", { text: cap, attrs: { translate: "no" } })]),
          el("dd", { text: say(`preferences.key.${name}.says`) }),
        ])),
      ],
      actions: [{ label: say("common.close"), value: true, primary: true }],
    });
})();
