// The small parts of a paged list: page buttons, a cell of text, the words for an empty studio.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});

  // 1 … 4 [5] 6 … 25: the ends, the neighbours, and a gap where pages are left out.
  data.pagesShown = (page, pages) => {
    const wanted = new Set([1, pages, page - 1, page, page + 1]);
    if (page <= 3) [2, 3].forEach((number) => wanted.add(number));
    if (page >= pages - 2) [pages - 1, pages - 2].forEach((number) => wanted.add(number));
    const shown = [...wanted].filter((number) => number >= 1 && number <= pages).sort((a, b) => a - b);
    return shown.flatMap((number, index) => (index && number > shown[index - 1] + 1 ? [null, number] : [number]));
  };

  data.renderPager = (node, say, { page, pages }, go) => {
    const focused = node.contains(document.activeElement) ? document.activeElement.dataset.go : null;
    const button = (text, to, label) => {
      const attrs = { type: "button", "aria-label": label, "data-go": text };
      if (to === page) attrs["aria-current"] = "page";
      const made = el("button", { class: to === page ? "ws-page ws-on" : "ws-page", text, attrs });
      made.disabled = to < 1 || to > pages;
      made.addEventListener("click", () => go(to));
      return made;
    };
    node.hidden = pages < 2;
    node.replaceChildren(
      button("‹", page - 1, say("data.page_previous")),
      ...data.pagesShown(page, pages).map((number) =>
        number === null ? el("span", { class: "ws-key", text: "…" }) : button(whetstone.number(number), number, say("data.page", { number })),
      ),
      button("›", page + 1, say("data.page_next")),
      ...(pages > 7 ? [jump(say, page, pages, go)] : []),
    );
    if (focused) [...node.querySelectorAll("button")].find((one) => one.dataset.go === focused && !one.disabled)?.focus();
  };

  const jump = (say, page, pages, go) => {
    const box = el("input", { class: "ws-input ws-jump", attrs: { type: "number", min: "1", max: String(pages), "aria-label": say("data.page_jump"), title: say("data.page_jump"), placeholder: "#" } });
    box.addEventListener("change", () => {
      const to = Math.min(pages, Math.max(1, Math.round(Number(box.value) || page)));
      box.value = "";
      go(to);
    });
    return box;
  };

  // A line feed shows as a grey sign, so that one line of a table tells where the text breaks.
  data.cell = (name, value) => {
    if (typeof value === "boolean") return el("td", { class: `ws-col-${name}` }, [el("span", { class: `ws-tag ws-tag-${value ? "good" : "bad"}`, text: whetstone.say(`data.label.${value ? "good" : "bad"}`) })]);
    if (typeof value === "number") return el("td", { class: `ws-col-${name}`, text: whetstone.number(value) });
    const lines = String(value ?? "").split(/\r\n|\r|\n/);
    const parts = lines.flatMap((line, index) => (index ? [el("span", { class: "ws-break", text: "⏎" }), line] : [line]));
    const cell = el("td", { class: `ws-col-${name}`, attrs: { translate: "no", dir: "auto", lang: data.languageOf(String(value)) } });
    cell.append(...parts);
    return cell;
  };

  data.emptyDatasets = (node, ctx) => {
    const { say } = ctx;
    node.replaceChildren(
      el("h2", { text: say("data.empty_title") }),
      el("p", { text: say("data.empty_words") }),
      el("div", { class: "ws-actions" }, [
        data.button(say("data.load_sample"), () => whetstone.sendTo("report", "data:import", { sample: true }), "primary"),
        data.button(say("data.import_file"), () => whetstone.sendTo("report", "data:import", {})),
        data.button(say("data.new_title"), () => whetstone.send("data:new", {})),
      ]),
    );
  };
})();
