// Queue and history: every run with its state or end loss and its time; one click shows it, deleting asks first.
(() => {
  "use strict";
  const { el, say } = whetstone;
  const LOOK_MS = 4000; // what this page does is shown at once; this is for what happens elsewhere
  const SLOW_EVERY = 5; // looks, while nothing runs: another browser may start something
  const ACTIVE = ["queued", "starting", "running", "stopping"];
  const TAG = { running: "good", starting: "good", stopping: "warn", stopped: "warn", failed: "bad" };

  whetstone.widget("runs", (root, ctx) => {
    root.classList.add("ws-runs");
    const title = el("h2"), count = el("small"), body = el("div", { class: "ws-run-scroll" });
    root.append(el("section", { class: "ws-panel" }, [el("div", { class: "ws-head" }, [title, el("span", { class: "ws-spacer" }), count]), body]));
    let runs = null, drawn = "", looks = 0;

    async function look() {
      looks += 1;
      if (runs && looks % SLOW_EVERY && !runs.some((run) => ACTIVE.includes(run.status))) return;
      await fetchList();
    }

    async function fetchList() {
      runs = await ctx.server.list();
      const chosen = whetstone.selectedRun;
      whetstone.activeRun = runs.some((run) => ACTIVE.includes(run.status));
      whetstone.send("runs:listed", {});
      if (!chosen || !runs.some((run) => run.id === chosen)) choose(latest());
      draw();
    }

    const latest = () => (runs.find((run) => ["running", "starting", "stopping"].includes(run.status)) || runs[0] || {}).id || null;

    function choose(id) {
      whetstone.selectedRun = id;
      whetstone.send("run:selected", { id });
      draw();
      reveal();
    }

    // Scrolls the list alone: scrollIntoView would move the page of a phone as well.
    function reveal() {
      const row = root.querySelector("tr.ws-on");
      if (!row) return;
      const seen = body.getBoundingClientRect(), place = row.getBoundingClientRect();
      if (place.top < seen.top) body.scrollTop -= seen.top - place.top;
      else if (place.bottom > seen.bottom) body.scrollTop += place.bottom - seen.bottom;
    }

    // ---- drawing ---------------------------------------------------------------------------------------------
    function tag(run) {
      if (run.status === "finished") return el("span", { class: "ws-tag", text: whetstone.runParts.loss(run.end_loss), attrs: { title: say("runs.end_loss", { loss: whetstone.runParts.loss(run.end_loss) }) } });
      return el("span", { class: `ws-tag${TAG[run.status] ? ` ws-tag-${TAG[run.status]}` : ""}`, text: say(`run.status.${run.status}`) });
    }

    function row(run) {
      const on = run.id === whetstone.selectedRun;
      const choosing = (event) => {
        if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
        if (event.target.closest("button")) return;
        event.preventDefault();
        choose(run.id);
      };
      const line = el("tr", { class: on ? "ws-on" : "", attrs: { tabindex: "0", "data-run": run.id, "aria-selected": String(on) }, on: { click: choosing, keydown: choosing } }, [
        el("td", { text: run.title, attrs: { translate: "no", title: run.title } }),
        el("td", {}, tag(run)),
        el("td", { class: "ws-runs-time", text: whetstone.duration(run.seconds) }),
        el("td", {}, ACTIVE.includes(run.status) ? [] : el("button", {
          class: "ws-icon", text: "×", attrs: { type: "button", "aria-label": say("runs.delete", { title: run.title }), title: say("runs.delete", { title: run.title }) },
          on: { click: () => remove(run) },
        })),
      ]);
      return line;
    }

    function draw() {
      title.textContent = say("runs.title");
      count.textContent = runs && runs.length ? whetstone.number(runs.length) : "";
      if (!runs) return;
      const now = JSON.stringify([runs, whetstone.selectedRun, whetstone.language]);
      if (now === drawn) return;
      drawn = now;
      if (!runs.length) return body.replaceChildren(el("div", { class: "ws-empty", text: say("runs.empty") }));
      const held = document.activeElement && document.activeElement.closest && root.contains(document.activeElement)
        ? document.activeElement.closest("tr")?.dataset.run : null;
      const top = body.scrollTop;
      body.replaceChildren(el("table", { class: "ws-table", attrs: { "aria-label": say("runs.title") } }, el("tbody", {}, runs.map(row))));
      body.scrollTop = top;
      if (held) root.querySelector(`tr[data-run="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
    }

    async function remove(run) {
      if (!(await ctx.confirm("runs.delete", { title: run.title }))) return;
      try {
        await ctx.server.delete({ id: run.id });
      } catch (error) {
        if (error.code !== "JobNotFound") throw error; // gone already is what was asked for
      }
      if (whetstone.selectedRun === run.id) whetstone.selectedRun = null;
      await fetchList();
    }

    draw();
    ctx.on("run:started", async ({ id }) => {
      whetstone.selectedRun = id;
      await fetchList();
      choose(id);
    });
    ctx.on("run:changed", fetchList);
    ctx.on("run:gone", fetchList);
    ctx.every(LOOK_MS, look);
    return { language: draw };
  });
})();
