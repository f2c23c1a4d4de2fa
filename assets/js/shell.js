// The frame around the tabs: language, theme, tabs, the machine's status, and what is shown while the app is away.
(() => {
  "use strict";
  const { el, say } = whetstone;
  const page = document.documentElement;
  const NAMES = { en: "English", ja: "日本語", "en-XA": "Pseudo" };
  const STATUS_MS = 5000;
  const LAST_TAB = "whetstone_tab";

  // ---- language ----------------------------------------------------------------------------------------------
  /** Kept for a year, also inside another site's frame as on a Space. */
  function remember(name, value) {
    const framed = window.self !== window.top && location.protocol === "https:";
    document.cookie = `${name}=${value}; path=/; max-age=31536000; ${framed ? "SameSite=None; Secure; Partitioned" : "SameSite=Lax"}`;
  }

  /** Gradio's own labels: its bundle exports the switch, and the page names the bundle. */
  async function changeGradio(language) {
    const bundle = new URL(page.dataset.gradioBundle, document.baseURI).href;
    (await import(bundle)).changeLocale(language);
  }

  whetstone.languages = () => (page.dataset.language === "en-XA" ? Object.keys(NAMES) : ["en", "ja"]);
  whetstone.languageName = (code) => NAMES[code];

  whetstone.setLanguage = async (language) => {
    whetstone.language = language;
    remember("whetstone_language", language);
    page.lang = language === "ja" ? "ja" : "en";
    await changeGradio(language);
    renameTabs();
    whetstone.tell("language");
    whetstone.send("language");
    retitle();
  };

  // ---- theme -------------------------------------------------------------------------------------------------
  const system = matchMedia("(prefers-color-scheme: dark)");
  whetstone.isDark = () => page.classList.contains("dark");
  /** A frame of another site may be forbidden to remember anything: then the choice lasts until the page is closed. */
  let chosenTheme = null;
  try { chosenTheme = localStorage.getItem("whetstone_theme"); } catch { /* forbidden */ }
  /** "light", "dark", or null while the system decides. */
  whetstone.chosenTheme = () => chosenTheme;
  whetstone.setTheme = (name) => {
    chosenTheme = name;
    try {
      if (name) localStorage.setItem("whetstone_theme", name);
      else localStorage.removeItem("whetstone_theme");
    } catch { /* forbidden */ }
    applyTheme();
  };
  system.addEventListener("change", applyTheme);

  /** Gradio follows the system by itself: whatever it sets on the body is set right again before it is drawn. */
  function applyTheme() {
    const dark = whetstone.chosenTheme() ? whetstone.chosenTheme() === "dark" : system.matches;
    const changed = dark !== whetstone.isDark();
    page.classList.toggle("dark", dark);
    if (document.body.classList.contains("dark") !== dark) document.body.classList.toggle("dark", dark);
    if (!changed) return;
    whetstone.tell("theme");
    whetstone.send("theme");
  }

  // ---- tabs --------------------------------------------------------------------------------------------------
  const tabButton = (name) => document.getElementById(`ws-tab-${name}-button`);
  whetstone.openTab = (name) => { const button = tabButton(name); if (button) button.click(); };
  whetstone.on("tab:open", ({ tab }) => whetstone.openTab(tab));
  whetstone.currentTab = () => {
    const chosen = document.querySelector('#ws-tabs [role="tab"][aria-selected="true"]');
    return chosen ? chosen.dataset.tabId : null;
  };

  /** Gradio words a tab anew only once it was visited: the others are worded here, in the text it put there itself,
      and again whenever it puts the old words back. */
  function renameTabs() {
    for (const button of document.querySelectorAll("#ws-tabs > .tab-wrapper [data-tab-id]")) {
      const text = [...button.childNodes].find((node) => node.nodeType === Node.TEXT_NODE && node.nodeValue.trim());
      const words = say(`tab.${button.dataset.tabId}`);
      if (text && text.nodeValue !== words) text.nodeValue = words;
    }
  }

  /** The tab's name is in the window's title and in the address, so that a reload comes back to it. */
  function retitle() {
    const tab = whetstone.currentTab();
    document.title = tab ? `${say(`tab.${tab}`)} · Whetstone` : "Whetstone";
  }

  /** The tab that was open at the end of the last visit; a newcomer has none and starts with the first. */
  function lastTab() {
    try { return localStorage.getItem(LAST_TAB); } catch { return null; } // storage may be forbidden
  }

  function followTabs() {
    const tabs = document.getElementById("ws-tabs");
    const asked = location.hash.slice(1) || lastTab();
    if (asked && tabButton(asked)) tabButton(asked).click();
    let last = null;
    const note = () => {
      retitle();
      const tab = whetstone.currentTab();
      if (tab === last) return;
      if (last !== null) {
        history.replaceState(null, "", `#${tab}`);
        try { localStorage.setItem(LAST_TAB, tab); } catch { /* see lastTab() */ }
      }
      last = tab;
      tabButton(tab)?.scrollIntoView({ block: "nearest", inline: "nearest" });
      whetstone.send("tab:shown", { tab });
    };
    note();
    renameTabs();
    new MutationObserver(renameTabs).observe(tabs.querySelector(".tab-wrapper"), { characterData: true, childList: true, subtree: true });
    new MutationObserver(note).observe(tabs, { attributes: true, attributeFilter: ["aria-selected"], subtree: true });
    page.dataset.ready = "true";
  }

  // ---- the bar -----------------------------------------------------------------------------------------------
  const parts = {};

  function drawBar(bar) {
    parts.machine = el("span", { class: "ws-pill ws-hidden", attrs: { id: "ws-machine" } });
    parts.running = el("button", { class: "ws-pill ws-hidden", attrs: { id: "ws-running", type: "button" }, on: { click: openRunning } });
    parts.language = el("select", { class: "ws-pill", attrs: { id: "ws-language", translate: "no" }, on: { change: () => whetstone.setLanguage(parts.language.value) } },
      whetstone.languages().map((code) => el("option", { text: NAMES[code], attrs: { value: code } })));
    parts.theme = el("button", { class: "ws-pill ws-theme", attrs: { id: "ws-theme", type: "button" }, on: { click: () => whetstone.setTheme(whetstone.isDark() ? "light" : "dark") } }, [halfMoon()]);
    parts.context = el("span", { attrs: { id: "ws-context", translate: "no" } });
    bar.querySelector(".ws-spacer").before(parts.context);
    whetstone.on("data:dataset", (dataset) => { parts.context.textContent = dataset ? dataset.name : ""; });
    bar.append(parts.running, parts.machine, parts.language, parts.theme);
    parts.offline = el("div", { attrs: { id: "ws-offline", role: "status" } });
    bar.after(parts.offline);
    wordBar();
    whetstone.on("language", wordBar);
    whetstone.on("theme", wordBar);
  }

  function halfMoon() {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 12 12");
    svg.setAttribute("aria-hidden", "true");
    for (const [d, fill] of [["M6 .7a5.3 5.3 0 1 0 0 10.6z", "currentColor"], ["M6 .7a5.3 5.3 0 1 1 0 10.6", "none"]]) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", d);
      path.setAttribute("fill", fill);
      path.setAttribute("stroke", "currentColor");
      svg.append(path);
    }
    return svg;
  }

  function wordBar() {
    parts.language.value = whetstone.language;
    parts.language.setAttribute("aria-label", say("shell.language"));
    const label = say(whetstone.isDark() ? "shell.theme.to_light" : "shell.theme.to_dark");
    parts.theme.setAttribute("aria-label", label);
    parts.theme.title = label;
    if (status) drawStatus();
  }

  // ---- status ------------------------------------------------------------------------------------------------
  let status = null;
  let missed = 0;

  async function readStatus() {
    try {
      const reply = await fetch(new URL("whetstone/status", document.baseURI), { signal: AbortSignal.timeout(8000) });
      if (reply.status === 401) return location.reload();
      if (reply.status === 403) return setAway(true, await reply.json());
      if (!reply.ok) throw new Error(reply.statusText);
      const next = await reply.json();
      if (status && status.app !== next.app) return location.reload();
      status = next;
      missed = 0;
      setAway(false);
      drawStatus();
      whetstone.send("status", status);
    } catch {
      missed += 1;
      setAway(missed > 1);
    }
  }

  async function watchStatus() {
    if (!document.hidden) await readStatus();
    setTimeout(watchStatus, missed ? 1000 : STATUS_MS);
  }

  /** refused: {message, hint} where the app answers, but not to this browser. */
  function setAway(away, refused) {
    document.body.classList.toggle("ws-away", away);
    const text = refused ? whetstone.sentences(refused.message, refused.hint) : away ? say("shell.offline") : "";
    if (parts.offline.textContent !== text) parts.offline.textContent = text;
  }

  function drawStatus() {
    const gigabytes = (n) => whetstone.number(n / 1e9, 1);
    const { machine, running } = status;
    parts.machine.replaceChildren(
      el("i", { class: `ws-dot${running ? " ws-dot-busy" : ""}` }),
      machine.total_bytes === null ? say("shell.cores", { cores: machine.cores })
        : say("shell.machine", { cores: machine.cores, used: gigabytes(machine.used_bytes), total: gigabytes(machine.total_bytes) }));
    parts.machine.classList.remove("ws-hidden");
    parts.running.classList.toggle("ws-hidden", !running);
    if (!running) return;
    const percent = running.fraction === null ? null : Math.floor(running.fraction * 100);
    const own = running.id !== null;
    const bar = el("i");
    bar.style.width = `${percent || 0}%`;
    parts.running.replaceChildren(
      el("span", { text: own ? say(`shell.job.${running.kind}`, { title: running.title }) : say("shell.busy") }),
      ...(percent === null ? [] : [el("span", { class: "ws-percent", text: say("shell.percent", { percent }) })]), bar);
    parts.running.title = say(own ? "shell.running" : "shell.busy");
    parts.running.disabled = !own;
  }

  function openRunning() {
    const { kind, id } = status.running;
    whetstone.openTab({ train: "train", probe: "train", download: "train", export: "export", compile_pairs: "preferences", write_replies: "preferences" }[kind] || "data");
    if (kind === "train") whetstone.send("run:selected", { id });
  }

  // ---- Gradio's toasts ---------------------------------------------------------------------------------------
  const LEVELS = { error: "bad", warning: "warning", info: "info", success: "good" };
  const LOST = /^Connection to the server was lost/;

  /** What Gradio would show in toasts of its own comes as ours; its English line about a lost server as our own line. */
  function followToasts() {
    const place = document.querySelector(".toast-wrap");
    if (!place) return;
    const said = new WeakSet();
    new MutationObserver(() => {
      for (const node of place.querySelectorAll(".toast-message-text")) {
        if (said.has(node)) continue;
        said.add(node);
        if (LOST.test(node.textContent)) readStatus();
        else whetstone.toast(node.textContent, LEVELS[Object.keys(LEVELS).find((name) => node.classList.contains(name))]);
      }
    }).observe(place, { childList: true, subtree: true });
  }

  // ---- start -------------------------------------------------------------------------------------------------
  function start() {
    const bar = document.getElementById("ws-bar");
    if (!bar) return;
    drawBar(bar);
    new MutationObserver(applyTheme).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    applyTheme();
    const watcher = new MutationObserver(async () => {
      if (!document.getElementById("ws-tabs")) return;
      watcher.disconnect();
      if (whetstone.language === "en-XA") await changeGradio("en-XA");
      followTabs();
      followToasts();
    });
    watcher.observe(document.body, { childList: true, subtree: true });
    whetstone.on("no-answer", readStatus);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) readStatus(); });
    watchStatus();
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
