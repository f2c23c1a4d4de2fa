whetstone.widget("settings", (root, ctx) => {
  root.append(whetstone.el("div", { class: "ws-panel" }, [whetstone.el("div", { class: "ws-head", text: ctx.say("tab.settings") })]));
  return {};
});
