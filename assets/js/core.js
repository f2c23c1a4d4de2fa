// The page's own small core: words, elements, widgets, toasts, dialogs, a bus. Plain script, textContent only.
(() => {
  "use strict";
  const page = document.documentElement;
  const PSEUDO = "en-XA";
  const whetstone = { language: page.dataset.language || "en" };
  window.whetstone = whetstone;

  // ---- words -------------------------------------------------------------------------------------------------
  const PLACE = /\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g;
  const locale = () => (whetstone.language === "ja" ? "ja-JP" : "en-GB");

  function shown(value) {
    if (value === null || value === undefined) return "–";
    return Number.isInteger(value) ? value.toLocaleString("en-US") : String(value);
  }

  function render(template, values = {}) {
    const text = template.replace(PLACE, (whole, name, one, many) => {
      if (!(name in values)) return whole;
      if (one !== undefined) return values[name] === 1 ? one : many;
      return shown(values[name]);
    });
    return whetstone.language === PSEUDO ? `⟦${text}⟧` : text;
  }

  /** The sentence of a key in the page's language; a key without words is shown as it is. */
  whetstone.say = (key, values) => {
    const words = window.whetstoneWords[whetstone.language === "ja" ? "ja" : "en"];
    return key in words ? render(words[key], values) : key;
  };
  /** True where the catalogue has words for the key. */
  whetstone.has = (key) => key in window.whetstoneWords.en;
  /** The words of a plug: {en, ja}. */
  whetstone.said = (text, values) => render(whetstone.language === "ja" ? text.ja : text.en, values);

  /** The words of a plug's finding without its values, as a name for all findings of that kind. */
  whetstone.nameOf = ({ en, ja }) => {
    const isJapanese = whetstone.language === "ja";
    const bare = isJapanese
      ? ja.replace(/：「?\{\w+\}」?$/, "").replace(/ \{count\} [個件回文字]+/, "").replace(/が$/, "")
      : en.replace(/(:|,? such as) “?\{\w+\}”?\.?$/, "").replace(/ \{\w+\} \{\w+\|time\|times\}/, "").replace(/\{(\w+)\} (?=[^{]*\{\1\|)/, "").replace(/\{\w+\|[^|}]*\|([^}]*)\}/g, "$1");
    const name = bare.replace(/\{[^}]*\}/g, "…");
    return render(name.charAt(0).toUpperCase() + name.slice(1));
  };

  /** Sentences as one text: English puts a space between them, Japanese nothing. */
  whetstone.sentences = (...parts) => parts.filter(Boolean).join(whetstone.language === "ja" ? "" : " ");

  whetstone.number = (n, digits) =>
    n === null || n === undefined || !Number.isFinite(n)
      ? "–"
      : n.toLocaleString(locale(), digits === undefined ? { maximumFractionDigits: 3 }
        : { minimumFractionDigits: digits, maximumFractionDigits: digits });

  /** 9 → 0:09, 75 → 1:15, 3700 → 1:01:40. */
  whetstone.duration = (s) => {
    if (s === null || s === undefined || !Number.isFinite(s)) return "–";
    const whole = Math.max(0, Math.round(s)), two = (n) => String(n).padStart(2, "0");
    const hours = Math.floor(whole / 3600), minutes = Math.floor((whole % 3600) / 60);
    return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  };

  whetstone.bytes = (n) => {
    if (n === null || n === undefined) return "–";
    const units = ["B", "kB", "MB", "GB", "TB"];
    const power = Math.min(units.length - 1, n < 1 ? 0 : Math.floor(Math.log10(n) / 3));
    const value = n / 1000 ** power;
    return `${whetstone.number(value, power && value < 100 ? 1 : 0)} ${units[power]}`;
  };

  /** An ISO time as the person's clock shows it. */
  whetstone.time = (iso) =>
    new Date(iso).toLocaleString(locale(), { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });

  // ---- elements ----------------------------------------------------------------------------------------------
  /** el("button", {class, text, attrs: {}, on: {click: fn}}, [children]); an error of a listener becomes a toast. */
  whetstone.el = (tag, { class: classes, text, attrs, on } = {}, children = []) => {
    const node = document.createElement(tag);
    if (classes) node.className = classes;
    if (text !== undefined && text !== null) node.textContent = text;
    for (const [name, value] of Object.entries(attrs || {})) {
      if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
    }
    for (const [name, fn] of Object.entries(on || {})) node.addEventListener(name, guarded(fn));
    node.append(...[children].flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
    return node;
  };
  const el = whetstone.el;

  function guarded(fn) {
    return async (...args) => {
      try { return await fn(...args); } catch (error) { whetstone.report(error); }
    };
  }

  /** An error of a server call as a toast; anything else is a fault of the page and goes to the console. */
  whetstone.report = (error) => {
    if (error && error.code === "NoAnswer") return;
    if (error && error.code) whetstone.toast(whetstone.sentences(error.message, error.hint), "bad");
    else console.error(error);
  };

  /** A fresh random id: the same id is the same deed, done once. */
  whetstone.deed = () => crypto.getRandomValues(new Uint32Array(4)).reduce((text, n) => text + n.toString(16).padStart(8, "0"), "");

  // ---- bus ---------------------------------------------------------------------------------------------------
  const bus = new EventTarget();
  whetstone.send = (topic, data) => bus.dispatchEvent(new CustomEvent(topic, { detail: data }));
  /** Returns a function that stops listening. */
  whetstone.on = (topic, fn) => {
    const listener = guarded((event) => fn(event.detail));
    bus.addEventListener(topic, listener);
    return () => bus.removeEventListener(topic, listener);
  };

  // ---- toasts ------------------------------------------------------------------------------------------------
  const SECONDS = { info: 5, good: 5, warning: 9, bad: 14 };

  /** The area lies in the browser's top layer, above a dialog that was opened before. */
  function raiseToasts() {
    let area = document.getElementById("ws-toasts");
    if (!area) document.body.append((area = el("div", { attrs: { id: "ws-toasts", role: "status", "aria-live": "polite", popover: "manual" } })));
    else if (area.matches(":popover-open")) area.hidePopover();
    area.showPopover();
    return area;
  }

  whetstone.toast = (message, level = "info") => {
    const area = raiseToasts();
    for (const earlier of area.querySelectorAll(".ws-toast")) if (earlier.firstChild.textContent === message) earlier.remove();
    const close = () => toast.remove();
    const toast = el("div", { class: `ws-toast ws-toast-${level}` }, [
      el("div", { text: message }),
      el("button", { class: "ws-icon", text: "×", attrs: { type: "button", "aria-label": whetstone.say("common.close") }, on: { click: close } }),
    ]);
    area.append(toast);
    setTimeout(close, (SECONDS[level] || 5) * 1000);
  };

  // ---- dialogs -----------------------------------------------------------------------------------------------
  /** A modal dialog. body: nodes; actions: [{label, value, primary, danger}]. Resolves to the value, or null on Escape.
      An action's `check` may return false to keep the dialog open. */
  whetstone.dialog = ({ title, body = [], actions, wide = false }) =>
    new Promise((resolve) => {
      const before = document.activeElement;
      let result = null;
      const finish = (value) => { result = value; box.close(); };
      const buttons = actions.map((action) =>
        el("button", {
          class: `ws-btn${action.primary ? " ws-btn-primary" : ""}${action.danger ? " ws-btn-danger" : ""}`,
          text: action.label,
          attrs: { type: "button", autofocus: action.primary && !action.danger },
          on: { click: async () => { if (!action.check || (await action.check()) !== false) finish(action.value); } },
        }));
      const name = `ws-dialog-${whetstone.deed().slice(0, 8)}`;
      const box = el("dialog", { class: `ws-dialog${wide ? " ws-dialog-wide" : ""}`, attrs: { "aria-labelledby": name } }, [
        el("div", { class: "ws-head" }, [el("h2", { text: title, attrs: { id: name } }), el("span", { class: "ws-spacer" }),
          el("button", { class: "ws-icon", text: "×", attrs: { type: "button", "aria-label": whetstone.say("common.close") }, on: { click: () => finish(null) } })]),
        el("div", { class: "ws-body" }, body),
        el("div", { class: "ws-foot" }, buttons),
      ]);
      box.addEventListener("close", () => {
        box.remove();
        if (before && before.isConnected) before.focus();
        resolve(result);
      });
      document.body.append(box);
      box.showModal();
      if (document.querySelector("#ws-toasts > *")) raiseToasts();
    });

  /** Asks before a deed. Words: `<key>.title`, `<key>.text` (may be missing), `<key>.yes`. Resolves to true or false. */
  whetstone.confirm = async (key, values, { danger = true } = {}) => {
    const text = whetstone.has(`${key}.text`) ? [el("p", { text: whetstone.say(`${key}.text`, values) })] : [];
    return (await whetstone.dialog({
      title: whetstone.say(`${key}.title`, values),
      body: text,
      actions: [
        { label: whetstone.say("common.cancel"), value: false },
        { label: whetstone.say(`${key}.yes`, values), value: true, primary: true, danger },
      ],
    })) === true;
  };

  // ---- widgets -----------------------------------------------------------------------------------------------
  const kinds = new Map();
  const waiting = new Map();
  const mounted = new Set();

  /** mount(root, ctx) draws the widget and returns {update?, language?, theme?, destroy?}. */
  whetstone.widget = (name, mount) => {
    kinds.set(name, mount);
    for (const start of waiting.get(name) || []) start();
    waiting.delete(name);
  };

  /** Resolves once a widget of that name is on the page: a tab is built at its first visit. */
  whetstone.whenMounted = (name) => new Promise((resolve) => {
    if (document.querySelector(`[data-widget="${name}"]`)) return resolve();
    const off = whetstone.on("widget:mounted", (found) => {
      if (found.name !== name) return;
      off();
      resolve();
    });
  });

  /** Send a topic to a widget that may not be there yet: what is pressed while the page is being built is not lost. */
  whetstone.sendTo = async (widget, topic, data) => {
    await whetstone.whenMounted(widget);
    whetstone.send(topic, data);
  };

  /** Called by the page when a widget's place appears. */
  whetstone.mount = (name, element, gradio) => {
    const start = () => begin(name, element, gradio);
    if (kinds.has(name)) start();
    else waiting.set(name, [...(waiting.get(name) || []), start]);
  };

  function begin(name, element, gradio) {
    const root = element.querySelector(".ws-widget") || element;
    root.dataset.widget = name;
    const instance = { root, hooks: {}, ends: [] };
    const call = (fn, args) => guarded(() => instance.hooks[fn] && instance.hooks[fn](...args))();
    instance.call = call;
    instance.hooks = kinds.get(name)(root, context(instance, gradio)) || {};
    mounted.add(instance);
    whetstone.send("widget:mounted", { name });
    gradio.watch("value", () => call("update", [gradio.props.value]));
  }

  function context(instance, gradio) {
    return {
      server: serverOf(gradio.server),
      get value() { return gradio.props.value; },
      say: whetstone.say,
      toast: whetstone.toast,
      deed: whetstone.deed,
      confirm: whetstone.confirm,
      trigger: gradio.trigger,
      upload: gradio.upload,
      every: (ms, fn) => every(instance, ms, fn),
      /** whetstone.on that ends with the widget. */
      on: (topic, fn) => instance.ends.push(whetstone.on(topic, fn)),
    };
  }

  function serverOf(server) {
    return new Proxy({}, {
      get: (_, name) => async (argument = {}) => {
        const reply = await server.ws_call({ name, argument });
        if (reply && reply.ok) return reply.value;
        if (reply) throw reply;
        whetstone.send("no-answer");
        throw { code: "NoAnswer", message: whetstone.say("shell.no_answer.message"), hint: whetstone.say("shell.no_answer.hint") };
      },
    });
  }

  const visible = (root) => !document.hidden && root.isConnected && root.getClientRects().length > 0;

  /** Calls fn at once and then every ms while the widget is seen; never two at a time; ends with the widget.
      A look that keeps failing is told once, until it works again or fails in another way. */
  function every(instance, ms, fn) {
    let stopped = false, busy = false, due = 0, timer = 0, told = null;
    const tell = (error) => {
      const what = error && error.code;
      if (what === "NoAnswer" || (what && what === told)) return;
      told = what || null;
      whetstone.report(error);
    };
    const tick = async () => {
      clearTimeout(timer);
      if (stopped || busy) return;
      if (!visible(instance.root)) return;
      busy = true;
      try { await fn(); told = null; } catch (error) { tell(error); }
      busy = false;
      due = performance.now() + ms;
      if (!stopped) timer = setTimeout(tick, ms);
    };
    const wake = () => { if (performance.now() >= due) tick(); };
    const watcher = new IntersectionObserver(wake);
    watcher.observe(instance.root);
    document.addEventListener("visibilitychange", wake);
    const stop = () => {
      stopped = true;
      clearTimeout(timer);
      watcher.disconnect();
      document.removeEventListener("visibilitychange", wake);
    };
    instance.ends.push(stop);
    tick();
    return stop;
  }

  // A widget whose place was taken away is ended.
  setInterval(() => {
    for (const instance of mounted) {
      if (instance.root.isConnected) continue;
      mounted.delete(instance);
      instance.ends.forEach((end) => end());
      instance.call("destroy", []);
    }
  }, 2000);

  /** Tells every widget: "language" or "theme" has changed. */
  whetstone.tell = (what) => { for (const instance of mounted) instance.call(what, []); };
})();
