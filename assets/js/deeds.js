// Deeds on whole datasets: begin one by hand, duplicate one; merging and exporting have files of their own.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});

  // A dialog whose deed is a job: its progress shows in the dialog, and giving up stops the job.
  // start(deed) answers with the job's id; ended(state, job) runs when it has finished.
  data.askJob = async ({ ctx, title, body, act, start, ended, wide }) => {
    const bar = el("progress", { attrs: { "aria-label": title } });
    const words = el("span", { class: "ws-key", attrs: { role: "status" } });
    const progress = el("div", { class: "ws-progress", attrs: { hidden: true } }, [bar, words]);
    let job = null;
    let state = null;
    let deed = ctx.deed();
    const done = async () => {
      progress.hidden = false;
      words.textContent = ctx.say("data.job_starting");
      try {
        job = await start(deed);
        state = await data.follow(ctx.server, job, (now) => {
          words.textContent = data.progressWords(ctx.say, now);
          if (now.share == null) bar.removeAttribute("value");
          else bar.value = now.share;
        });
      } catch (error) {
        progress.hidden = true;
        job = null;
        deed = ctx.deed(); // another try is another deed
        throw error;
      }
    };
    const answer = await data.ask({ title, body: [...body, progress], act, done, wide });
    if (job && !state) await ctx.server.stop({ job_id: job });
    else if (answer && state.status === "finished") await ended(state, job);
  };

  const nameField = (say, value, why) => {
    const box = el("input", { class: "ws-input", attrs: { type: "text", maxlength: "80", translate: "no", autofocus: true, "data-field": "name" } });
    box.value = value;
    return { box, node: data.field(say("data.name"), box, why) };
  };
  data.nameField = nameField;

  data.kindMenu = (say, kinds, chosen) => {
    const menu = el("select", { class: "ws-input", attrs: { "data-field": "kind" } }, kinds.map((kind) => el("option", { text: say(`data.kind.${kind}`), attrs: { value: kind } })));
    if (chosen) menu.value = chosen;
    return menu;
  };

  const opened = (id) => {
    whetstone.send("data:open", { id });
    whetstone.send("dataset:changed", { id });
  };
  data.openMade = opened;

  class Deeds {
    constructor(ctx) {
      this.ctx = ctx;
      ctx.on("data:new", () => this.begin());
      ctx.on("data:duplicate", ({ info }) => this.duplicate(info));
      ctx.on("data:merge", ({ id }) => data.askMerge(ctx, id));
      ctx.on("data:export", ({ info, selection, rows }) => data.askExport(ctx, info, selection, rows));
    }

    async begin() {
      const { say, server } = this.ctx;
      const deed = this.ctx.deed();
      const name = nameField(say, say("data.new_name"));
      const kind = data.kindMenu(say, await server.kinds({}));
      const why = el("span", { class: "ws-why" });
      const explain = () => (why.textContent = say(`data.kind_words.${kind.value}`));
      kind.addEventListener("change", explain);
      explain();
      let id = null;
      const done = async () => {
        id = await server.new({ name: name.box.value.trim() || say("data.new_name"), kind: kind.value, deed });
      };
      const field = data.field(say("data.new_kind"), kind);
      field.append(why);
      const body = [el("p", { text: say("data.new_words") }), name.node, field];
      if (!(await data.ask({ title: say("data.new_title"), body, act: say("data.new_act"), done }))) return;
      opened(id);
      await data.whenOpen(id);
      whetstone.send("data:add", {});
    }

    async duplicate({ id, name, rows }) {
      const { ctx } = this;
      const { say, server } = ctx;
      const field = nameField(say, "", say("data.duplicate_name_why"));
      field.box.placeholder = name;
      await data.askJob({
        ctx,
        title: say("data.duplicate_title"),
        body: [el("p", { text: say("data.duplicate_words", { name, rows }) }), field.node],
        act: say("data.duplicate"),
        start: (deed) => server.duplicate({ id, name: field.box.value.trim(), deed }),
        ended: (state) => {
          opened(state.result);
          ctx.toast(say("data.duplicated", { rows: state.summary.rows }), "good");
        },
      });
    }
  }

  // Resolves when the dataset is the one that is open.
  data.whenOpen = (id) =>
    new Promise((resolve) => {
      if (data.current?.info?.id === id) return resolve();
      const off = whetstone.on("data:dataset", (info) => {
        if (info?.id !== id) return;
        off();
        resolve();
      });
    });

  whetstone.widget("deeds", (root, ctx) => {
    root.hidden = true;
    new Deeds(ctx);
    return {};
  });
})();
