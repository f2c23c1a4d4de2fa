// The card of a dataset: its purpose, what it holds, what was checked, and the checklist of good training data.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const LICENCES = ["CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "MIT", "Apache-2.0", "ODC-By-1.0", "ODbL-1.0"];
  const MOST_IGNORED = 20;

  const languageName = (code, say) => {
    if (!code) return say("datacard.language_unclear");
    return new Intl.DisplayNames([whetstone.language === "ja" ? "ja" : "en"], { type: "language" }).of(code);
  };
  const percent = (part, whole) => Math.round((100 * part) / Math.max(whole, 1));

  const fact = (name, ...values) => [el("dt", { text: name }), el("dd", {}, values.filter(Boolean))];
  const list = (items) => el("span", { class: "ws-fine ws-card-list" }, items.map((text) => el("span", { text })));

  const drawFacts = (say, card) => {
    const { info, profile, checks } = card;
    const { source } = info;
    const rows = [
      ...fact(say("datacard.rows"), list([say("data.fact_rows", { rows: info.rows }), say("data.fact_held_out", { rows: info.held_out }), info.refused ? say("data.fact_refused", { rows: info.refused }) : ""].filter(Boolean))),
    ];
    if (profile) {
      const { sampled } = profile;
      rows.push(
        ...fact(say("datacard.kinds"), list(Object.entries(profile.kinds).map(([kind, count]) => say("datacard.kind_rows", { kind: say(`data.kind.${kind}`), rows: count })))),
        ...fact(say("datacard.languages"), list(Object.entries(profile.languages).map(([code, count]) => say("datacard.language_share", { language: languageName(code, say), percent: percent(count, sampled) })))),
        ...fact(say("datacard.lengths"), list([say("datacard.length_middle", { count: profile.middle }), say("datacard.length_longest", { count: profile.longest })])),
      );
    }
    rows.push(...fact(say("datacard.source"), el("span", { text: source.file, attrs: { translate: "no" } }), el("span", { class: "ws-key", text: ` ${whetstone.time(info.created)}` })));
    const counted = (status) => checks.filter((check) => check.status === status).length;
    const words = ["passed", "found", "missing", "never"].filter(counted).map((status) => say(`datacard.checks.${status}`, { count: counted(status) }));
    rows.push(...fact(say("datacard.checks"), list(words)));
    return el("dl", { class: "ws-facts" }, rows);
  };

  const drawPoint = (say, point) =>
    el("li", { class: `ws-card-point${point.is_met ? " ws-card-met" : ""}`, attrs: { "data-point": point.name, "data-met": String(point.is_met) } }, [
      el("span", { class: "ws-card-tick", attrs: { role: "img", "aria-label": say(point.is_met ? "datacard.met" : "datacard.not_met") } }),
      el("span", {}, [
        el("strong", { text: say(`datacard.point.${point.name}`) }),
        el("span", { class: "ws-why", text: say(`datacard.why.${point.name}.${point.reason}`, point.values) }),
      ]),
    ]);

  const drawIgnored = (say, { ignored, checks }) => {
    if (!ignored.length) return null;
    const titles = Object.fromEntries(checks.map(({ name, title }) => [name, whetstone.said(title)]));
    const lines = ignored.slice(0, MOST_IGNORED).map((one) =>
      el("li", {}, [
        el("span", { text: one.position == null ? titles[one.check_name] : say("datacard.ignored_row", { title: titles[one.check_name], number: one.position }) }),
        el("q", { text: one.reason, attrs: { translate: "no" } }),
        el("span", { class: "ws-key", text: say("checks.ignored_by", { person: one.person, time: whetstone.time(one.time) }) }),
      ]));
    if (ignored.length > lines.length) lines.push(el("li", { class: "ws-key", text: say("checks.more", { count: ignored.length - lines.length }) }));
    return el("section", { class: "ws-card-part" }, [el("h3", { text: say("checks.ignored_title", { count: ignored.length }) }), el("ul", { class: "ws-card-ignored" }, lines)]);
  };

  data.cardDialog = async (checks) => {
    const { say, server, toast } = checks.ctx;
    const { id } = checks.info;
    const card = await server.card({ id });
    const purpose = el("textarea", { class: "ws-input", attrs: { rows: "2", maxlength: "300", translate: "no", autofocus: !card.purpose, placeholder: say("datacard.purpose_example") } });
    purpose.value = card.purpose;
    const known = el("datalist", { attrs: { id: "ws-licences" } }, LICENCES.map((name) => el("option", { attrs: { value: name } })));
    const licence = el("input", { class: "ws-input", attrs: { type: "text", maxlength: "200", translate: "no", list: "ws-licences" } });
    licence.value = card.licence;
    const stale = !card.profile ? say("datacard.not_counted") : card.is_profile_stale ? say("datacard.counted_before") : null;
    const body = [
      data.field(say("datacard.purpose"), purpose, say("datacard.purpose_why")),
      el("section", { class: "ws-card-part" }, [el("h3", { text: say("datacard.points") }), el("ul", { class: "ws-card-points" }, card.points.map((point) => drawPoint(say, point)))]),
      el("section", { class: "ws-card-part" }, [el("h3", { text: say("datacard.facts") }), drawFacts(say, card), stale ? el("p", { class: "ws-key", text: stale }) : null]),
      drawIgnored(say, card),
      data.field(say("datacard.licence"), licence, say("datacard.licence_why")),
      known,
    ];
    const done = async () => {
      await server.set_card({ id, card: { purpose: purpose.value, licence: licence.value } });
      toast(say("datacard.saved"), "good");
      await checks.load();
    };
    await data.ask({ title: say("datacard.title_of", { name: card.info.name }), body, act: say("datacard.save"), wide: true, done });
  };

  // The line under the dataset's name: what it is for, and how many points of the checklist are met.
  data.cardLine = (ctx) => {
    const purpose = el("span", { class: "ws-card-purpose", attrs: { translate: "no" } });
    const open = el("button", { class: "ws-link ws-card-open", attrs: { type: "button" }, on: { click: () => whetstone.send("card:open", {}) } });
    const node = el("div", { class: "ws-card-line", attrs: { hidden: true } }, [purpose, open]);
    let told = null;
    const draw = () => {
      node.hidden = !told;
      if (!told) return;
      purpose.textContent = told.purpose;
      purpose.title = told.purpose;
      purpose.hidden = !told.purpose;
      open.textContent = told.purpose ? ctx.say("datacard.open", told.points) : ctx.say("datacard.ask");
    };
    ctx.on("data:checks", (found) => {
      told = found;
      draw();
    });
    return { node, relabel: draw };
  };
})();
