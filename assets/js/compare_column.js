// One column of a comparison: which model, what was asked, what it replied and how fast.
(() => {
  "use strict";
  const { el, say } = whetstone;
  const compare = (whetstone.compare = whetstone.compare || {});
  const data = { translate: "no" };
  const NEAR_END_PX = 48;

  compare.keyOf = (column) => `${column.kind}:${column.id}`;
  compare.isLive = (reply) => Boolean(reply) && (reply.state === "waiting" || reply.state === "writing");
  compare.title = ({ group, name, method, step, precision }) => say(group === "base" && precision ? `compare.column.base.${precision}` : `compare.column.${group}`, { name, method: (method || "").toUpperCase(), step: step === null ? null : String(step) });

  const small = (text, act, title) =>
    el("button", { class: "ws-compare-link", text, attrs: { type: "button", title }, on: { click: act } });

  /** acts: {choose(key, column), remove(key), retry(key, newSeed), catchUp(key), isRaw()}. */
  compare.column = (acts) => {
    const menu = el("select", { class: "ws-compare-menu", on: { change: () => acts.choose(key, menu.value) } });
    const remove = el("button", { class: "ws-icon", text: "×", attrs: { type: "button" }, on: { click: () => acts.remove(key) } });
    const body = el("div", { class: "ws-body ws-compare-talk", attrs: { tabindex: "0", role: "log", "aria-live": "off" } });
    const stats = el("span", { class: "ws-key" });
    const root = el("section", { class: "ws-panel ws-compare-column" }, [
      el("div", { class: "ws-head" }, [menu, remove]), body, el("div", { class: "ws-compare-foot" }, stats)]);
    const drawn = new Map(); // number of a turn → {node, reply, look}
    let key = null, note = null;

    // ---- the head --------------------------------------------------------------------------------------------
    function showHead(talk, column, choices) {
      const taken = talk.columns.map(compare.keyOf);
      const known = choices.some((choice) => compare.keyOf(choice) === key);
      const groups = new Map();
      for (const choice of known ? choices : [column, ...choices]) groups.set(choice.group, [...(groups.get(choice.group) || []), choice]);
      const option = (choice) => el("option", { text: compare.title(choice), attrs: { value: compare.keyOf(choice), disabled: compare.keyOf(choice) !== key && taken.includes(compare.keyOf(choice)) } });
      const now = JSON.stringify([[...groups.values()], taken, key, whetstone.language]);
      if (menu.dataset.drawn !== now) {
        menu.dataset.drawn = now;
        menu.replaceChildren(...[...groups].map(([group, found]) => el("optgroup", { attrs: { label: say(`compare.group.${group}`) } }, found.map(option))));
      }
      menu.value = key;
      menu.setAttribute("aria-label", say("compare.column"));
      menu.title = compare.title(column);
      remove.hidden = taken.length < 2;
      remove.title = say("compare.column.remove", { title: compare.title(column) });
      remove.setAttribute("aria-label", remove.title);
      root.setAttribute("aria-label", compare.title(column));
    }

    // ---- the conversation ------------------------------------------------------------------------------------
    function showTalk(talk) {
      const stick = body.scrollHeight - body.scrollTop - body.clientHeight < NEAR_END_PX;
      for (const [number, turn] of drawn) {
        if (talk.turns.some((one) => one.number === number && one.prompt === turn.prompt)) continue;
        turn.node.remove();
        drawn.delete(number);
      }
      let fresh = false;
      for (const turn of talk.turns) {
        const reply = talk.replies.get(`${turn.number}|${key}`) || null;
        if (!drawn.has(turn.number)) {
          fresh = true;
          drawn.set(turn.number, drawTurn(turn));
        }
        showReply(drawn.get(turn.number), reply, turn === talk.turns[talk.turns.length - 1], talk);
      }
      showMissing(talk);
      if (!talk.turns.length && !body.querySelector(".ws-empty")) body.append(el("div", { class: "ws-empty" }));
      const empty = body.querySelector(".ws-empty");
      if (empty && talk.turns.length) empty.remove();
      else if (empty) empty.textContent = say("compare.nothing");
      if (stick || fresh) body.scrollTop = body.scrollHeight;
    }

    function drawTurn(turn) {
      const who = el("div", { class: "ws-key" }), replier = el("div", { class: "ws-key" });
      const place = el("div", { class: "ws-compare-reply" });
      const node = el("div", { class: "ws-compare-turn" }, [
        el("div", { class: "ws-compare-message ws-compare-you" }, [who, el("div", { class: "ws-reply", text: turn.prompt, attrs: data })]),
        el("div", { class: "ws-compare-message" }, [replier, place]),
      ]);
      if (note) note.before(node);
      else body.append(node);
      return { prompt: turn.prompt, node, who, replier, place, look: "" };
    }

    function showReply(turn, reply, isLast, talk) {
      const look = JSON.stringify([reply && reply.change, isLast && !talk.live, acts.isRaw(), whetstone.language]);
      if (look === turn.look) return;
      turn.look = look;
      turn.who.textContent = say("compare.you");
      turn.replier.textContent = say("compare.reply");
      turn.place.dataset.state = reply ? reply.state : "none";
      if (!reply) return turn.place.replaceChildren(el("div", { class: "ws-why", text: say("compare.not_asked") }));
      turn.place.replaceChildren(...[textOf(reply), ...endOf(reply), actionsOf(reply, isLast, talk)].filter(Boolean));
    }

    function textOf(reply) {
      if (!reply.text) return reply.state === "waiting" ? el("div", { class: "ws-why", text: say("compare.waiting") }) : null;
      const raw = acts.isRaw();
      const text = el("div", { class: raw ? "ws-reply" : "ws-reply ws-md", attrs: data }, raw ? reply.text : whetstone.markdown(reply.text));
      if (reply.state === "writing") text.classList.add("ws-compare-writing");
      return text;
    }

    /** What has to be said about a reply: what it was not told, and how it ended. */
    function endOf(reply) {
      const { left_out: count } = reply.facts;
      return [...(count ? [el("div", { class: "ws-why ws-compare-left", text: say("compare.left_out", { count }) })] : []), ...endingOf(reply)];
    }

    function endingOf(reply) {
      const { state, facts, error, text } = reply;
      const says = (tag, words) => el("p", { class: "ws-compare-end" }, [el("span", { class: `ws-tag ws-tag-${tag}`, text: say(`compare.state.${state}`) }), " ", words]);
      if (state === "failed" && error) return [el("div", { class: "ws-problem", attrs: { role: "alert" } }, [el("strong", { text: error.message }), " ", el("span", { text: error.hint })])];
      if (state === "broken") return [says("bad", say("compare.broken"))];
      if (state === "stopped") return [says("warn", facts.stopped_by !== "person" ? say(`compare.stopped.${facts.stopped_by}`) : text ? "" : say("compare.stopped.before"))];
      if (state !== "done") return [];
      if (facts.finish === "length") return [el("p", { class: "ws-compare-end" }, el("span", { class: "ws-tag ws-tag-warn", text: say("compare.cut", { count: facts.max_tokens }) }))];
      return text ? [] : [el("div", { class: "ws-why", text: say("compare.empty_reply") })];
    }

    function actionsOf(reply, isLast, talk) {
      if (compare.isLive(reply)) return null;
      const again = isLast && !talk.live && (reply.state === "failed" || reply.state === "broken");
      return el("div", { class: "ws-compare-actions" }, [
        again && el("button", { class: "ws-btn ws-btn-small", text: say("compare.again"), attrs: { type: "button" }, on: { click: () => acts.retry(key, false) } }),
        reply.text && small(say("compare.copy"), () => compare.copy(reply.text), say("compare.copy.says")),
        isLast && !talk.live && !again && small(say("compare.retry"), () => acts.retry(key, false), say("compare.retry.says")),
        isLast && !talk.live && !again && small(say("compare.new_seed"), () => acts.retry(key, true), say("compare.new_seed.says")),
      ]);
    }

    /** A model that joined later can be asked what the others were asked. */
    function showMissing(talk) {
      const missing = talk.turns.filter((turn) => !talk.replies.has(`${turn.number}|${key}`)).length;
      if (note) note.remove();
      note = null;
      if (!missing || talk.live) return;
      note = el("div", { class: "ws-compare-missing" }, [
        el("span", { text: say("compare.missing", { count: missing }) }),
        el("button", { class: "ws-btn ws-btn-small", text: say("compare.catch_up"), attrs: { type: "button" }, on: { click: () => acts.catchUp(key) } })]);
      body.append(note);
    }

    // ---- the foot --------------------------------------------------------------------------------------------
    function showFoot(talk) {
      const replies = talk.turns.map((turn) => talk.replies.get(`${turn.number}|${key}`)).filter((reply) => reply && reply.facts.tokens);
      const last = replies[replies.length - 1];
      stats.textContent = last ? statsOf(last, talk.settings) : "–";
      stats.title = last ? say("compare.made", { temperature: whetstone.number(last.facts.temperature), top_p: whetstone.number(last.facts.top_p), seed: String(last.facts.seed), count: last.facts.max_tokens }) : "";
    }

    function statsOf({ facts }, settings) {
      const pace = facts.tokens_per_s;
      const parts = [say(pace === null ? "compare.stats.short" : "compare.stats", {
        first: whetstone.number(facts.first_token_s, 2), pace: whetstone.number(pace, pace < 10 ? 1 : 0), count: facts.tokens })];
      if (facts.seed !== settings.seed) parts.push(say("compare.stats.seed", { seed: String(facts.seed) }));
      if (facts.precision) parts.push(say("compare.stats.precision", { precision: facts.precision }));
      if (facts.how && whetstone.has(`compare.how.${facts.how}`)) parts.push(say(`compare.how.${facts.how}`));
      return parts.join(" · ");
    }

    return {
      root,
      show: (talk, column, choices) => {
        if (key !== compare.keyOf(column)) {
          key = compare.keyOf(column);
          for (const turn of drawn.values()) turn.look = "";
        }
        root.dataset.model = key;
        showHead(talk, column, choices);
        showTalk(talk);
        showFoot(talk);
      },
    };
  };

  /** Copies a text, also where the page was opened by a plain address and the browser offers no clipboard. */
  compare.copy = async (text) => {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else {
      const box = el("textarea", { attrs: { readonly: true, "aria-hidden": "true" } });
      box.value = text;
      document.body.append(box);
      box.select();
      document.execCommand("copy");
      box.remove();
    }
    whetstone.toast(say("compare.copied"), "good");
  };
})();
