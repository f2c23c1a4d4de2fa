// One rendered record: its tokens in a line, what each is under the pointer, and what a run would not learn of it.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});

  // White space and what has no shape of its own, as signs; a direction mark would turn the line around.
  const SIGNS = { " ": "·", "\n": "⏎", "\r": "␍", "\t": "→", "\u3000": "□", "\u00a0": "⍽" };
  const HIDDEN = /([ \n\r\t\u3000\u00a0]|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff])/u;
  const MARKS_ONLY = /^[\p{M}\u200c\u200d\ufe00-\ufe0f]+$/u;
  const SHORT_LINE = 4;
  const signOf = (letter) => `U+${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;

  const code = (letter) => el("i", { class: "ws-sign ws-sign-code", text: signOf(letter) });

  // A joiner or an accent without its letter would fall on the neighbour's.
  const shown = (text) => (MARKS_ONLY.test(text) ? [...text].map(code) : split(text));

  const split = (text) =>
    text.split(HIDDEN).filter(Boolean).map((part) => (SIGNS[part] ? el("i", { class: "ws-sign", text: SIGNS[part] }) : HIDDEN.test(part) ? code(part) : part));

  const stateOf = (piece, side) => {
    if (piece.cut) return "cut";
    if (piece.unknown) return "unknown";
    if (piece.trained) return side === "rejected" ? "rejected" : "trained";
    return piece.special ? "special" : "prompt";
  };

  class TokenView {
    // deeds: makes the buttons that stand at the end of the foot while no token is told of
    constructor(ctx, deeds = () => []) {
      this.ctx = ctx;
      this.deeds = deeds;
      this.clear();
    }

    clear() {
      this.found = null;
    }

    get isEmpty() {
      return this.found === null;
    }

    // found: as models/xray.py renders a record
    take(found) {
      this.found = found;
    }

    draw(body, foot, hasRow) {
      const { say } = this.ctx;
      this.foot = foot;
      foot.replaceChildren();
      if (!this.found) {
        const words = say(hasRow ? "xray.reading" : "xray.empty");
        body.replaceChildren(el("div", { class: "ws-empty" }, [el("p", { text: words })]));
        return;
      }
      const { sides, problems, template } = this.found;
      // What is the same on both sides of a pair is said once.
      const said = problems.filter(({ code }, index) => code !== "replies_in_prompt" || index === problems.findIndex((one) => one.code === code));
      const notes = said.map((problem) => this.renderProblem(problem));
      if (template?.source === "family") notes.unshift(el("p", { class: "ws-why", text: say("xray.as_family", { name: say(`xray.family.${template.name}`) }) }));
      if (template?.source === "chosen") notes.unshift(el("p", { class: "ws-why", text: say(`xray.template.${template.name}`) }));
      body.replaceChildren(...notes, ...sides.map((side) => this.renderSide(side, sides.length > 1)));
      this.rest();
    }

    renderProblem({ side, code, ...values }) {
      const { say } = this.ctx;
      const key = whetstone.has(`xray.problem.${code}`) ? `xray.problem.${code}` : `refused.${code}`;
      const words = [side && side !== "conversation" && code !== "replies_in_prompt" ? say("xray.on_side", { side: say(`data.section.${side}`) }) : "", say(key, values)];
      const tone = code === "replies_in_prompt" ? "ws-why" : "ws-xray-problem";
      const line = el("p", { class: tone, text: whetstone.sentences(...words), attrs: { "data-problem": code } });
      if (values.said) line.append(" ", el("code", { text: values.said, attrs: { translate: "no" } }));
      return line;
    }

    renderSide(side, named) {
      const { say } = this.ctx;
      const line = el("div", { class: "ws-tokens", attrs: { translate: "no", tabindex: "0", role: "group", "data-side": side.name, "aria-label": say("xray.tokens") } });
      let since = 0; // pieces since the last break: a turn's opening is too short for a line of its own
      for (const piece of side.tokens) {
        this.renderPiece(line, piece, side);
        since += 1;
        if (since <= SHORT_LINE || !piece.text?.endsWith("\n")) continue;
        line.append(el("br"));
        since = 0;
      }
      this.follow(line, side);
      if (!named) return line;
      const tone = side.name === "rejected" ? "ws-tag ws-tag-bad" : "ws-tag ws-tag-good";
      const head = el("div", { class: "ws-xray-side" }, [el("span", { class: tone, text: say(`data.section.${side.name}`) }), el("small", { class: "ws-key", text: this.counts(side) })]);
      return el("div", {}, [head, line]);
    }

    renderPiece(line, piece, side) {
      const { say } = this.ctx;
      if (piece.gap) {
        line.append(el("span", { class: "ws-tokens-gap", text: say("xray.gap", { count: piece.gap }), attrs: { translate: "yes" } }));
        return;
      }
      if (piece.at === side.cut_at) line.append(el("span", { class: "ws-tokens-cut", text: say("xray.cut_here", { count: side.total - side.cut_at }), attrs: { translate: "yes" } }));
      const state = stateOf(piece, side.name);
      const classes = ["ws-piece", `ws-piece-${state}`];
      if (piece.special) classes.push("ws-piece-named");
      if (piece.part) classes.push("ws-piece-part");
      const node = el("span", { class: classes.join(" "), attrs: { lang: data.languageOf(piece.text) } });
      node.append(...(piece.special ? [piece.text] : shown(piece.text)));
      node.piece = piece;
      line.append(node);
    }

    // The token under the pointer, or where the arrow keys are, is told in the foot.
    follow(line, side) {
      const pieces = [...line.querySelectorAll(".ws-piece")];
      let current = -1;
      const point = (index) => {
        pieces[current]?.classList.remove("ws-on");
        current = index;
        pieces[current]?.classList.add("ws-on");
        if (pieces[current]) this.tell(pieces[current].piece, side);
        else this.rest();
      };
      line.addEventListener("pointerover", (event) => {
        const piece = event.target.closest(".ws-piece");
        if (piece) point(pieces.indexOf(piece));
      });
      line.addEventListener("pointerleave", () => point(-1));
      line.addEventListener("blur", () => point(-1));
      line.addEventListener("keydown", (event) => {
        const to = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: pieces.length - 1 }[event.key];
        if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        point(Math.min(Math.max(to, 0), pieces.length - 1));
        pieces[current]?.scrollIntoView({ block: "nearest" });
      });
    }

    tell(piece, side) {
      const { say } = this.ctx;
      const { ids, at } = piece;
      const last = at + ids.length;
      const place = ids.length > 1 ? say("xray.places", { first: at + 1, last, total: side.total }) : say("xray.place", { place: last, total: side.total });
      const facts = [say("xray.ids", { ids: ids.join(" ") }), place, say(`xray.state.${stateOf(piece, side.name)}`, { token: piece.unknown })];
      if (piece.part) facts.push(say("xray.part"));
      else if (ids.length > 1) facts.push(say("xray.bytes", { count: ids.length }));
      const text = el("code", { class: "ws-xray-text", attrs: { translate: "no" } }, shown(piece.text));
      this.foot.replaceChildren(text, el("span", { class: "ws-fine" }, facts.map((fact) => el("span", { text: fact }))));
    }

    // Without a token to tell of: the counts, which are the key to the colours as well.
    rest() {
      const { say } = this.ctx;
      const { sides } = this.found;
      const deeds = this.deeds(this.found);
      const ends = deeds.length ? [el("span", { class: "ws-spacer" }), ...deeds] : [];
      if (sides.length !== 1) return this.foot.replaceChildren(...ends);
      const [{ total, trained, cut_at: cutAt }] = sides;
      const kept = cutAt ?? total;
      const all = cutAt ? say("xray.tokens_cut", { kept, total }) : say("xray.tokens_all", { total });
      this.foot.replaceChildren(el("span", { class: "ws-xray-counts" }, [
        el("span", { text: all }),
        el("span", { class: "ws-piece ws-piece-trained", text: say("xray.tokens_trained", { count: trained }) }),
      ]), ...ends);
    }

    counts({ total, trained, cut_at: cutAt, name }) {
      const { say } = this.ctx;
      const key = name === "rejected" ? "xray.counts_rejected" : "xray.counts";
      const words = say(key, { total, trained });
      return cutAt ? whetstone.sentences(say("xray.tokens_cut", { kept: cutAt, total }), words) : words;
    }
  }

  data.tokenView = (ctx, deeds) => new TokenView(ctx, deeds);
})();
