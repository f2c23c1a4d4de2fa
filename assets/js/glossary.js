// The glossary: the words on the screen, searched as one types.
(() => {
  "use strict";
  const { el, say } = whetstone;
  const plain = (text) => text.normalize("NFKC").toLowerCase();

  whetstone.widget("glossary", (root, ctx) => {
    const title = el("h2"), count = el("small"), list = el("dl", { class: "ws-terms", attrs: { tabindex: "0" } });
    const search = el("input", { class: "ws-input", attrs: { type: "search", id: "glossary-search", maxlength: "80", translate: "no" }, on: { input: draw } });
    let terms = [];
    root.append(el("section", { class: "ws-panel ws-glossary" }, [
      el("div", { class: "ws-head" }, [title, count]), el("div", { class: "ws-glossary-search" }, [search]), list,
    ]));

    function matches({ title: name, text }) {
      const wanted = plain(search.value.trim());
      return [name.en, name.ja, text.en, text.ja].some((words) => plain(words).includes(wanted));
    }

    /** What is called so comes before what only speaks of it. */
    function rank({ title: name }) {
      const wanted = plain(search.value.trim());
      return [name.en, name.ja].some((words) => plain(words).startsWith(wanted)) ? 0 : 1;
    }

    const term = (one) => el("div", { class: "ws-term" }, [
      el("dt", {}, [whetstone.said(one.title), one.group === "word" ? null : el("span", { class: "ws-tag", text: say(`glossary.group.${one.group}`) })]),
      el("dd", { text: whetstone.said(one.text) }),
    ]);

    function draw() {
      title.textContent = say("glossary.title");
      search.placeholder = say("glossary.search");
      search.setAttribute("aria-label", say("glossary.search"));
      const locale = whetstone.language === "ja" ? "ja" : "en";
      const found = terms.filter(matches).sort((a, b) => rank(a) - rank(b) || whetstone.said(a.title).localeCompare(whetstone.said(b.title), locale));
      count.textContent = terms.length ? whetstone.number(found.length) : "";
      root.dataset.terms = String(found.length);
      list.replaceChildren(...found.map(term));
      if (terms.length && !found.length) list.replaceChildren(el("div", { class: "ws-empty", text: say("glossary.none") }));
    }

    draw();
    ctx.server.terms({}).then((found) => { terms = found; draw(); }).catch(whetstone.report);
    return { language: draw };
  });
})();
