// The face of the pair card: prompt, two replies, keys. Everything a model wrote is text and nothing else.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const preferences = (whetstone.preferences = whetstone.preferences || {});
  const SIDES = ["left", "right"];
  const WITHOUT_PAIR = ["undo", "help"];

  class Card {
    constructor(ctx, { press, save, cancel }) {
      Object.assign(this, { ctx, press, save, cancel, box: null });
      this.title = el("h2", {});
      this.tags = el("small", {});
      this.unsaved = el("span", { class: "ws-tag ws-tag-warn", attrs: { role: "status" } });
      this.place = el("small", {});
      this.prompt = el("div", { class: "ws-body ws-pair-prompt" });
      this.replies = Object.fromEntries(SIDES.map((side) => [side, this.reply(side)]));
      this.empty = el("div", { class: "ws-panel ws-pair-empty" }, [el("div", { class: "ws-empty" })]);
      this.bar = el("div", { class: "ws-panel ws-pair-bar", attrs: { role: "toolbar" } });
      this.promptPanel = el("section", { class: "ws-panel ws-pair-ask" }, [
        el("div", { class: "ws-head" }, [this.title, this.tags, el("span", { class: "ws-spacer" }), this.unsaved, this.place]),
        this.prompt,
      ]);
      this.both = el("div", { class: "ws-pair-replies" }, SIDES.map((side) => this.replies[side].node));
      this.node = el("div", { class: "ws-pairs-main" }, [this.promptPanel, this.both, this.empty, this.bar]);
      this.relabel();
    }

    reply(side) {
      const title = el("h2", {});
      const body = el("div", { class: "ws-body ws-reply", attrs: { translate: "no", "data-side": side, tabindex: "0" } });
      return { title, body, node: el("section", { class: "ws-panel ws-pair-reply" }, [el("div", { class: "ws-head" }, [title]), body]) };
    }

    relabel() {
      const { say } = this.ctx;
      this.title.textContent = say("preferences.prompt");
      for (const side of SIDES) this.replies[side].title.textContent = say(`preferences.${side}`);
      this.bar.setAttribute("aria-label", say("preferences.help"));
      this.mode = null;
    }

    show({ pair, info, edit }) {
      const { say } = this.ctx;
      this.promptPanel.hidden = this.both.hidden = !pair;
      this.empty.hidden = Boolean(pair);
      this.showBar(edit);
      for (const node of this.bar.querySelectorAll("button")) node.disabled = !pair && !WITHOUT_PAIR.includes(node.dataset.act);
      if (!pair) return;
      this.tags.textContent = say(pair.held_out ? "preferences.held_out" : "preferences.held_in");
      this.place.textContent = say("preferences.place", { number: pair.position, total: info.pairs });
      this.showPrompt(pair.prompt);
      for (const side of SIDES) this.showReply(side, pair[side], edit?.side === side);
      this.prompt.scrollTop = this.prompt.scrollHeight; // of a long conversation the last turn is the one that is answered
    }

    // A conversation shows who says what; a single question needs no name.
    showPrompt(turns) {
      const named = turns.length > 1;
      this.prompt.replaceChildren(...turns.map(({ role, text }) =>
        el("div", { class: "ws-pair-turn" }, [
          named ? el("span", { class: "ws-key", text: this.ctx.say(`data.role.${role}`) }) : null,
          el("div", { class: "ws-reply", text, attrs: { translate: "no" } }),
        ])));
    }

    showReply(side, text, isEdited) {
      const { body, node } = this.replies[side];
      node.classList.toggle("ws-on", isEdited);
      if (!isEdited) {
        body.textContent = text;
        body.scrollTop = 0;
        return;
      }
      this.box = el("textarea", { class: "ws-input ws-pair-edit", attrs: { translate: "no", "aria-label": this.ctx.say("preferences.edit_text") } });
      this.box.value = text;
      this.box.addEventListener("keydown", (event) => this.editKey(event));
      body.replaceChildren(this.box);
      this.box.focus();
      this.box.setSelectionRange(text.length, text.length);
    }

    editKey(event) {
      if (preferences.isNoPress(event)) return;
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.save();
      else if (event.key === "Escape") this.cancel();
      else return;
      event.preventDefault();
      event.stopPropagation();
    }

    editedText() {
      return this.box.value;
    }

    // The bar's buttons stay the same from pair to pair, so that a finger or the focus never loses one.
    showBar(edit) {
      const mode = edit ? edit.side || "choose" : "vote";
      if (mode === this.mode) return;
      this.mode = mode;
      const { say } = this.ctx;
      const key = (act, cap, does) => preferences.keyButton(say, { act, cap }, does);
      const ask = (words) => el("span", { class: "ws-pair-asks", text: say(words), attrs: { role: "status" } });
      if (mode === "vote") this.bar.replaceChildren(...preferences.keyButtons(say, this.press));
      else if (mode === "choose") {
        this.bar.replaceChildren(ask("preferences.edit_which"), key("choose_left", "S", () => this.press("left")), key("choose_right", "K", () => this.press("right")), key("cancel", "E", () => this.cancel()));
      } else {
        this.bar.replaceChildren(ask("preferences.edit_better"), key("save", "Ctrl+Enter", () => this.save()), key("cancel", "Esc", () => this.cancel()));
      }
    }

    showState({ unsaved, trying, info, isEmpty, counts }) {
      const { say } = this.ctx;
      this.unsaved.textContent = say("preferences.unsaved", { count: unsaved });
      this.unsaved.hidden = !unsaved || (unsaved < 2 && !trying); // one that leaves this very moment needs no word
      this.unsaved.title = trying ? say("preferences.unsaved_says") : "";
      if (isEmpty) this.showEmpty(info, counts, unsaved);
    }

    // No pair to show: what that means, and the one thing to do next.
    showEmpty(info, counts, unsaved) {
      const { say } = this.ctx;
      const open = info.pairs - info.unfinished - Object.values(info.problems).reduce((sum, count) => sum + count, 0) - counts.votes - counts.skipped;
      const why = info.unfinished && info.writing ? "writing" : open > 0 ? "elsewhere" : info.unfinished ? "unfinished" : counts.votes ? "done" : "none";
      const isCompiled = info.versions.length > 0 && !info.newer && !unsaved;
      const key = `${why}:${counts.dpo}:${isCompiled}:${info.versions.length}:${whetstone.language}`;
      if (this.empty.dataset.why === key) return;
      this.empty.dataset.why = key;
      const compile = () => data.button(say("preferences.compile", { count: counts.dpo }), () => whetstone.send("preferences:compile"), "primary");
      const train = () => data.button(say("data.train_on_version", { number: info.versions[0].number }), () => data.trainOn(info.versions[0].fingerprint, { method: "dpo" }), "primary");
      const next = why !== "done" || !counts.dpo ? [] : [isCompiled ? train() : compile()];
      this.empty.firstChild.replaceChildren(el("p", { text: say(`preferences.empty.${why}`) }), ...next);
    }
  }

  preferences.card = (ctx, hooks) => new Card(ctx, hooks);
})();
