// The parts of the run panel: large numbers, what the state means, how the replies change, why and with what it runs.
(() => {
  "use strict";
  const { el, say } = whetstone;
  const parts = (whetstone.runParts = {});
  const data = { translate: "no" };

  const panel = (name, head, body) =>
    el("section", { class: `ws-panel ws-run-${name}` }, [head && el("div", { class: "ws-head" }, head), body]);

  /** A row of small buttons of which one is chosen. choices: [{value, label, data?}]. */
  parts.choice = (label, choices, chosen, choose) =>
    el("span", { class: "ws-choice", attrs: { role: "group", "aria-label": label } }, choices.map((choice) =>
      el("button", {
        class: choice.value === chosen ? "ws-on" : "", text: choice.label,
        attrs: { type: "button", "aria-pressed": String(choice.value === chosen), title: choice.label, translate: choice.data ? "no" : null },
        on: { click: () => choose(choice.value) },
      })));

  // ---- large numbers -----------------------------------------------------------------------------------------
  const SMALL = 3;
  parts.loss = (value) => (value === null || value === undefined ? "–" : whetstone.number(value, value >= 100 ? 1 : SMALL));

  function place({ status, facts }) {
    const { step, total_steps: total, progress } = facts;
    const training = step !== null && !["loading_model", "importing", "reading_data"].includes(facts.phase);
    if (training) return `${whetstone.number(step)} / ${whetstone.number(total)}`;
    if (progress) return progress.total ? `${whetstone.number(progress.done)} / ${whetstone.number(progress.total)}` : whetstone.number(progress.done);
    return status === "queued" ? "–" : "…";
  }

  function placeName({ status, facts }) {
    if (["finished", "failed", "stopped"].includes(status)) return say("run.place.ended");
    if (["queued", "starting"].includes(status)) return say(`run.status.${status}`);
    if (facts.step === null && (!facts.phase || facts.phase === "importing")) return say("run.preparing");
    const phase = `phase.${facts.phase}`;
    if (facts.phase === "training") return say("run.place.training");
    return say(whetstone.has(phase) ? phase : `run.status.${status}`);
  }

  parts.numbers = (actions) => {
    const names = ["place", "loss", "held_out", "pace", "left"];
    const cells = Object.fromEntries(names.map((name) => [name, { key: el("div", { class: "ws-key" }), number: el("div", { class: "ws-num", attrs: { "data-number": name } }) }]));
    const row = el("div", { class: "ws-body ws-run-row" }, [
      names.map((name) => el("div", { class: `ws-run-number ws-run-${name}` }, [cells[name].key, cells[name].number])),
      el("span", { class: "ws-spacer" }), el("div", { class: "ws-run-actions" }, actions),
    ]);
    const put = (name, key, number) => {
      if (cells[name].key.textContent !== key) cells[name].key.textContent = key;
      if (cells[name].number.textContent !== number) cells[name].number.textContent = number;
    };
    return {
      root: panel("numbers", null, row),
      show: (run) => {
        const { facts } = run;
        put("place", placeName(run), place(run));
        put("loss", say("run.loss"), parts.loss(facts.loss));
        put("held_out", say("run.held_out"), parts.loss(facts.held_out));
        put("pace", say("run.pace"), facts.tokens_per_s === null ? "–" : whetstone.number(facts.tokens_per_s, 0));
        if (run.ended) put("left", say("run.took"), whetstone.duration(run.ended.seconds ?? facts.seconds));
        else put("left", say("run.left"), whetstone.duration(facts.left_s));
      },
    };
  };

  // ---- what the state means ----------------------------------------------------------------------------------
  const TAG = { finished: "good", stopped: "warn", failed: "bad" };

  function failure(ended) {
    const key = `error.${ended.code}.message`;
    if (whetstone.has(key)) return [say(key, ended.values), say(`error.${ended.code}.hint`, ended.values)];
    return [ended.message, ended.hint];
  }

  function facts(ended) {
    const { exit_code: code, signal, last_event: last } = ended.values || {};
    const rows = [];
    if (signal) rows.push(["run.fact.signal", signal]);
    else if (code !== null && code !== undefined) rows.push(["run.fact.exit_code", String(code)]);
    if (last) rows.push(["run.fact.last_event", last]);
    return rows.map(([key, value]) => el("span", {}, [el("span", { class: "ws-key", text: `${say(key)} ` }), el("code", { text: value, attrs: data })]));
  }

  // Of a run on pairs: what it now prefers, and whether its replies got better.
  function preferred({ before, after }, took) {
    const percent = (share) => whetstone.number(100 * share, 0);
    const values = { took, accuracy: percent(after["rewards/accuracies"]), margin: whetstone.number(after["rewards/margins"], 2) };
    if (typeof after.rate !== "number") return say("run.finished.pairs", values);
    return say("run.finished.pairs.rate", { ...values, before: percent(before.rate), after: percent(after.rate) });
  }

  function sentence({ status, ended, facts: known }) {
    if (status === "finished") {
      const summary = ended.summary || {}, before = summary.held_out_before ?? known.held_out_first, after = summary.held_out_after ?? known.held_out;
      const took = whetstone.duration(ended.seconds);
      if (typeof (summary.after || {})["rewards/accuracies"] === "number") return preferred(summary, took);
      if (typeof before !== "number" || typeof after !== "number") return say("run.finished", { took });
      return say("run.finished.held_out", { took, before: parts.loss(before), after: parts.loss(after) });
    }
    if (status === "stopped") return say(ended.step ? "run.stopped" : "run.stopped.before", { step: ended.step });
    if (status === "queued") return say("run.queued");
    return say("run.starting");
  }

  /** What a run left behind can be tried out at once. */
  const compareButton = ({ job, status, ended }) =>
    (status === "finished" || (status === "stopped" && ended && ended.step)) && el("button", {
      class: "ws-btn", text: say("run.compare"), attrs: { type: "button", id: "run-compare", title: say("run.compare.says") },
      on: { click: () => whetstone.send("compare:open", { run: job.id }) },
    });

  parts.state = ({ retry, log }) => {
    const body = el("div", { class: "ws-body ws-run-said" });
    const root = panel("state", null, body);
    let drawn = "";
    const show = (run) => {
      const plain = ["running", "stopping"].includes(run.status) || (run.status === "starting" && !run.notices.length);
      root.hidden = plain;
      const now = JSON.stringify([run.job.id, run.status, run.ended && run.ended.seq, whetstone.language]);
      if (plain || drawn === now) return;
      drawn = now;
      const tag = el("span", { class: `ws-tag ws-tag-${TAG[run.status] || "plain"}`, text: say(`run.status.${run.status}`) });
      if (run.status !== "failed") return body.replaceChildren(...[tag, el("span", { text: sentence(run), attrs: { role: "status" } }), compareButton(run)].filter(Boolean));
      const [message, hint] = failure(run.ended);
      const known = !whetstone.has(`error.${run.ended.code}.message`);
      body.replaceChildren(
        tag, el("span", { attrs: { role: "alert", translate: known ? "no" : null } }, [el("b", { text: message }), " ", el("span", { text: hint })]),
        ...facts(run.ended), el("span", { class: "ws-spacer" }),
        el("button", { class: "ws-btn", text: say("run.retry"), attrs: { type: "button", title: say("run.retry.says") }, on: { click: retry } }),
        fold(log));
    };
    return { root, show };
  };

  // The end of the worker's output, fetched when it is opened.
  function fold(log) {
    const text = el("pre", { class: "ws-log", attrs: { ...data, tabindex: "0" } });
    const box = el("details", { class: "ws-run-log" }, [el("summary", { text: say("run.log") }), text]);
    box.addEventListener("toggle", async () => {
      if (!box.open) return;
      try { text.textContent = (await log()) || say("run.log.empty"); } catch (error) { whetstone.report(error); }
      text.scrollTop = text.scrollHeight;
    });
    return box;
  }

  // ---- how the replies change --------------------------------------------------------------------------------
  parts.replies = () => {
    const title = el("h2", {}), tabs = el("span", { class: "ws-run-prompts" });
    const body = el("div", { class: "ws-run-scroll", attrs: { tabindex: "0" } });
    const root = panel("replies", [title, tabs], body);
    let chosen = 0, last = null;
    const show = (run) => {
      last = run;
      title.textContent = say("run.replies");
      const asked = (run.job.prompts || []).filter(Boolean);
      const prompts = [...new Set([...asked, ...run.samples.map((sample) => sample.prompt)])];
      if (chosen >= prompts.length) chosen = 0;
      const labels = prompts.map((prompt, value) => ({ value, label: `“${prompt}”`, data: true }));
      tabs.replaceChildren(parts.choice(say("run.replies.prompt"), labels, chosen, (value) => { chosen = value; show(last); }));
      const bottom = body.scrollHeight - body.scrollTop - body.clientHeight < 24;
      const rows = run.samples.filter((sample) => sample.prompt === prompts[chosen]);
      if (!rows.length) return body.replaceChildren(el("div", { class: "ws-empty", text: say(run.ended ? "run.replies.none" : "run.replies.empty") }));
      body.replaceChildren(el("table", { class: "ws-table" }, el("tbody", {}, rows.map((sample) => el("tr", {}, [
        el("td", { class: "ws-key", text: say("run.replies.step", { step: sample.step }) }),
        el("td", { class: "ws-reply", text: sample.cut ? `${sample.reply} …` : sample.reply, attrs: data }),
      ])))));
      if (bottom) body.scrollTop = body.scrollHeight;
    };
    return { root, show };
  };

  // ---- why these settings, the rows, the notes ---------------------------------------------------------------
  const plain = (value) => (typeof value === "number" ? whetstone.setting(value) : typeof value === "boolean" ? say(value ? "common.yes" : "common.no") : String(value ?? "–"));
  whetstone.setting = (value) => (Math.abs(value) < 0.001 && value !== 0 ? value.toExponential() : value.toLocaleString("en-US", { maximumFractionDigits: 6 }));

  const pair = (name, value, why) =>
    el("tr", {}, [el("td", { text: name }), el("td", { class: "ws-value", text: value, attrs: data }), el("td", { class: "ws-why", text: why })]);
  const table = (rows) => el("table", { class: "ws-table" }, el("tbody", {}, rows));

  function settings(run) {
    const titles = run.job.titles || {};
    const name = (one) => (titles[one] ? whetstone.said(titles[one]) : say(`setting.${one}`));
    const shownValue = (value) => (typeof value === "string" && titles[value] ? whetstone.said(titles[value]) : plain(value));
    const chosen = new Set(run.choices.map((choice) => choice.name));
    const given = Object.entries(run.job.settings || {}).filter(([one]) => run.choices.length && !chosen.has(one));
    const rows = [
      ...given.map(([one, value]) => pair(name(one), shownValue(value), say("run.settings.given"))),
      ...run.choices.map(({ name: one, value, reason, values }) => {
        const key = `choice.${reason}`;
        return pair(name(one), shownValue(value), whetstone.has(key) ? say(key, values) : reason);
      }),
    ];
    return rows.length ? [table(rows)] : [el("div", { class: "ws-empty", text: say("run.settings.empty") })];
  }

  function rowsAccount({ rows }) {
    if (!rows) return [el("div", { class: "ws-empty", text: say("run.rows.empty") })];
    const dropped = Object.entries(rows.dropped || {});
    const lost = dropped.reduce((sum, [, count]) => sum + count, 0);
    return [table([
      pair(say("run.rows.read"), whetstone.number(rows.read), ""),
      pair(say("run.rows.kept"), whetstone.number(rows.kept), ""),
      pair(say("run.rows.truncated"), whetstone.number(rows.truncated), rows.truncated ? say("run.rows.truncated.says") : ""),
      pair(say("run.rows.dropped"), whetstone.number(lost), lost ? "" : say("run.rows.dropped.none")),
      ...dropped.filter(([, count]) => count).map(([cause, count]) => {
        const key = `dropped.${cause}`;
        return pair("", "", whetstone.has(key) ? say(key, { count }) : cause);
      }),
    ])];
  }

  function notes(run) {
    const said = run.notices.map(({ level, code, values }) => {
      const key = `notice.${code}`;
      return el("p", { class: "ws-note" }, [
        el("span", { class: `ws-tag ${level === "warning" ? "ws-tag-warn" : level === "bad" ? "ws-tag-bad" : ""}`, text: say(`run.note.${level}`) }), " ",
        el("span", { text: whetstone.has(key) ? say(key, values) : code }),
      ]);
    });
    if (run.facts.unreadable) said.push(el("p", { class: "ws-note", text: say("run.unreadable", { count: run.facts.unreadable }) }));
    return said.length ? [el("div", { class: "ws-body" }, said)] : [el("div", { class: "ws-empty", text: say("run.notes.empty") })];
  }

  parts.details = ({ log }) => {
    const views = { settings, rows: rowsAccount, notes, log: () => [output] };
    const output = el("pre", { class: "ws-log", attrs: data });
    const tabs = el("span", {}), count = el("small", {});
    const body = el("div", { class: "ws-run-scroll", attrs: { tabindex: "0" } });
    const root = panel("details", [tabs, el("span", { class: "ws-spacer" }), count], body);
    let view = "settings", last = null, drawn = "";
    const choose = async (name) => {
      view = name;
      show(last);
      if (name !== "log") return;
      output.textContent = (await log()) || say("run.log.empty");
      body.scrollTop = body.scrollHeight;
    };
    const show = (run) => {
      last = run;
      const now = JSON.stringify([run.job.id, view, run.choices.length, run.notices.length, run.rows, run.facts.unreadable, whetstone.language]);
      if (now === drawn) return;
      drawn = now;
      const labels = Object.keys(views).map((name) => ({ value: name, label: say(`run.details.${name}`) }));
      const again = tabs.contains(document.activeElement) ? view : null;
      tabs.replaceChildren(parts.choice(say("run.details"), labels, view, choose));
      if (again) tabs.querySelector(".ws-on").focus();
      count.textContent = run.notices.length && view !== "notes" ? say("run.notes.count", { count: run.notices.length }) : "";
      const top = body.scrollTop;
      body.replaceChildren(...views[view](run));
      body.scrollTop = top;
    };
    return { root, show };
  };
})();
