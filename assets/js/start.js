// Before you start: what the run will do and cost, asked for until it is known, and the button that says it.
(() => {
  "use strict";
  const { el, say } = whetstone;
  const ASK_MS = 700;
  const WISH_MS = 10000;
  const WISHED = ["base", "version", "method", "parent"]; // what another tab may ask the form to choose
  const START_LIMIT_MS = 20000; // no answer by then: the button may be pressed again, with the same deed

  whetstone.widget("start", (root, ctx) => {
    root.classList.add("ws-start");
    const label = el("div", { class: "ws-label" }), tags = el("div", { class: "ws-start-tags" }), why = el("div", { class: "ws-why", attrs: { role: "status" } });
    const start = el("button", { class: "ws-btn ws-btn-primary", attrs: { type: "button", id: "train-start" }, on: { click: press } });
    const empty = el("div", { class: "ws-empty" });
    const full = el("div", { class: "ws-start-full" }, [label, tags, why, start]);
    root.append(full, empty);
    let form = null, preview = null, deed = ctx.deed(), pressed = 0, settled = null;
    let wish = null; // {version, method, parent, until}: held for a while, since the answer to an earlier question may come after its own

    // ---- what is said ----------------------------------------------------------------------------------------
    const tag = (kind, text) => el("span", { class: `ws-tag${kind ? ` ws-tag-${kind}` : ""}`, text });

    function about(seconds) {
      if (seconds < 90) return say("start.seconds", { count: Math.max(1, Math.round(seconds)) });
      if (seconds < 5400) return say("start.minutes", { count: Math.round(seconds / 60) });
      return say("start.hours", { count: whetstone.number(seconds / 3600, 1) });
    }

    function costs() {
      const { steps, seconds } = preview;
      return { steps, rows: form.batch, time: seconds === null || seconds === undefined ? null : about(seconds) };
    }

    function button() {
      if (pressed) return say("start.starting");
      if (!preview || preview.status !== "ready") return say(whetstone.activeRun ? "start.queue.plain" : "start.plain");
      const values = costs();
      const key = whetstone.activeRun ? "start.queue" : "start.run";
      return say(values.time === null ? `${key}.untimed` : key, values);
    }

    const refused = () => preview && preview.status === "invalid";

    function details() {
      if (form.error) return [[], [form.error.message, form.error.hint].join(" ")];
      if (form.problems) return [[tag("bad", say("start.problems", { count: form.problems }))], form.refused || say("start.problems.says")];
      if (!preview || preview.status === "measuring") return [[tag("", say("start.measuring"))], say("start.measuring.says")];
      if (refused()) return [[tag("bad", say("start.problems", { count: preview.said.length }))], preview.said.join(" ")];
      if (preview.status !== "ready") return [[tag("warn", say("start.unmeasured"))], say("start.unmeasured.says")];
      const found = [tag("", say("start.rows", { count: preview.rows })), tag("", say("start.held_out", { count: preview.held_out }))];
      found.push(tag(preview.cut ? "warn" : "good", say("start.cut", { count: preview.cut })));
      if (preview.nothing) found.push(tag("warn", say("start.nothing", { count: preview.nothing })), ...lostLink());
      // Rows cut before their reply are those that train nothing: they have been told of.
      const more = (preview.warnings || []).filter(({ code }) => code !== "dropped.cut_entirely");
      for (const { code, values } of more) found.push(tag("warn", say(code, values)));
      if (preview.checks?.errors) found.push(tag("bad", say("start.errors", { count: preview.checks.errors })), checksLink());
      return [found, say("start.costs", { steps: preview.steps, tokens: preview.tokens })];
    }

    // To the rows themselves: the Data tab lists them.
    function lostLink() {
      const { base, version, method, settings } = form.draft;
      const most = settings.max_length_tokens;
      if (!most) return [];
      const show = () => {
        whetstone.send("tab:open", { tab: "data" });
        whetstone.send("xray:lost", { base, version, method, max_length: most });
      };
      return [el("button", { class: "ws-link", text: say("start.show_lost"), attrs: { type: "button" }, on: { click: show } })];
    }

    // To what the checks found in the version's dataset.
    function checksLink() {
      const show = async () => {
        whetstone.send("tab:open", { tab: "data" });
        await whetstone.whenMounted("checks");
        whetstone.send("data:open", { id: preview.checks.id });
        whetstone.send("checks:open", {});
      };
      return el("button", { class: "ws-link", text: say("start.show_errors"), attrs: { type: "button" }, on: { click: show } });
    }

    function draw() {
      const none = !form || Boolean(form.empty);
      full.hidden = none;
      empty.hidden = !(form && form.empty);
      document.getElementById("train-form").classList.toggle("ws-form-empty", Boolean(form && form.empty));
      if (form && form.empty) {
        empty.replaceChildren(el("div", { text: say("start.empty") }),
          el("button", { class: "ws-btn ws-btn-primary", text: say("start.empty.open"), attrs: { type: "button" }, on: { click: () => whetstone.send("tab:open", { tab: "data" }) } }));
      }
      if (none) return;
      label.textContent = say("start.title");
      const [found, said] = details();
      tags.replaceChildren(...found);
      why.textContent = said;
      why.classList.toggle("ws-bad", Boolean(form.error || refused()));
      start.textContent = button();
      start.disabled = Boolean(pressed || form.problems || refused());
      root.dataset.preview = preview ? preview.status : "none";
    }

    // ---- asking and starting ---------------------------------------------------------------------------------
    async function ask() {
      if (pressed && performance.now() - pressed > START_LIMIT_MS) {
        pressed = 0;
        draw();
      }
      if (!form || !form.draft || form.problems || (preview && preview.status !== "measuring")) return;
      const { draft } = form;
      const found = await ctx.server.preview(draft);
      if (form.draft !== draft) return;
      preview = found;
      draw();
      // Some defaults follow the rows themselves, which may have been measured after the form was drawn.
      if (found.status !== "ready" || settled === ground(draft)) return;
      settled = ground(draft);
      again();
    }

    const ground = ({ settings, ...chosen }) => JSON.stringify(chosen);

    // Open errors of the checks stop a run until a person has mended or ignored them, or says that it should start all the same.
    async function press() {
      if (pressed) return;
      const errors = preview?.checks?.errors;
      if (errors && !(await ctx.confirm("start.errors", { count: errors }))) return;
      if (pressed) return;
      pressed = performance.now();
      draw();
      ctx.trigger("submit", { deed });
    }

    function update(value) {
      if (!value || (form && form.turn === value.turn)) return;
      const same = form && JSON.stringify(form.draft) === JSON.stringify(value.draft);
      form = value;
      if (!same) preview = null;
      if (value.started) {
        deed = ctx.deed();
        whetstone.send("run:started", { id: value.started });
      }
      pressed = 0;
      draw();
      if (wish && performance.now() > wish.until) wish = null;
      if (wish && form.draft && WISHED.some((name) => wish[name] && form.draft[name] !== wish[name])) again();
      ask().catch(whetstone.report);
    }

    const again = () => ctx.trigger("select", wish ? Object.fromEntries(WISHED.map((name) => [name, wish[name]])) : {});

    function choose(wanted) {
      wish = { ...wanted, until: performance.now() + WISH_MS };
      again();
    }

    const byHand = ({ target }) => { if (target.closest && WISHED.some((name) => target.closest(`#train-${name}`))) wish = null; };
    for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, byHand);
    draw();
    again();
    ctx.on("version:saved", () => again());
    ctx.on("base:added", () => again());
    ctx.on("run:ended", () => again()); // what it left can be trained further
    ctx.on("tab:open", ({ tab, ...wanted }) => tab === "train" && WISHED.some((name) => wanted[name]) && choose(wanted));
    ctx.on("runs:listed", draw);
    ctx.every(ASK_MS, ask);
    const destroy = () => { for (const kind of ["pointerdown", "keydown"]) document.removeEventListener(kind, byHand); };
    return { update, destroy, language: () => { draw(); again(); } };
  });
})();
