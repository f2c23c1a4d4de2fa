// The dialogs of changes to many rows: each shows what it would do to the first rows before it does it.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const LOOK_PAUSE_MS = 300;

  const input = (name, attrs = {}) => el("input", { class: "ws-input", attrs: { type: "text", translate: "no", autocomplete: "off", "data-field": name, ...attrs } });
  const tick = (name, words) => {
    const box = el("input", { attrs: { type: "checkbox", "data-field": name } });
    return { box, node: el("label", { class: "ws-tick-tag" }, [box, el("span", { text: words })]) };
  };
  const options = (choices) => choices.map(([value, text]) => el("option", { text, attrs: { value } }));

  // What an action would do, tried out while it is typed: {node, look()}. read() gives the action, or null for none yet.
  const preview = (ctx, ask, read) => {
    const { say } = ctx;
    const told = el("p", { class: "ws-key ws-bulk-told", attrs: { role: "status" } });
    const list = el("div", { class: "ws-bulk-first" });
    const problem = el("div", { class: "ws-place" });
    let turn = 0;
    let pause = 0;
    const show = (found) => {
      const { rows, places, complete } = found;
      const keys = complete ? ["data.bulk.would", "data.bulk.would_places"] : ["data.bulk.would_least", "data.bulk.would_least_places"];
      told.textContent = rows ? say(keys[Number(places > rows)], { rows, places }) : say("data.bulk.would_nothing");
      list.replaceChildren(...found.first.map(({ position, parts }) =>
        el("div", { class: "ws-bulk-row", attrs: { "data-row": String(position) } }, [
          el("span", { class: "ws-key", text: say("data.row_title", { number: position }) }),
          ...parts.filter(({ before, after }) => before !== after).map((part) => data.diffPart(say, part)),
        ])));
    };
    const tryOut = async () => {
      const action = read();
      const mine = ++turn;
      problem.replaceChildren();
      if (!action) return show({ rows: 0, places: 0, complete: true, first: [] });
      told.textContent = say("data.bulk.looking");
      try {
        const found = await ctx.server.look({ id: ask.id, filter: ask.filter, action });
        if (mine === turn) show(found);
      } catch (error) {
        if (!error?.code) throw error;
        if (mine !== turn) return;
        told.textContent = "";
        list.replaceChildren();
        problem.replaceChildren(data.problem(error));
      }
    };
    const look = () => {
      clearTimeout(pause);
      pause = setTimeout(() => tryOut().catch(whetstone.report), LOOK_PAUSE_MS);
    };
    return { node: el("div", { class: "ws-bulk-preview" }, [problem, told, list]), look };
  };

  const heard = (look, ...controls) => controls.forEach((control) => {
    control.addEventListener("input", (event) => !event.isComposing && look());
    control.addEventListener("compositionend", look);
    control.addEventListener("change", look);
  });

  const forms = {
    delete: ({ say }) => ({ body: [el("p", { text: say("data.bulk.delete_words") })], read: () => ({ kind: "delete" }), danger: true }),

    tag: (ctx, ask) => {
      const { say } = ctx;
      const box = input("tag", { maxlength: "80", autofocus: true, list: "ws-known-tags" });
      const known = el("datalist", { attrs: { id: "ws-known-tags" } }, ask.tags.map(({ tag }) => el("option", { attrs: { value: tag } })));
      const way = el("select", { class: "ws-input", attrs: { "data-field": "way", "aria-label": say("data.bulk.tag_way") } }, options([["add", say("data.bulk.tag_add")], ["remove", say("data.bulk.tag_remove")]]));
      const read = () => ({ kind: "tag", add: [], remove: [], [way.value]: [box.value.trim()] });
      return { body: [el("div", { class: "ws-halves" }, [data.field(say("data.bulk.tag_name"), box), data.field(say("data.bulk.tag_way"), way)]), known], read };
    },

    replace: (ctx, ask) => {
      const { say } = ctx;
      const find = input("find", { maxlength: "1000", autofocus: true });
      const put = input("put", { maxlength: "20000" });
      const regex = tick("is_regex", say("data.bulk.is_regex"));
      const letters = tick("ignores_case", say("data.bulk.ignores_case"));
      const role = el("select", { class: "ws-input", attrs: { "data-field": "role" } }, options([["", say("data.filter.any_role")], ...data.rolesOf(ask.kind).map((one) => [one, data.roleName(say, one)])]));
      role.value = ask.filter.role || "";
      if (ask.filter.query) {
        regex.box.checked = Boolean(ask.filter.is_regex);
        letters.box.checked = !ask.filter.is_regex || ask.filter.query.startsWith("(?i)");
        find.value = ask.filter.query.replace(/^\(\?i\)/, "");
      }
      const read = () => (find.value ? { kind: "replace", find: find.value, put: put.value, is_regex: regex.box.checked, ignores_case: letters.box.checked, role: role.value || null } : null);
      const shown = preview(ctx, ask, read);
      const why = el("span", { class: "ws-why", text: say("data.bulk.groups") });
      const draw = () => (why.hidden = !regex.box.checked);
      regex.box.addEventListener("change", draw);
      draw();
      heard(shown.look, find, put, role, regex.box, letters.box);
      shown.look();
      const body = [
        el("div", { class: "ws-halves" }, [data.field(say("data.bulk.find"), find), data.field(say("data.bulk.put"), put)]),
        el("div", { class: "ws-bulk-ticks" }, [regex.node, letters.node, el("span", { class: "ws-spacer" }), el("label", { class: "ws-inline" }, [el("span", { class: "ws-key", text: say("data.filter.role_long") }), role])]),
        why, shown.node,
      ];
      return { body, read, wide: true };
    },

    system: (ctx, ask) => {
      const { say } = ctx;
      const box = el("textarea", { class: "ws-input ws-bulk-system", attrs: { rows: "4", maxlength: "20000", translate: "no", autofocus: true, "data-field": "system" } });
      const read = () => ({ kind: "system", text: box.value });
      const shown = preview(ctx, ask, read);
      heard(shown.look, box);
      shown.look();
      return { body: [data.field(say("data.bulk.system_text"), box, say("data.bulk.system_why")), shown.node], read, wide: true };
    },

    split: ({ say }) => {
      const to = el("select", { class: "ws-input", attrs: { "data-field": "to" } }, options(["train", "held_out"].map((name) => [name, say(`data.split.${name}`)])));
      return { body: [data.field(say("data.bulk.split_to"), to, say("data.bulk.split_why"))], read: () => ({ kind: "split", to: to.value }) };
    },

    fix: (ctx, ask) => {
      const { say } = ctx;
      const which = el("select", { class: "ws-input", attrs: { "data-field": "fix" } }, options(ask.fixes.map(({ title, words }, index) => [String(index), `${whetstone.said(title)}: ${whetstone.nameOf(words)}`])));
      const read = () => {
        const { check, code } = ask.fixes[Number(which.value)];
        return { kind: "fix", check, code };
      };
      const shown = preview(ctx, ask, read);
      heard(shown.look, which);
      shown.look();
      return { body: [data.field(say("data.bulk.fix_which"), which), shown.node], read, wide: true };
    },
  };

  /** Asks for what an action needs and does it: {changed, skipped}, or null where it was given up. */
  data.askBulk = async (ctx, kind, ask) => {
    const { say, server } = ctx;
    let outcome = null;
    if (kind === "tag") ask.tags = (await server.menu({ id: ask.id })).tags;
    const form = forms[kind](ctx, ask);
    const progress = el("div", { class: "ws-progress", attrs: { hidden: true } }, [el("progress", {}), el("span", { class: "ws-key", attrs: { role: "status" } })]);
    let deed = ctx.deed();
    let job = null;
    const show = (now) => {
      const [bar, words] = progress.children;
      words.textContent = data.progressWords(say, now);
      if (now.share == null) bar.removeAttribute("value");
      else bar.value = now.share;
    };
    const done = async () => {
      const action = form.read();
      if (!action) return false;
      try {
        const reply = await server.apply({ id: ask.id, filter: ask.filter, action, deed, seen: ask.seen });
        if (!reply.job_id) {
          outcome = reply;
          return true;
        }
        job = reply.job_id;
        progress.hidden = false;
        const state = await data.follow(server, job, show);
        outcome = state.status === "finished" ? state.summary : null;
        job = null;
        return true;
      } catch (error) {
        deed = ctx.deed(); // another try is another deed
        job = null;
        progress.hidden = true;
        throw error;
      }
    };
    const title = say(ask.sure ? `data.bulk.${kind}_title` : `data.bulk.${kind}_title_least`, { rows: ask.rows });
    await data.ask({ title, body: [...form.body, progress], act: say(`data.bulk.${kind}_act`), done, danger: form.danger, wide: form.wide });
    if (job) await server.stop({ job_id: job });
    return outcome;
  };
})();
