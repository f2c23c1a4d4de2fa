// The run panel: watches the selected run by a stream of what is new, from its own cursor, while it goes on.
(() => {
  "use strict";
  const { el, say } = whetstone;
  const WATCH_MS = 500;
  const SLOW_EVERY = 10; // of an ended run only every tenth look: it can still be deleted
  const ENDED = ["finished", "failed", "stopped"];
  const VIEWS = { conversations: ["loss", "learning_rate", "grad_norm"], pairs: ["preference", "rewards", "loss", "learning_rate", "grad_norm"] };

  whetstone.widget("run", (root, ctx) => {
    const parts = whetstone.runParts;
    root.classList.add("ws-run");
    let run = null, cursor = null, wanted = whetstone.selectedRun || null, looks = 0, stopping = false;

    // ---- the parts -------------------------------------------------------------------------------------------
    const stop = el("button", { class: "ws-btn", attrs: { type: "button", id: "run-stop" }, on: { click: stopAndKeep } });
    const stopSays = el("span", { class: "ws-why ws-run-stop-says" });
    const numbers = parts.numbers([stopSays, stop]);
    const tail = async () => (run ? (await ctx.server.log({ id: run.job.id })).text : "");
    const state = parts.state({ retry, log: tail });
    const replies = parts.replies(), details = parts.details({ log: tail });
    const chart = whetstone.chart({
      zoom: (first, last) => ctx.server.zoom({ id: run.job.id, first, last }),
      zoomed: (on) => { whole.hidden = !on; },
    });
    const title = el("h2", {}), small = el("small", {}), views = el("span", {});
    const log = toggle("chart.log", (on) => chart.log(on)), clip = toggle("chart.clip", (on) => chart.clip(on));
    const button = (act) => el("button", { class: "ws-run-link", attrs: { type: "button" }, on: { click: act } });
    const whole = button(() => chart.whole()), png = button(() => chart.png(fileName())), csv = button(saveCsv);
    whole.hidden = true;
    const waiting = el("div", { class: "ws-empty ws-chart-empty" });
    const curves = el("section", { class: "ws-panel ws-run-curves" }, [
      el("div", { class: "ws-head" }, [title, small, el("span", { class: "ws-spacer" }), whole, views, log.node, clip.node, png, csv]),
      el("div", { class: "ws-chart-box" }, [chart.root, waiting]),
    ]);
    const shown = el("div", { class: "ws-run-shown" }, [numbers.root, state.root, curves, el("div", { class: "ws-run-below" }, [replies.root, details.root])]);
    const nothing = el("div", { class: "ws-panel ws-run-nothing" }, el("div", { class: "ws-empty" }));
    let view = "loss";
    const offered = () => VIEWS[(run && run.job.learns) || "conversations"] || VIEWS.conversations;

    function toggle(key, act) {
      const node = el("button", { class: "ws-run-link", attrs: { type: "button", "aria-pressed": "false" } });
      node.addEventListener("click", () => {
        const on = node.getAttribute("aria-pressed") !== "true";
        node.setAttribute("aria-pressed", String(on));
        node.classList.toggle("ws-on", on);
        act(on);
      });
      return { node, words: () => { node.textContent = say(key); node.title = say(`${key}.says`); } };
    }

    // ---- words -----------------------------------------------------------------------------------------------
    function words() {
      title.textContent = say(`chart.view.${view}`);
      small.textContent = whetstone.has(`chart.legend.${view}`) ? say(`chart.legend.${view}`) : "";
      views.replaceChildren(parts.choice(say("chart.views"), offered().map((value) => ({ value, label: say(`chart.tab.${value}`) })), view, (value) => {
        view = value;
        chart.view(value);
        words();
        views.querySelector(".ws-on").focus();
      }));
      log.words();
      clip.words();
      whole.textContent = say("chart.whole");
      png.textContent = "PNG";
      png.title = say("chart.png.says");
      png.setAttribute("translate", "no");
      csv.textContent = "CSV";
      csv.title = say("chart.csv.says");
      csv.setAttribute("translate", "no");
      nothing.firstChild.textContent = say("run.nothing");
    }

    // ---- watching --------------------------------------------------------------------------------------------
    function choose(id) {
      if (wanted === id && (run || !id)) return;
      leave();
      wanted = id;
      run = cursor = null;
      looks = 0;
      stopping = false;
      chart.clear();
      show();
      if (id) look();
    }

    // One look at a time; an answer that comes after another run was chosen is dropped.
    let busy = false, stream = null, broken = false, taking = Promise.resolve();
    async function look(atOnce = false) {
      if (!wanted || busy) return;
      looks += 1;
      if (run && !atOnce && (ENDED.includes(run.status) ? looks % SLOW_EVERY : !broken && follow())) return;
      busy = true;
      broken = false;
      leave();
      const id = wanted;
      try {
        await taking;
        const news = cursor ? await ctx.server.poll({ id, cursor }) : await ctx.server.open({ id });
        if (id === wanted) await take(news);
      } catch (error) {
        if (error.code !== "JobNotFound") throw error;
        if (id === wanted) gone(id);
      } finally {
        busy = false;
      }
      if (id !== wanted) await look();
    }

    /** True: a stream tells what is new. It is left while nobody sees the panel, and taken up again at the cursor.
        After one that broke the next look asks, so that a person hears why. */
    function follow() {
      if (stream) return true;
      const id = wanted, address = new URL("whetstone/run/events", document.baseURI);
      address.search = new URLSearchParams({ id, cursor: JSON.stringify(cursor) });
      const mine = (stream = new EventSource(address));
      const when = (fn) => (event) => {
        if (mine !== stream) return;
        if (document.hidden || !root.getClientRects().length) leave();
        else taking = taking.then(() => (mine === stream ? fn(event) : null)).catch(whetstone.report);
      };
      mine.addEventListener("message", when((event) => take(JSON.parse(event.data))));
      mine.addEventListener("end", when(leave));
      mine.addEventListener("gone", when(() => gone(id)));
      mine.addEventListener("error", () => {
        if (mine !== stream) return;
        leave();
        broken = true;
      });
      return true;
    }

    function leave() {
      if (stream) stream.close();
      stream = null;
    }

    async function take(news) {
      const before = run && run.status;
      if (news.job) {
        run = { job: news.job, samples: [], choices: [], notices: [] };
        firstView();
      }
      else if (news.first) Object.assign(run, { samples: [], choices: [], notices: [] });
      for (const name of ["samples", "choices", "notices"]) run[name].push(...news[name]);
      Object.assign(run, { status: news.status, facts: news.facts, ended: news.ended, rows: news.rows });
      cursor = news.cursor;
      show(news);
      const mine = run;
      root.dataset.run = run.job.id;
      root.dataset.status = run.status;
      await chart.feed(news);
      if (run !== mine) return; // another run was chosen meanwhile
      if (before && before !== run.status) {
        whetstone.send("run:changed", { id: run.job.id, status: run.status });
        if (ENDED.includes(run.status)) whetstone.send("run:ended", { id: run.job.id });
      }
    }

    // A run is first shown by the curve that says most about its method; a curve that both have stays chosen.
    let shownKind = null;
    function firstView() {
      if (shownKind === run.job.learns) return;
      shownKind = run.job.learns;
      view = offered()[0];
      chart.view(view);
      words();
    }

    function gone(id) {
      leave();
      wanted = null;
      run = cursor = null;
      chart.clear();
      show();
      whetstone.send("run:gone", { id });
    }

    function show(news) {
      const has = Boolean(run);
      shown.hidden = !has;
      nothing.hidden = has || Boolean(wanted);
      if (!has) {
        delete root.dataset.run;
        return;
      }
      numbers.show(run);
      state.show(run);
      const ended = ENDED.includes(run.status);
      stop.hidden = stopSays.hidden = ended;
      stop.disabled = stopping || run.status === "stopping";
      stop.textContent = say(stop.disabled ? "run.stopping" : "run.stop");
      stopSays.textContent = say(run.status === "queued" ? "run.stop.says.queued" : "run.stop.says");
      const drawn = run.facts.step !== null || run.facts.held_out !== null;
      waiting.hidden = drawn;
      waiting.textContent = say(ended ? "chart.none" : "chart.waiting");
      if (!news || news.first || news.samples.length) replies.show(run);
      details.show(run);
    }

    // ---- deeds -----------------------------------------------------------------------------------------------
    async function stopAndKeep() {
      if (!run || stopping) return;
      stopping = true;
      show();
      try { await ctx.server.stop({ id: run.job.id }); } finally { stopping = false; }
      await look(true);
    }

    async function retry(event) {
      const pressed = event.currentTarget;
      pressed.disabled = true;
      try {
        const { id } = await ctx.server.retry({ id: run.job.id, deed: ctx.deed() });
        whetstone.send("run:started", { id });
      } finally { pressed.disabled = false; }
    }

    const fileName = () => `${run.job.title.replace(/[\\/:*?"<>|\s]+/g, "-") || run.job.id}-${view}`;

    async function saveCsv() {
      const { text } = await ctx.server.csv({ id: run.job.id });
      const address = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
      el("a", { attrs: { href: address, download: `${fileName().replace(/-\w+$/, "")}.csv` } }).click();
      setTimeout(() => URL.revokeObjectURL(address), 10000);
    }

    root.append(shown, nothing);
    words();
    show();
    ctx.on("run:selected", ({ id }) => choose(id));
    ctx.on("run:started", () => { // where the panels are stacked, the run is below the form
      if (!matchMedia("(min-width: 900px)").matches) root.scrollIntoView({ block: "start", behavior: "smooth" });
    });
    ctx.every(WATCH_MS, () => look());
    return {
      language: () => { words(); show(); chart.language(); },
      theme: () => chart.theme(),
      destroy: () => { leave(); chart.destroy(); },
    };
  });
})();
