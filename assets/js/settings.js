// The Settings tab: language, theme, where things are kept, versions and the machine. What is not known is not shown.
whetstone.widget("settings", (root, ctx) => {
  "use strict";
  const { el } = whetstone;
  let facts = null;

  function panel(title, children) {
    return el("section", { class: "ws-panel" }, [el("div", { class: "ws-head" }, [el("h2", { text: title })]), el("div", { class: "ws-body" }, children)]);
  }

  function choice(id, label, options, chosen, choose) {
    const select = el("select", { class: "ws-input", attrs: { id }, on: { change: () => choose(select.value) } },
      options.map(([value, text, own]) => el("option", { text, attrs: { value, translate: own ? "no" : null } })));
    select.value = chosen;
    return el("div", {}, [el("label", { class: "ws-label", text: label, attrs: { for: id } }), select]);
  }

  function pagePanel() {
    const languages = whetstone.languages().map((code) => [code, whetstone.languageName(code), true]);
    const themes = ["system", "light", "dark"].map((name) => [name, ctx.say(`settings.theme.${name}`)]);
    return panel(ctx.say("settings.page"), [
      el("div", { class: "ws-fields" }, [
        choice("settings-language", ctx.say("shell.language"), languages, whetstone.language, whetstone.setLanguage),
        choice("settings-theme", ctx.say("settings.theme"), themes, whetstone.chosenTheme() || "system",
          (name) => whetstone.setTheme(name === "system" ? null : name)),
      ]),
      facts.name === null ? null : el("form", { class: "ws-line", attrs: { method: facts.leave.method, action: facts.leave.address } }, [
        el("span", { class: "ws-key", text: ctx.say("settings.logged_in_as") }),
        el("span", { text: facts.name, attrs: { translate: "no" } }),
        el("button", { class: "ws-btn ws-btn-small", text: ctx.say("login.leave"), attrs: { type: "submit" } }),
      ]),
    ]);
  }

  function table(rows) {
    const shown = rows.filter(([, value]) => value !== null && value !== undefined);
    return el("dl", { class: "ws-facts" }, shown.flatMap(([key, value, own]) => [
      el("dt", { text: key }), el("dd", { text: value, attrs: { translate: own ? "no" : null } })]));
  }

  function draw() {
    if (!facts) return;
    const { machine, places, versions } = facts;
    root.replaceChildren(el("div", { class: "ws-settings", attrs: { id: "settings-panel" } }, [
      pagePanel(),
      panel(ctx.say("settings.machine"), [table([
        [ctx.say("settings.cores"), whetstone.number(machine.cores)],
        [ctx.say("settings.memory"), machine.memory_bytes === null ? null : whetstone.bytes(machine.memory_bytes), true],
        ...machine.cards.map((card) => [ctx.say("settings.card"), `${card.name} · ${whetstone.bytes(card.bytes)}`, true]),
        [ctx.say("settings.system"), machine.system, true],
      ]), machine.cards.length ? null : el("p", { class: "ws-why", text: ctx.say("settings.no_card") })]),
      places.length ? panel(ctx.say("settings.places"), [
        table(places.map((place) => [ctx.say(`settings.place.${place.name}`), place.path, true])),
        el("p", { class: "ws-why", text: ctx.say("settings.places.why") }),
      ]) : null,
      panel(ctx.say("settings.versions"), [
        el("dl", { class: "ws-facts", attrs: { translate: "no" } }, versions.flatMap(({ name, version }) => [el("dt", { text: name }), el("dd", { text: version })])),
        el("p", { class: "ws-why", text: ctx.say("settings.licence") }),
      ]),
    ]));
  }

  ctx.server.facts().then((found) => { facts = found; draw(); }).catch(whetstone.report);
  ctx.on("theme", draw);
  return { language: draw };
});
