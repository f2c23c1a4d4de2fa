// The dialog that merges datasets: how much of each, what it becomes, and what that makes, counted before it is done.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const LOOK_MS = 250;
  const share = (part, whole) => (whole ? whetstone.number((100 * part) / whole, part && part * 10 < whole ? 1 : 0) : "0");

  class MergeForm {
    constructor(ctx, datasets, first) {
      this.ctx = ctx;
      // Those of the same kind come first, those without a row last.
      const { kind } = datasets.find((one) => one.id === first);
      const rank = (one) => (one.id === first ? 0 : !one.rows ? 3 : one.kind === kind ? 1 : 2);
      this.datasets = datasets.filter((one) => !one.problem).sort((a, b) => rank(a) - rank(b));
      this.seed = Math.floor(Math.random() * 1_000_000);
      this.turn = 0;
      this.lines = el("tbody", {});
      this.add = data.button(ctx.say("data.merge_add"), () => this.addLine(this.unused()[0]?.id), "small");
      this.kind = data.kindMenu(ctx.say, []);
      this.kind.addEventListener("change", () => this.look());
      this.kindNotes = el("ul", { class: "ws-notes ws-merge-notes" });
      this.once = el("input", { attrs: { type: "checkbox", checked: true } });
      this.outcome = el("div", { class: "ws-merge-outcome", attrs: { role: "status" } });
      this.name = data.nameField(ctx.say, "");
      this.name.box.removeAttribute("autofocus");
      this.node = this.build();
      this.addLine(first);
      this.addLine(this.unused()[0]?.id);
    }

    build() {
      const { say } = this.ctx;
      const head = ["dataset", "amount", "drawn", "share"].map((name) => el("th", { class: `ws-merge-${name}`, text: say(`data.merge_${name}`), attrs: { scope: "col" } }));
      const table = el("table", { class: "ws-table ws-merge-table" }, [el("thead", {}, [el("tr", {}, [...head, el("th", { class: "ws-merge-out" })])]), this.lines]);
      const once = el("label", { class: "ws-inline" }, [this.once, el("span", { text: say("data.merge_once") })]);
      return el("div", { class: "ws-form" }, [
        el("p", { text: say("data.merge_words") }),
        table,
        el("div", {}, [this.add]),
        el("div", { class: "ws-merge-fields" }, [data.field(say("data.merge_kind"), this.kind), this.name.node]),
        this.kindNotes,
        once,
        this.outcome,
      ]);
    }

    unused() {
      const used = new Set([...this.lines.children].map((line) => line.querySelector("select").value));
      return this.datasets.filter((one) => !used.has(one.id));
    }

    addLine(id) {
      if (!id) return;
      const { say } = this.ctx;
      const pick = el("select", { class: "ws-input", attrs: { translate: "no", "aria-label": say("data.merge_dataset") } }, this.datasets.map((one) => el("option", { text: one.name, attrs: { value: one.id } })));
      pick.value = id;
      const box = el("input", { class: "ws-input ws-merge-number", attrs: { type: "number", min: "0", step: "any", "aria-label": say("data.merge_amount") } });
      box.value = "1";
      const unit = el("select", { class: "ws-input ws-merge-unit", attrs: { "aria-label": say("data.merge_unit") } }, ["times", "rows"].map((name) => el("option", { text: say(`data.merge_unit_${name}`), attrs: { value: name } })));
      const out = el("button", { class: "ws-icon", text: "×", attrs: { type: "button", "aria-label": say("data.merge_remove") } });
      const line = el("tr", {}, [
        el("td", {}, [pick]),
        el("td", {}, [el("span", { class: "ws-inline" }, [box, unit])]),
        el("td", { attrs: { "data-drawn": "" } }),
        el("td", { attrs: { "data-share": "" } }),
        el("td", {}, [out]),
      ]);
      out.addEventListener("click", () => (line.remove(), this.look()));
      unit.addEventListener("change", () => {
        const rows = this.datasets.find((one) => one.id === pick.value)?.rows || 1;
        box.value = unit.value === "rows" ? String(Math.max(1, Math.min(rows, 1000))) : "1";
        this.look();
      });
      pick.addEventListener("change", () => this.look());
      box.addEventListener("input", () => this.lookSoon());
      this.lines.append(line);
      this.look();
    }

    blend() {
      const parts = [...this.lines.children].map((line) => {
        const [pick, unit] = line.querySelectorAll("select");
        return { dataset_id: pick.value, [unit.value]: Number(line.querySelector("input").value) };
      });
      return { parts, kind: this.kind.value || null, seed: this.seed, leave_out_shared: this.once.checked };
    }

    lookSoon() {
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.look(), LOOK_MS);
    }

    // Asks what the merge would hold; an answer to an older question is dropped.
    async look() {
      const turn = ++this.turn;
      this.add.disabled = !this.unused().length;
      try {
        const seen = await this.ctx.server.preview_merge({ blend: this.blend() });
        if (turn === this.turn) this.show(seen);
      } catch (error) {
        if (turn !== this.turn) return;
        if (!error?.code) throw error;
        this.outcome.replaceChildren(data.problem(error));
      }
    }

    show(seen) {
      const { say } = this.ctx;
      const chosen = seen.kind;
      this.kind.replaceChildren(...seen.kinds.map((kind) => el("option", { text: say(`data.kind.${kind}`), attrs: { value: kind } })));
      this.kind.value = chosen;
      this.name.box.placeholder = seen.name;
      [...this.lines.children].forEach((line, index) => {
        const part = seen.parts[index];
        line.querySelector("[data-drawn]").textContent = say("data.merge_drawn_of", { drawn: part.wanted, rows: part.rows });
        line.querySelector("[data-share]").textContent = `${share(part.wanted, seen.total)} %`;
      });
      this.kindNotes.replaceChildren(...this.notes(seen).map((text) => el("li", { text })));
      this.outcome.replaceChildren(...this.outcomeNodes(seen));
    }

    // What becomes of rows of another kind, said for each dataset.
    notes(seen) {
      const { say } = this.ctx;
      return seen.parts.flatMap((part) => {
        const notes = Object.entries(part.converted).map(([from, rows]) =>
          say("data.merge_converted", { name: part.name, rows, from: say(`data.kind.${from}`), how: say(`data.convert.${from}.${seen.kind}`) }));
        const left = part.rows - part.usable;
        if (left) notes.push(say("data.merge_left_out", { name: part.name, rows: left, to: say(`data.kind.${seen.kind}`) }));
        return notes;
      });
    }

    outcomeNodes(seen) {
      const { say } = this.ctx;
      const nodes = [el("p", {}, [el("strong", { text: say("data.merge_total", { rows: seen.total }) })])];
      const told = [];
      const values = { rows: seen.shared, looked: seen.looked_at };
      if (seen.shared || seen.complete) told.push(say(seen.complete ? "data.merge_shared" : "data.merge_shared_some", values));
      if (seen.unconvertible) told.push(say("data.merge_unconvertible", { rows: seen.unconvertible }));
      nodes.push(el("p", { text: whetstone.sentences(...told, say("data.merge_split")) }));
      if (seen.problems.length) nodes.push(data.problem({ message: seen.problems.map((one) => say(`problem.${one.code}`, one)).join("\n"), hint: "" }));
      return nodes;
    }
  }

  data.askMerge = async (ctx, first) => {
    const { say, server } = ctx;
    const datasets = await server.datasets({});
    if (datasets.length < 2) return ctx.toast(say("data.merge_needs_two"), "warning");
    const form = new MergeForm(ctx, datasets, first);
    await data.askJob({
      ctx,
      title: say("data.merge_title"),
      body: [form.node],
      act: say("data.merge"),
      wide: true,
      start: (deed) => server.merge({ name: form.name.box.value.trim(), blend: form.blend(), deed }),
      ended: (state) => {
        data.openMade(state.result);
        const left = Object.values(state.summary.dropped).reduce((sum, rows) => sum + rows, 0);
        ctx.toast(whetstone.sentences(say("data.merged", { rows: state.summary.rows }), left ? say("data.merged_left_out", { rows: left }) : null), "good");
      },
    });
    clearTimeout(form.pause);
  };
})();
