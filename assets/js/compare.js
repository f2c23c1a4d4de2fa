// The Compare tab: columns side by side, one prompt for all; what is being written is followed by server-sent events.
(() => {
  "use strict";
  const { el, say } = whetstone;
  const compare = (whetstone.compare = whetstone.compare || {});
  const LOOK_MS = 3000;
  const PREPARE_MS = 60000;
  const MODELS_MS = 1000;
  const MOST_COLUMNS = 3;
  const SHAPE = "whetstone.compare.shape";

  // Who wants something compared says so before the tab was ever opened: the wish waits for the widget.
  let wish = null;
  whetstone.on("compare:open", (asked) => {
    wish = asked;
    whetstone.openTab("compare");
    whetstone.send("compare:wished", {});
  });

  whetstone.widget("compare", (root, ctx) => {
    root.classList.add("ws-compare");
    const talk = { mark: null, live: false, busy: null, columns: [], settings: null, turns: [], replies: new Map() };
    let offers = { choices: [], examples: [], can_add: false }, stream = null, prepared = 0, changes = 0, following = false;
    let raw = remembered() === "raw";
    const acts = {
      choose: (key, wanted) => columns(talk.columns.map((column) => (compare.keyOf(column) === key ? choice(wanted) : column))),
      remove: (key) => columns(talk.columns.filter((column) => compare.keyOf(column) !== key)),
      retry: (key, newSeed = false) => deed("retry", { model: key || "", new_seed: newSeed, deed: ctx.deed() }),
      catchUp: (key) => deed("catch_up", { model: key, deed: ctx.deed() }),
      endpoints: async () => { await compare.endpoints(ctx); await readOffers(); },
      send, stop: () => deed("stop", {}), clear, typing, isRaw: () => raw,
      save: (settings) => ctx.server.set_settings({ settings }).then(take),
      raw: (on) => { raw = on; remember(on ? "raw" : "markdown"); draw(); },
    };
    const shown = [], place = el("div", { class: "ws-compare-columns" });
    const bar = compare.bar(acts);
    const add = el("button", { class: "ws-btn ws-compare-add-button", attrs: { type: "button" }, on: { click: addColumn } });
    const added = el("section", { class: "ws-panel ws-compare-add" });
    root.append(place, bar.root);

    function remembered() {
      try { return localStorage.getItem(SHAPE); } catch { return null; } // storage may be forbidden; then Markdown
    }

    function remember(shape) {
      try { localStorage.setItem(SHAPE, shape); } catch { /* see remembered() */ }
    }

    // ---- what is known ---------------------------------------------------------------------------------------
    /** A snapshot, or what is new: a reply says at which place of its text the new piece belongs. */
    function take(news) {
      if (!news) return;
      if ("busy" in news) talk.busy = news.busy;
      if (!news.mark) return draw();
      talk.mark = news.mark;
      talk.live = news.live;
      if (news.setup) {
        Object.assign(talk, news.setup);
        const numbers = new Set(talk.turns.map((turn) => turn.number));
        for (const [name, reply] of talk.replies) if (!numbers.has(reply.number)) talk.replies.delete(name);
      }
      for (const reply of news.replies) {
        const name = `${reply.number}|${reply.model}`, before = talk.replies.get(name);
        if (reply.from && (!before || before.text.length < reply.from)) return restart(); // an older answer came in between
        const text = reply.from ? before.text.slice(0, reply.from) + reply.text : reply.text;
        talk.replies.set(name, { ...reply, text, change: (changes += 1) });
      }
      draw();
      if (talk.live) follow();
    }

    function follow() {
      if (stream) return;
      stream = new EventSource(new URL("whetstone/compare/events", document.baseURI));
      const mine = stream;
      const leave = () => {
        mine.close();
        if (stream === mine) stream = null;
      };
      stream.addEventListener("message", ({ data }) => { if (stream === mine) take(JSON.parse(data)); });
      stream.addEventListener("end", leave);
      // While the browser tries again by itself it is left alone; once it has given up, the next look finds out.
      stream.addEventListener("error", () => { if (mine.readyState === EventSource.CLOSED) leave(); });
    }

    function restart() {
      if (stream) stream.close();
      stream = null;
      follow();
    }

    async function look() {
      if (!stream) take(await ctx.server.look({ mark: talk.mark || "" }));
    }

    /** An endpoint that was not asked before is at first known without its models: they are looked for once more. */
    async function readOffers(again = 2) {
      offers = await ctx.server.offers();
      draw();
      if (again && offers.choices.some((one) => one.kind === "endpoint" && one.id.endsWith("/"))) setTimeout(() => readOffers(again - 1).catch(whetstone.report), MODELS_MS);
    }

    // ---- drawing ---------------------------------------------------------------------------------------------
    function draw() {
      if (!talk.settings) return;
      while (shown.length < talk.columns.length) shown.push(compare.column(acts));
      for (const column of shown.splice(talk.columns.length)) column.root.remove();
      shown.forEach((column, index) => {
        if (place.children[index] !== column.root) place.insertBefore(column.root, place.children[index] || null);
        column.show(talk, talk.columns[index], offers.choices);
      });
      drawAdd();
      place.style.setProperty("--columns", String(talk.columns.length));
      root.dataset.live = String(talk.live);
      root.dataset.turns = String(talk.turns.length);
      bar.show(talk);
      bar.showExamples(offers.examples);
      bar.offerEndpoints(offers.can_add);
    }

    /** The place of one more column: broad and with words beside a single one, else only a plus. */
    function drawAdd() {
      const alone = talk.columns.length === 1, free = unused();
      added.remove();
      if (talk.columns.length >= MOST_COLUMNS || (!free && !alone)) return;
      const trained = offers.choices.some((one) => one.group === "adapter");
      added.classList.toggle("ws-compare-wide", alone);
      add.textContent = alone ? say("compare.add") : "+";
      add.title = say("compare.add.says");
      add.setAttribute("aria-label", say("compare.add"));
      add.classList.toggle("ws-btn-primary", alone && trained);
      const train = el("button", { class: "ws-btn ws-btn-primary", text: say("compare.train"), attrs: { type: "button" }, on: { click: () => whetstone.openTab("train") } });
      if (alone) added.replaceChildren(el("div", { class: "ws-empty" }, [el("p", { text: say(trained ? "compare.alone" : "compare.untrained") }), trained ? null : train, free ? add : null]));
      else added.replaceChildren(add);
      place.append(added);
    }

    // ---- deeds -----------------------------------------------------------------------------------------------
    const choice = (key) => offers.choices.find((one) => compare.keyOf(one) === key) || talk.columns.find((one) => compare.keyOf(one) === key);

    /** What suits best beside the columns that are there: an adapter, else whatever is left. */
    function unused() {
      const taken = new Set(talk.columns.map(compare.keyOf));
      const left = offers.choices.filter((one) => !taken.has(compare.keyOf(one)));
      return left.find((one) => one.group === "adapter") || left.find((one) => one.group === "base") || left[0];
    }

    async function deed(name, asked) {
      take(await ctx.server[name](asked));
    }

    const columns = (wanted) => deed("set_columns", { columns: wanted.map(({ kind, id }) => ({ kind, id })) }).finally(draw);

    async function addColumn() {
      await readOffers();
      const free = unused();
      if (!free || talk.columns.length >= MOST_COLUMNS) return;
      await columns([...talk.columns, free]);
      shown[shown.length - 1].root.scrollIntoView({ block: "nearest", inline: "start" });
    }

    const drafts = new Map(); // a text that was sent → its deed: the same text sent again after no answer is one deed
    async function send(text) {
      if (!drafts.has(text)) drafts.set(text, ctx.deed());
      await deed("send", { text, deed: drafts.get(text) });
      drafts.clear();
    }

    async function clear() {
      if (await ctx.confirm("compare.clear")) await deed("clear", {});
      bar.focus();
    }

    /** The model server starts while the first prompt is typed. */
    function typing() {
      if (prepared && performance.now() - prepared < PREPARE_MS) return;
      prepared = performance.now();
      ctx.server.prepare().catch(() => { prepared = 0; });
    }

    async function takeWish() {
      if (!wish) return;
      const asked = wish;
      wish = null;
      if (asked.run) await deed("open_run", { id: asked.run });
      else await columns(asked.columns);
      await readOffers();
      bar.focus();
    }

    const fresh = async () => {
      await readOffers();
      await look();
    };
    async function open() {
      if (following) return;
      following = true;
      await fresh();
      await takeWish();
    }

    open().catch(whetstone.report);
    ctx.on("compare:wished", () => following && takeWish());
    ctx.on("tab:shown", ({ tab }) => tab === "compare" && following && fresh());
    ctx.every(LOOK_MS, look);
    return {
      language: () => { bar.words(); talk.mark = null; return fresh(); },
      destroy: () => { bar.destroy(); if (stream) stream.close(); },
    };
  });
})();
