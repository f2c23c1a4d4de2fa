// What can be done about findings: mended after a look at the difference, set aside with a reason, checked otherwise.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const MOST_PARTS = 6;

  // ---- mending -----------------------------------------------------------------------------------------------------

  const drawFix = (say, { position, leaves_out: leavesOut, parts }) => {
    const changed = parts.filter(({ before, after }) => before !== after);
    const shown = changed.slice(0, MOST_PARTS).map((part) => data.diffPart(say, part));
    const hidden = changed.length - shown.length;
    return el("div", { class: "ws-diff-row", attrs: { "data-fix": String(position) } }, [
      el("div", { class: "ws-diff-head" }, [
        el("strong", { text: say("data.row_title", { number: position }) }),
        leavesOut ? el("span", { class: "ws-tag ws-tag-bad", text: say("checks.leaves_out") }) : null,
      ]),
      ...shown,
      hidden > 0 ? el("span", { class: "ws-key ws-diff-skipped", text: say("checks.more_parts", { count: hidden }) }) : null,
    ]);
  };

  // rowIds: only these rows, or null for every row of the code. Resolves when the dialog is closed.
  data.fixDialog = async (checks, check, code, rowIds) => {
    const { say, server, toast } = checks.ctx;
    const { id } = checks.info;
    const asked = { id, check, code, row_ids: rowIds };
    const { rows, fixes } = await server.preview(asked);
    if (!fixes.length) {
      toast(say("checks.nothing_to_fix"));
      return;
    }
    const title = whetstone.said(checks.found.checks.find(({ name }) => name === check).title);
    const deed = checks.ctx.deed();
    const words = [el("p", { text: say("checks.fix_words", { rows }) })];
    if (fixes.length < rows) words.push(el("p", { class: "ws-key", text: say("checks.fix_first", { count: fixes.length }) }));
    const done = async () => {
      const outcome = await data.withProgress(checks.ctx, say("checks.fix_title", { title }), await server.fix({ ...asked, deed }));
      if (!outcome) return; // stopped: nothing was changed
      const { changed, skipped } = outcome;
      const left = Object.values(skipped).reduce((sum, count) => sum + count, 0);
      toast(whetstone.sentences(say("checks.fixed", { rows: changed }), left ? say("checks.fix_left", { rows: left }) : ""), left ? "info" : "good");
      await checks.changed(true);
    };
    await data.ask({
      title: say("checks.fix_title", { title }),
      body: [...words, el("div", { class: "ws-fixes" }, fixes.map((fix) => drawFix(say, fix)))],
      act: say("checks.fix_act", { rows }),
      wide: true,
      done,
    });
  };

  // ---- setting aside -----------------------------------------------------------------------------------------------

  // finding: the one that is set aside, or null for everything of the code.
  data.ignoreDialog = async (checks, check, code, finding) => {
    const { say, server, toast } = checks.ctx;
    const { id } = checks.info;
    const reason = el("textarea", { class: "ws-input", attrs: { rows: "3", maxlength: "500", autofocus: true } });
    const one = finding && el("input", { attrs: { type: "radio", name: "ws-ignore", checked: true } });
    const all = finding && el("input", { attrs: { type: "radio", name: "ws-ignore" } });
    const choice = finding
      ? [el("div", { class: "ws-ignore-choice" }, [el("label", {}, [one, say("checks.ignore_one")]), el("label", {}, [all, say("checks.ignore_kind")])])]
      : [el("p", { text: say("checks.ignore_words", { count: code.found }) })];
    const done = async () => {
      const single = one?.checked ? finding.finding_id : null;
      await server.ignore({ id, check, code: code.code, finding_id: single, reason: reason.value });
      toast(say("checks.ignored_toast"), "good");
      await checks.changed(false);
    };
    const body = [...choice, data.field(say("checks.reason"), reason, say("checks.reason_why"))];
    await data.ask({ title: say("checks.ignore_title"), body, act: say("checks.ignore_act"), done });
  };

  // ---- one finding of the open row ---------------------------------------------------------------------------------

  data.findingDialog = async (checks, finding) => {
    const { say } = checks.ctx;
    const { check, code, words, title, row_id: rowId, is_fixable: isFixable } = finding;
    const answer = await whetstone.dialog({
      title: whetstone.said(title),
      body: [el("p", { text: words })],
      actions: [
        { label: say("checks.ignore"), value: "ignore" },
        { label: say("checks.show_all"), value: "all" },
        isFixable ? { label: say("checks.fix"), value: "fix", primary: true } : { label: say("common.close"), value: null, primary: true },
      ],
    });
    if (answer === "fix") await data.fixDialog(checks, check, code, [rowId]);
    if (answer === "ignore") await data.ignoreDialog(checks, check, { code }, finding);
    if (answer === "all") whetstone.send("checks:open", { check });
  };

  // The chips of the open row's findings, for the editor, the gravest first: a check that found several things says each.
  data.rowChecks = (ctx) => {
    const tones = { error: " ws-tag-bad", warn: " ws-tag-warn", info: "" };
    const node = el("div", { class: "ws-row-checks", attrs: { hidden: true } });
    ctx.on("data:row", () => (node.hidden = true));
    ctx.on("data:findings", ({ findings }) => {
      const isOnly = ({ check }) => findings.filter((other) => other.check === check).length === 1;
      node.replaceChildren(...findings.map((finding) =>
        el("button", { class: `ws-tag${tones[finding.severity]}`, text: isOnly(finding) ? whetstone.said(finding.title) : finding.words, attrs: { type: "button", title: finding.words, "data-check": finding.check, "data-code": finding.code }, on: { click: () => whetstone.send("checks:finding", finding) } })));
      node.hidden = !findings.length;
    });
    return node;
  };

  // ---- settings ----------------------------------------------------------------------------------------------------

  const FIELDS = {
    forbidden(say, settings) {
      const box = el("textarea", { class: "ws-input", attrs: { rows: "6", translate: "no", autofocus: true } });
      box.value = settings.forbidden.join("\n");
      const read = () => box.value.split("\n").map((word) => word.trim()).filter(Boolean);
      return { node: data.field(say("checks.set.forbidden"), box, say("checks.set.forbidden_why")), read };
    },
    group_field(say, settings, { fields }) {
      const list = el("datalist", { attrs: { id: `ws-fields-${whetstone.deed().slice(0, 6)}` } }, fields.map((name) => el("option", { attrs: { value: name } })));
      const box = el("input", { class: "ws-input", attrs: { type: "text", maxlength: "200", translate: "no", autofocus: true, list: list.id } });
      box.value = settings.group_field ?? "";
      const node = el("div", {}, [data.field(say("checks.set.group_field"), box, say("checks.set.group_field_why")), list]);
      return { node, read: () => box.value.trim() || null };
    },
    compared(say, settings, { datasets }) {
      const all = el("input", { attrs: { type: "checkbox", checked: settings.compared === null } });
      const boxes = datasets.map(({ id, name }) => {
        const box = el("input", { attrs: { type: "checkbox", value: id, checked: settings.compared === null || settings.compared.includes(id), disabled: settings.compared === null } });
        return { box, node: el("label", { class: "ws-set-one" }, [box, el("span", { text: name, attrs: { translate: "no" } })]) };
      });
      all.addEventListener("change", () => boxes.forEach(({ box }) => (box.disabled = all.checked)));
      const list = boxes.length ? boxes.map(({ node }) => node) : [el("p", { class: "ws-key", text: say("checks.set.no_others") })];
      const node = el("fieldset", { class: "ws-set" }, [el("legend", { class: "ws-key", text: say("checks.set.compared") }), el("label", { class: "ws-set-one" }, [all, say("checks.set.compared_all")]), ...list]);
      return { node, read: () => (all.checked ? null : boxes.filter(({ box }) => box.checked).map(({ box }) => box.value)) };
    },
    base(say, settings, { bases }) {
      const box = el("select", { class: "ws-input" }, [el("option", { text: say("checks.set.no_base"), attrs: { value: "" } }), ...bases.map(({ id, title }) => el("option", { text: title, attrs: { value: id, translate: "no" } }))]);
      box.value = settings.base ?? "";
      return { node: data.field(say("checks.set.base"), box), read: () => box.value || null };
    },
    max_length(say, settings) {
      const box = el("input", { class: "ws-input", attrs: { type: "number", min: "1", step: "1" } });
      box.value = String(settings.max_length);
      return { node: data.field(say("checks.set.max_length"), box, say("checks.set.max_length_why")), read: () => Math.round(Number(box.value)) };
    },
  };

  // What a check depends on; saved for the dataset, and the check runs anew.
  data.checkSettings = async (checks, check) => {
    const { say, server } = checks.ctx;
    const { id } = checks.info;
    const { settings } = checks.found;
    const choices = await server.choices({ id });
    const fields = check.uses.map((name) => [name, FIELDS[name](say, settings, choices)]);
    const done = async () => {
      const chosen = Object.fromEntries(fields.map(([name, { read }]) => [name, read()]));
      await server.set_settings({ id, settings: { ...settings, ...chosen } });
      await checks.changed(false);
      await checks.run([check.name]);
    };
    await data.ask({ title: whetstone.said(check.title), body: fields.map(([, { node }]) => node), act: say("checks.set.act"), done });
  };
})();
