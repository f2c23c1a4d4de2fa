// The frame around the tabs: language, theme, the machine's status, the line shown while the app does not answer.
(() => {
  "use strict";
  const { el, say } = whetstone;
  const page = document.documentElement;
  const NAMES = { en: "English", ja: "日本語", "en-XA": "⟦Pseudo⟧" };

  function remember(name, value) {
    const framed = window.self !== window.top && location.protocol === "https:";
    document.cookie = `${name}=${value}; path=/; max-age=31536000; ${framed ? "SameSite=None; Secure; Partitioned" : "SameSite=Lax"}`;
  }

  // ---- language ----------------------------------------------------------------------------------------------
  async function changeGradio(language) {
    const bundle = new URL(page.dataset.gradioBundle, document.baseURI).href;
    (await import(bundle)).changeLocale(language);
  }

  whetstone.setLanguage = async (language) => {
    whetstone.language = language;
    remember("whetstone_language", language);
    page.lang = language === "ja" ? "ja" : "en";
    await changeGradio(language);
    whetstone.tell("language");
    whetstone.send("language");
  };

  // ---- theme -------------------------------------------------------------------------------------------------
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem("whetstone_theme");
  whetstone.isDark = () => page.classList.contains("dark");

  function applyTheme() {
    const dark = chosen() ? chosen() === "dark" : system.matches;
    const changed = dark !== whetstone.isDark();
    page.classList.toggle("dark", dark);
    if (document.body.classList.contains("dark") !== dark) document.body.classList.toggle("dark", dark);
    if (!changed) return;
    whetstone.tell("theme");
    whetstone.send("theme");
  }

  /** "light", "dark", or null to follow the system. */
  whetstone.setTheme = (name) => {
    if (name) localStorage.setItem("whetstone_theme", name);
    else localStorage.removeItem("whetstone_theme");
    applyTheme();
  };
  whetstone.chosenTheme = chosen;
  system.addEventListener("change", applyTheme);

  // ---- the bar -----------------------------------------------------------------------------------------------
  function drawBar(bar) {
    const menu = el("select", { class: "ws-pill", attrs: { id: "ws-language", translate: "no" }, on: { change: () => whetstone.setLanguage(menu.value) } });
    const languages = page.dataset.language === "en-XA" ? Object.keys(NAMES) : ["en", "ja"];
    for (const code of languages) menu.append(el("option", { text: NAMES[code], attrs: { value: code } }));
    const theme = el("button", { class: "ws-pill ws-theme", attrs: { type: "button", id: "ws-theme" }, on: { click: () => whetstone.setTheme(whetstone.isDark() ? "light" : "dark") } });
    const status = el("span", { class: "ws-pill ws-status", attrs: { id: "ws-status", role: "status" } });
    bar.append(status, menu, theme);
    const words = () => {
      menu.value = whetstone.language;
      menu.setAttribute("aria-label", say("shell.language"));
      theme.textContent = "◐";
      const label = say(whetstone.isDark() ? "shell.theme.to_light" : "shell.theme.to_dark");
      theme.setAttribute("aria-label", label);
      theme.title = label;
    };
    words();
    whetstone.on("language", words);
    whetstone.on("theme", words);
  }

  document.addEventListener("DOMContentLoaded", () => {
    drawBar(document.getElementById("ws-bar"));
    new MutationObserver(applyTheme).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    applyTheme();
    if (whetstone.language === "en-XA") changeGradio("en-XA");
  });
})();
