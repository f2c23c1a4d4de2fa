// Lines above the tabs that stay as long as they are true: whose work will be deleted, and what is not kept.
(() => {
  "use strict";
  const { el, say } = whetstone;
  const CLOSED = "whetstone_banners_closed";
  let shown = [];

  /** Closed ones stay closed in this window, until they say something else. */
  let closed = [];
  try { closed = JSON.parse(sessionStorage.getItem(CLOSED)) || []; } catch { /* forbidden in a frame of another site */ }
  const keyOf = (banner) => JSON.stringify([banner.code, banner.values]);

  function close(banner) {
    closed.push(keyOf(banner));
    try { sessionStorage.setItem(CLOSED, JSON.stringify(closed)); } catch { /* forbidden */ }
    draw();
  }

  function line(banner) {
    const { code, level, link, values } = banner;
    return el("div", { class: `ws-banner ws-banner-${level}`, attrs: { role: "status", "data-banner": code } }, [
      el("p", { text: say(`banner.${code}`, values) }),
      link && el("a", { class: "ws-btn ws-btn-small", text: say(`banner.${link.code}`), attrs: { href: link.address } }),
      el("button", { class: "ws-icon", text: "×", attrs: { type: "button", "aria-label": say("banner.close"), title: say("banner.close") }, on: { click: () => close(banner) } }),
    ]);
  }

  function draw() {
    const place = document.getElementById("ws-banners")
      || document.getElementById("ws-offline").insertAdjacentElement("afterend", el("div", { attrs: { id: "ws-banners" } }));
    place.replaceChildren(...shown.filter((banner) => !closed.includes(keyOf(banner))).map(line));
  }

  whetstone.on("status", ({ banners }) => {
    if (JSON.stringify(banners) === JSON.stringify(shown)) return;
    shown = banners;
    draw();
  });
  whetstone.on("language", () => { if (shown.length) draw(); });
})();
