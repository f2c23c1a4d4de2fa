// Where an import may come from: a file, a pasted text, a sample. Each source is a tab of the import dialog.
//
// data.importSource({name, order, build}) adds one; its words are data.source_<name>. build(host) draws it and answers
// {node, settle?, close?}; settle resolves when the last choice has arrived. host: {ctx, options, choose(wish)}. A wish is what would be imported: {proposal: the dataset's name,
// asked: what preview and start send, start(form) → the job's id}, or null while there is none; a wish may bring its own
// look(form) → what server.preview answers.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const sources = [];

  data.importSource = (source) => sources.push(source);
  data.importSources = () => [...sources].sort((one, other) => one.order - other.order);

  // Sends a file to the page's upload address. Answers {sent: Promise of its place on the server, stop()}.
  const sendFile = (file, limit, onProgress) => {
    const request = new XMLHttpRequest();
    const sent = new Promise((resolve, reject) => {
      const fail = (key, values) => reject({ code: "UploadFailed", message: whetstone.say(`data.${key}`, values), hint: whetstone.say(`data.${key}_hint`) });
      request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
      request.onload = () => {
        if (request.status === 200) resolve(JSON.parse(request.responseText)[0]);
        else if (request.status === 413) fail("upload_too_large", { limit: whetstone.bytes(limit) });
        else fail("upload_failed", { status: request.status });
      };
      request.onerror = () => fail("upload_failed", { status: request.status });
      request.onabort = () => resolve(null);
    });
    const form = new FormData();
    form.append("files", file);
    const prefix = window.gradio_config?.api_prefix ?? "/gradio_api";
    request.open("POST", new URL(`.${prefix}/upload`, document.baseURI.replace(/[?#].*$/, "")).href);
    request.send(form);
    return { sent, stop: () => request.abort() };
  };

  // One upload at a time: a new one stops the one before it.
  class Sender {
    constructor(host) {
      this.host = host;
      this.sending = null;
      this.last = null; // resolves when the last file has arrived, or has not
      this.bar = el("progress", { attrs: { max: "1", value: "0", "aria-label": host.ctx.say("data.upload_progress") } });
      this.bar.hidden = true;
      this.state = el("div", { attrs: { role: "status" } });
    }

    stop() {
      this.sending?.stop();
      this.sending = null;
      this.bar.hidden = true;
      this.state.replaceChildren();
    }

    send(file, proposal) {
      this.last = this.sendNow(file, proposal);
      return this.last;
    }

    async sendNow(file, proposal) {
      const { ctx, options } = this.host;
      this.stop();
      this.host.choose(null);
      if (file.size > options.limit_bytes) {
        const values = { limit: whetstone.bytes(options.limit_bytes) };
        this.state.replaceChildren(data.problem({ message: ctx.say("data.upload_too_large", values), hint: ctx.say("data.upload_too_large_hint") }));
        return;
      }
      this.bar.hidden = false;
      this.bar.value = 0;
      const sending = sendFile(file, options.limit_bytes, (share) => (this.bar.value = share));
      this.sending = sending;
      try {
        const path = await sending.sent;
        if (this.sending !== sending || path === null) return;
        this.bar.hidden = true;
        const asked = { path, file_name: file.name };
        this.host.choose({ proposal, asked, start: (form) => ctx.server.upload({ ...form, ...asked }) });
      } catch (error) {
        if (this.sending === sending) this.state.replaceChildren(data.problem(error));
      }
    }
  }

  const buildFile = (host) => {
    const { say } = host.ctx;
    const sender = new Sender(host);
    const words = el("div", { class: "ws-drop-words", text: say("data.drop_here") });
    const limit = el("div", { class: "ws-why", text: say("data.drop_limit", { limit: whetstone.bytes(host.options.limit_bytes) }) });
    const take = (file) => {
      if (!file) return;
      words.textContent = `${file.name} · ${whetstone.bytes(file.size)}`;
      words.setAttribute("translate", "no");
      zone.classList.add("ws-on");
      return sender.send(file, file.name.replace(/\.[^.]+$/, ""));
    };
    const input = el("input", { attrs: { type: "file", "aria-label": say("data.choose_file") }, on: { change: () => take(input.files[0]) } });
    const zone = el("label", { class: "ws-drop" }, [input, words, limit, sender.bar, sender.state]);
    const over = (on) => (event) => {
      event.preventDefault();
      zone.classList.toggle("ws-over", on);
    };
    zone.addEventListener("dragover", over(true));
    zone.addEventListener("dragleave", over(false));
    zone.addEventListener("drop", (event) => {
      over(false)(event);
      take(event.dataTransfer.files[0]);
    });
    return { node: zone, settle: () => sender.last, close: () => sender.stop() };
  };

  // A pasted text goes the way of a file: what it is, is found as for any other.
  const PASTE_MS = 500;
  const buildPaste = (host) => {
    const { say } = host.ctx;
    const sender = new Sender(host);
    let timer = 0;
    const send = () => {
      clearTimeout(timer);
      timer = 0;
      if (box.value.trim()) return sender.send(new File([box.value], say("data.paste_name"), { type: "text/plain" }), say("data.paste_name"));
      sender.stop();
      return host.choose(null);
    };
    const box = el("textarea", { class: "ws-input ws-paste", attrs: { rows: "6", translate: "no", dir: "auto", spellcheck: "false", "aria-label": say("data.source_paste"), placeholder: say("data.paste_here") } });
    box.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(send, PASTE_MS);
    });
    const node = el("div", { class: "ws-import-paste" }, [box, sender.bar, sender.state]);
    return { node, settle: () => (timer ? send() : sender.last), close: () => (clearTimeout(timer), sender.stop()) };
  };

  const buildSample = (host) => {
    const { ctx, options } = host;
    const choose = (sample) => {
      for (const card of cards.children) {
        const on = card.dataset.sample === sample.id;
        card.classList.toggle("ws-on", on);
        card.setAttribute("aria-checked", String(on));
      }
      const asked = { sample_id: sample.id };
      host.choose({ proposal: whetstone.said(sample.title), asked, start: (form) => ctx.server.sample({ ...form, ...asked }) });
    };
    const card = (sample) =>
      el("button", { class: "ws-card", attrs: { type: "button", role: "radio", "aria-checked": "false", "data-sample": sample.id }, on: { click: () => choose(sample) } }, [
        el("span", { class: "ws-card-title" }, [
          el("strong", { text: whetstone.said(sample.title) }),
          el("span", { class: "ws-tag", text: ctx.say("data.fact_rows", { rows: sample.rows }) }),
        ]),
        el("span", { class: "ws-why", text: whetstone.said(sample.description) }),
      ]);
    const cards = el("div", { class: "ws-cards", attrs: { role: "radiogroup", "aria-label": ctx.say("data.samples") } }, options.samples.map(card));
    return { node: cards };
  };

  data.importSource({ name: "file", order: 1, build: buildFile });
  data.importSource({ name: "paste", order: 2, build: buildPaste });
  data.importSource({ name: "sample", order: 3, build: buildSample });
})();
