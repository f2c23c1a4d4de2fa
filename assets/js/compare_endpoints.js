// Endpoints elsewhere, where a person may add some: those there are, and a form for one more.
(() => {
  "use strict";
  const { el, say } = whetstone;
  const compare = (whetstone.compare = whetstone.compare || {});
  const FIELDS = ["name", "url", "key_env"];

  /** Resolves when the dialog is closed. */
  compare.endpoints = async (ctx) => {
    const list = el("div", { class: "ws-compare-endpoints" });
    const inputs = Object.fromEntries(FIELDS.map((name) => [name, el("input", { class: "ws-input", attrs: { id: `endpoint-${name.replace("_", "-")}`, type: "text", autocomplete: "off", spellcheck: "false", translate: "no", maxlength: "500" } })]));
    const place = el("div", {});
    const add = el("button", { class: "ws-btn ws-btn-primary", text: say("compare.endpoints.add"), attrs: { type: "button", id: "endpoint-add" }, on: { click: () => whetstone.data.once(add, save) } });
    const field = (name) => el("label", {}, [el("span", { class: "ws-label", text: say(`compare.endpoints.${name}`) }), inputs[name], el("span", { class: "ws-why", text: say(`compare.endpoints.${name}.says`) })]);
    const form = el("div", { class: "ws-compare-endpoint-form" }, [FIELDS.map(field), place, el("div", { class: "ws-line" }, [add])]);
    inputs.url.placeholder = "http://127.0.0.1:11434";
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target.tagName !== "INPUT" || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      add.click();
    });

    async function save() {
      const given = Object.fromEntries(FIELDS.map((name) => [name, inputs[name].value.trim()]));
      try {
        draw(await ctx.server.add_endpoint(given));
      } catch (error) {
        if (!error || !error.code) throw error;
        return place.replaceChildren(whetstone.data.problem(error));
      }
      place.replaceChildren();
      for (const input of Object.values(inputs)) input.value = "";
      inputs.name.focus();
    }

    function row(endpoint) {
      const key = endpoint.key_env && say(endpoint.has_key ? "compare.endpoints.key" : "compare.endpoints.no_key", { name: endpoint.key_env });
      const remove = say("compare.endpoints.remove", { name: endpoint.name });
      return el("tr", {}, [
        el("td", { text: endpoint.name, attrs: { translate: "no" } }), el("td", { text: endpoint.url, attrs: { translate: "no", title: endpoint.url } }),
        el("td", {}, key && el("span", { class: `ws-tag${endpoint.has_key ? "" : " ws-tag-warn"}`, text: key })),
        el("td", {}, endpoint.own && el("button", { class: "ws-icon", text: "×", attrs: { type: "button", title: remove, "aria-label": remove }, on: { click: async () => draw(await ctx.server.remove_endpoint({ name: endpoint.name })) } })),
      ]);
    }

    const draw = (found) => list.replaceChildren(found.length
      ? el("table", { class: "ws-table" }, el("tbody", {}, found.map(row))) : el("p", { text: say("compare.endpoints.none") }));

    draw(await ctx.server.endpoints());
    await whetstone.dialog({ title: say("compare.endpoints"), wide: true, body: [list, form], actions: [{ label: say("common.close"), value: true }] });
  };
})();
