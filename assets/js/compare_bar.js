// The bar under the columns: what to try, the prompt box, the settings of all columns, stop and send.
(() => {
  "use strict";
  const { el, say } = whetstone;
  const compare = (whetstone.compare = whetstone.compare || {});
  const LINES = 6;
  const WIDE = matchMedia("(min-width: 900px)"); // a phone has no Shift and little room
  const FIELDS = [
    { name: "temperature", min: 0, max: 2, step: 0.1 },
    { name: "top_p", min: 0.01, max: 1, step: 0.05 },
    { name: "seed", min: 0, max: 2147483647, step: 1 },
    { name: "max_tokens", min: 1, max: 4096, step: 1 },
  ];

  const button = (id, act, primary) =>
    el("button", { class: primary ? "ws-btn ws-btn-primary" : "ws-btn", attrs: { type: "button", id }, on: { click: act } });

  /** acts: {send(text), stop(), retry(), clear(), typing(), endpoints(), save(settings), raw(on), isRaw()}. */
  compare.bar = (acts) => {
    const box = el("textarea", { class: "ws-input ws-compare-box", attrs: { id: "compare-prompt", rows: "1", translate: "no" } });
    const settings = compare.settings(acts);
    const clear = button("compare-clear", () => acts.clear()), retry = button("compare-retry", () => acts.retry());
    const stop = button("compare-stop", () => acts.stop()), send = button("compare-send", ask, true);
    const note = el("div", { class: "ws-why ws-compare-note", attrs: { role: "status" } });
    const examples = el("div", { class: "ws-compare-examples" });
    const root = el("section", { class: "ws-panel ws-compare-bar" }, [note, examples, settings.panel,
      el("div", { class: "ws-compare-line" }, [box, el("div", { class: "ws-compare-tools" }, [settings.open, el("span", { class: "ws-spacer" }), clear, retry, stop, send])])]);
    let talk = null, busy = false;

    // Grows with what is typed, up to a few lines.
    function fit() {
      box.style.height = "auto";
      const line = parseFloat(getComputedStyle(box).lineHeight) || 20;
      box.style.height = `${Math.min(box.scrollHeight + 2, line * LINES + 12)}px`;
    }

    async function ask() {
      const text = box.value;
      if (!text.trim() || busy || !talk || talk.live) return box.focus();
      busy = true;
      send.disabled = true;
      try {
        if (!(await settings.saved())) return;
        await acts.send(text);
        if (box.value === text) box.value = "";
        fit();
      } finally {
        busy = false;
        show(talk);
        box.focus();
      }
    }

    box.addEventListener("input", fit);
    box.addEventListener("focus", () => acts.typing());
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      ask().catch(whetstone.report);
    });

    function show(now) {
      talk = now;
      if (!talk) return;
      const asked = talk.turns.length > 0;
      clear.hidden = retry.hidden = !asked;
      retry.disabled = talk.live;
      stop.disabled = !talk.live;
      send.disabled = busy || talk.live;
      box.placeholder = say(`compare.${WIDE.matches ? "ask" : "ask_briefly"}.${Math.min(talk.columns.length, 3)}`);
      note.textContent = talk.busy ? say(`compare.busy.${talk.busy}`) : "";
      settings.show(talk.settings);
    }

    /** A few prompts to begin with, until something was asked. */
    function showExamples(found) {
      const shown = talk && !talk.turns.length ? found : [];
      examples.hidden = !shown.length;
      if (!shown.length) return examples.replaceChildren();
      examples.replaceChildren(el("span", { class: "ws-key", text: say("compare.examples") }), ...shown.map((prompt) =>
        el("button", { class: "ws-compare-example", text: prompt, attrs: { type: "button", translate: "no", title: prompt }, on: { click: () => { box.value = prompt; fit(); return ask(); } } })));
    }

    function words() {
      box.setAttribute("aria-label", say("compare.prompt"));
      clear.textContent = say("compare.clear");
      clear.title = say("compare.clear.says");
      retry.textContent = say("compare.retry");
      retry.title = say("compare.retry.all.says");
      stop.textContent = say("compare.stop");
      send.textContent = say("compare.send");
      settings.words();
      show(talk);
    }

    words();
    return { root, show, showExamples, words, offerEndpoints: settings.offer, focus: () => box.focus(), destroy: settings.destroy };
  };

  // ---- settings ----------------------------------------------------------------------------------------------
  compare.settings = (acts) => {
    const open = el("button", { class: "ws-compare-summary", attrs: { type: "button", id: "compare-settings", "aria-haspopup": "dialog", "aria-expanded": "false" }, on: { click: () => toggle(panel.hidden) } });
    const system = el("textarea", { class: "ws-input", attrs: { id: "compare-system", rows: "3", translate: "no" } });
    const inputs = Object.fromEntries(FIELDS.map(({ name, ...limits }) => [name, el("input", { class: "ws-input", attrs: { id: `compare-${name.replace("_", "-")}`, type: "number", inputmode: "decimal", ...limits } })]));
    const labels = Object.fromEntries(["system", ...FIELDS.map((field) => field.name)].map((name) => [name, el("span", { class: "ws-label" })]));
    const draw = el("button", { class: "ws-btn ws-btn-small", attrs: { type: "button" }, on: { click: drawSeed } });
    const others = el("button", { class: "ws-btn ws-btn-small", attrs: { type: "button", id: "compare-endpoints", hidden: true }, on: { click: () => { toggle(false); return acts.endpoints(); } } });
    const shape = el("span", {}), problem = el("div", { class: "ws-problem", attrs: { role: "alert", hidden: true } });
    const why = el("div", { class: "ws-why" });
    const panel = el("div", { class: "ws-compare-settings", attrs: { role: "dialog", hidden: true } }, [
      el("label", {}, [labels.system, system]),
      el("div", { class: "ws-fields" }, FIELDS.map(({ name }) => el("label", {}, [labels[name], inputs[name]]))),
      why, problem, el("div", { class: "ws-line" }, [shape, el("span", { class: "ws-spacer" }), others, draw])]);
    let now = null, saving = Promise.resolve(true);

    function toggle(on) {
      panel.hidden = !on;
      open.setAttribute("aria-expanded", String(on));
      if (on) inputs.temperature.focus();
    }

    function typed() {
      const values = { system: system.value };
      for (const [name, input] of Object.entries(inputs)) if (input.value.trim() !== "") values[name] = Number(input.value); // empty: the default
      return values;
    }

    /** Resolves to whether the server has what is typed. Saved as soon as a field is left; what cannot be is said beside the fields and stays typed. */
    function save() {
      saving = saving.then(async () => {
        const values = typed();
        refuse(null);
        if (JSON.stringify(values) === JSON.stringify(now)) return true;
        try {
          await acts.save(values);
        } catch (error) {
          if (!error || !error.code) throw error;
          refuse(error);
        }
        return problem.hidden;
      });
      return saving;
    }

    function refuse(error) {
      problem.hidden = !error;
      problem.textContent = error ? error.message : "";
    }

    function drawSeed() {
      inputs.seed.value = String(Math.floor(Math.random() * 10000));
      return save();
    }

    for (const input of [system, ...Object.values(inputs)]) input.addEventListener("change", () => save().catch(whetstone.report));
    panel.addEventListener("keydown", (event) => {
      if (event.isComposing || event.keyCode === 229) return;
      if (event.key !== "Escape" && !(event.key === "Enter" && event.target.tagName === "INPUT")) return;
      event.preventDefault();
      event.stopPropagation();
      save().catch(whetstone.report);
      toggle(false);
      open.focus();
    });
    const outside = (event) => { if (!panel.hidden && !panel.contains(event.target) && !open.contains(event.target)) toggle(false); };
    document.addEventListener("pointerdown", outside);

    function show(settings) {
      now = { system: settings.system, ...Object.fromEntries(FIELDS.map(({ name }) => [name, settings[name]])) };
      const put = (input, value) => { if (document.activeElement !== input && problem.hidden && input.value !== String(value)) input.value = String(value); };
      put(system, now.system);
      for (const { name } of FIELDS) put(inputs[name], now[name]);
      open.textContent = say(now.system.trim() ? "compare.summary.system" : "compare.summary", { temperature: whetstone.number(now.temperature), seed: String(now.seed) });
    }

    function chooseShape(value) {
      acts.raw(value === "raw");
      words();
      shape.querySelector('[aria-pressed="true"]').focus();
    }

    function words() {
      for (const [name, label] of Object.entries(labels)) label.textContent = say(`compare.setting.${name}`);
      open.title = say("compare.settings");
      panel.setAttribute("aria-label", say("compare.settings"));
      system.placeholder = say("compare.setting.system.empty");
      draw.textContent = say("compare.draw_seed");
      others.textContent = say("compare.endpoints");
      why.textContent = say("compare.setting.says");
      shape.replaceChildren(whetstone.runParts.choice(say("compare.shape"), ["markdown", "raw"].map((value) => ({ value, label: say(`compare.shape.${value}`) })), acts.isRaw() ? "raw" : "markdown", chooseShape));
      if (now) show(now);
    }

    return { open, panel, show, words, offer: (can) => { others.hidden = !can; }, saved: () => (panel.hidden ? saving : save()), destroy: () => document.removeEventListener("pointerdown", outside) };
  };
})();
