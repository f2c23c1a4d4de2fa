// A model from the Hub: its id, what would be downloaded, and only then the download itself.
(() => {
  "use strict";
  const { el, say } = whetstone;
  const LOOK_MS = 1000;

  whetstone.widget("hub", (root, ctx) => {
    const summary = el("summary"), says = el("div", { class: "ws-why" }), found = el("div", { class: "ws-hub-found", attrs: { role: "status" } });
    const input = el("input", { class: "ws-input", attrs: { type: "text", spellcheck: "false", autocomplete: "off", id: "hub-repo" } });
    const look = el("button", { class: "ws-btn", attrs: { type: "submit" } });
    const form = el("form", { class: "ws-hub-form" }, [input, look]);
    root.append(el("details", { class: "ws-hub" }, [summary, says, form, found]));
    let files = null, job = null, cursor = null, error = null, state = null;

    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const repo = input.value.trim();
      if (!repo) return input.focus();
      look.disabled = true;
      files = error = state = null;
      try { files = await ctx.server.files({ repo }); } catch (failed) { error = failed; }
      look.disabled = false;
      return draw();
    });

    async function download() {
      const { repo } = files;
      try {
        ({ id: job } = await ctx.server.download({ repo, deed: ctx.deed() }));
        cursor = null;
        state = { status: "queued", facts: {} };
        await watch();
      } catch (failed) {
        error = failed;
      }
      draw();
    }

    async function watch() {
      if (!job) return;
      const news = await ctx.server.watch({ id: job, cursor });
      cursor = news.cursor;
      state = news;
      if (news.ended) {
        job = null;
        if (news.status === "finished") whetstone.send("base:added");
        if (news.status === "failed") error = { message: say(`error.${news.ended.code}.message`, news.ended.values), hint: say(`error.${news.ended.code}.hint`, news.ended.values) };
      }
      draw();
    }

    function draw() {
      summary.textContent = say("hub.title");
      says.textContent = say("hub.says");
      input.placeholder = say("hub.repo");
      input.setAttribute("aria-label", say("hub.repo"));
      look.textContent = say("hub.look");
      if (error) return found.replaceChildren(el("p", { class: "ws-bad", text: error.message }), el("p", { class: "ws-why", text: error.hint }));
      if (state && state.status !== "failed") return found.replaceChildren(el("p", { text: progress() }));
      if (!files) return found.replaceChildren();
      return found.replaceChildren(
        el("table", { class: "ws-table" }, el("tbody", {}, files.files.map((file) => el("tr", {}, [
          el("td", { text: file.name, attrs: { translate: "no" } }), el("td", { text: whetstone.bytes(file.bytes), attrs: { translate: "no" } })])))),
        el("button", { class: "ws-btn", text: say("hub.download", { size: whetstone.bytes(files.bytes) }), attrs: { type: "button" }, on: { click: download } }));
    }

    function progress() {
      if (state.status === "finished") return say("hub.finished");
      const now = state.facts.progress;
      return now && now.total ? say("hub.progress", { done: whetstone.bytes(now.done), total: whetstone.bytes(now.total) }) : say("hub.waiting");
    }

    draw();
    ctx.every(LOOK_MS, watch);
    return { language: draw };
  });
})();
