// The dialog that exports rows: which of them, as which file, in which format, and what that format cannot say.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const FORMS = ["jsonl", "csv", "parquet"];

  class ExportForm {
    constructor(ctx, info, selection, shown) {
      this.ctx = ctx;
      this.info = info;
      this.selection = selection || null;
      this.turn = 0;
      const { say } = ctx;
      this.which = this.choice("which", this.selection ? ["shown", "all"] : ["all"], (name) => say(`data.export_${name}`, { rows: name === "shown" ? shown : info.rows }));
      this.form = this.choice("form", FORMS, (name) => say(`data.export_form.${name}`));
      this.format = el("select", { class: "ws-input", attrs: { "data-field": "format", "aria-label": say("data.export_format") } });
      this.format.addEventListener("change", () => this.tell());
      this.formatWhy = el("span", { class: "ws-why" });
      this.bom = this.box("bom", true);
      this.marks = this.box("marks", false);
      this.told = el("div", { class: "ws-export-told", attrs: { role: "status" } });
      const format = data.field(say("data.export_format"), this.format);
      format.append(this.formatWhy);
      this.node = el("div", { class: "ws-form" }, [
        this.selection ? this.group("which", this.which) : null,
        this.group("form", this.form),
        format,
        this.bom.node,
        this.marks.node,
        this.told,
      ]);
      this.look();
    }

    // A row of buttons of which one is chosen.
    choice(name, values, words) {
      const node = el("span", { class: "ws-choice", attrs: { role: "radiogroup", "data-field": name, "aria-label": this.ctx.say(`data.export_${name}_label`) } });
      const made = { node, value: values[0] };
      const buttons = values.map((value) => el("button", { text: words(value), attrs: { type: "button", role: "radio", "data-value": value } }));
      const show = () => buttons.forEach((one) => one.setAttribute("aria-checked", String(one.dataset.value === made.value)));
      buttons.forEach((one) =>
        one.addEventListener("click", () => {
          made.value = one.dataset.value;
          show();
          this.look();
        }));
      node.append(...buttons);
      show();
      return made;
    }

    group(name, choice) {
      return el("div", { class: "ws-field" }, [el("span", { class: "ws-key", text: this.ctx.say(`data.export_${name}_label`) }), choice.node]);
    }

    box(name, checked) {
      const input = el("input", { attrs: { type: "checkbox", checked, "data-field": name } });
      const words = el("span", {}, [el("span", { text: this.ctx.say(`data.export_${name}`) }), el("span", { class: "ws-why ws-block", text: this.ctx.say(`data.export_${name}_why`) })]);
      return { input, node: el("label", { class: "ws-tick" }, [input, words]) };
    }

    asked() {
      return {
        form: this.form.value,
        format: this.format.value,
        selection: this.which.value === "shown" ? this.selection : null,
        with_bom: this.form.value === "csv" && this.bom.input.checked,
        with_marks: this.marks.input.checked,
      };
    }

    async look() {
      const turn = ++this.turn;
      const { form, selection } = this.asked();
      this.bom.node.hidden = form !== "csv";
      try {
        const seen = await this.ctx.server.preview_export({ id: this.info.id, form, selection });
        if (turn === this.turn) this.show(seen);
      } catch (error) {
        if (turn !== this.turn) return;
        if (!error?.code) throw error;
        this.told.replaceChildren(data.problem(error));
      }
    }

    show(seen) {
      this.seen = seen;
      const before = this.format.value;
      this.format.replaceChildren(...seen.formats.map((one) => el("option", { text: whetstone.said(one.title), attrs: { value: one.name } })));
      if (seen.formats.some((one) => one.name === before)) this.format.value = before;
      this.tell();
    }

    // What the chosen format cannot say is told before anything is written.
    tell() {
      const { say } = this.ctx;
      const { seen } = this;
      const chosen = seen.formats.find((one) => one.name === this.format.value);
      this.formatWhy.textContent = chosen ? whetstone.said(chosen.summary) : "";
      const nodes = [];
      if (!seen.rows) nodes.push(el("p", { class: "ws-warn-words", text: say("data.export_no_rows") }));
      else if (!chosen) nodes.push(el("p", { class: "ws-warn-words", text: say("data.export_no_format") }));
      else {
        const unsaid = seen.looked_at - chosen.said;
        const values = { rows: seen.rows, unsaid, looked: seen.looked_at };
        if (!unsaid) nodes.push(el("p", { text: say(seen.complete ? "data.export_all_said" : "data.export_all_said_some", values) }));
        else nodes.push(el("p", { class: "ws-warn-words", text: say(seen.complete ? "data.export_unsaid" : "data.export_unsaid_some", values) }));
      }
      if (this.form.value === "csv") nodes.push(el("p", { text: say("data.export_formulas") }));
      this.told.replaceChildren(...nodes);
    }
  }

  data.askExport = async (ctx, info, selection, shown) => {
    const { say, server } = ctx;
    const form = new ExportForm(ctx, info, selection, shown);
    await data.askJob({
      ctx,
      title: say("data.export_title", { name: info.name }),
      body: [form.node],
      act: say("data.export_act"),
      wide: true,
      start: (deed) => server.export({ id: info.id, asked: form.asked(), deed }),
      ended: (state, job) => {
        const { rows, unsaid, neutralised } = state.summary;
        const address = new URL(`whetstone/rows/${encodeURIComponent(job)}`, document.baseURI).href;
        el("a", { attrs: { href: address, download: "" } }).click();
        ctx.toast(
          whetstone.sentences(
            say("data.exported", { rows }),
            unsaid ? say("data.exported_unsaid", { rows: unsaid }) : null,
            neutralised ? say("data.exported_neutralised", { cells: neutralised }) : null,
          ),
          unsaid ? "warning" : "good",
        );
      },
    });
  };
})();
