// The import dialog: a file of one's own or a sample, and what to change of what is found automatically.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});
  const CHOICES = ["container", "encoding", "delimiter", "format"];
  const DELIMITERS = { ",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe" };

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

  class Importer {
    // again: {kept, name, file_name, choices, held_out_fraction}: another import of a file that is already here.
    constructor(ctx, options, again) {
      this.ctx = ctx;
      this.options = options;
      this.again = again || null;
      this.sample = null;
      this.upload = null; // {file, place} once a file was chosen
      this.deed = ctx.deed();
      this.build();
    }

    build() {
      const { say } = this.ctx;
      this.name = el("input", { class: "ws-input", attrs: { type: "text", maxlength: "80", translate: "no" } });
      this.share = data.heldOutField(say, this.again?.held_out_fraction ?? this.options.held_out_fraction);
      this.menus = Object.fromEntries(CHOICES.map((name) => [name, this.choiceMenu(name)]));
      const found = el("details", { class: "ws-found", attrs: { open: Boolean(this.again) } }, [
        el("summary", { text: say("data.found_summary") }),
        el("div", { class: "ws-four" }, CHOICES.map((name) => data.field(say(`data.choice_${name}`), this.menus[name]))),
        el("div", { class: "ws-why", text: say("data.found_why") }),
      ]);
      this.own = el("div", { class: "ws-own" }, [data.field(say("data.name"), this.name, say("data.name_why")), this.share.node, found]);
      if (this.again) {
        this.name.placeholder = this.again.name;
        const kept = el("p", {}, [say("data.again_words"), " ", el("strong", { text: this.again.file_name, attrs: { translate: "no" } })]);
        this.node = el("div", { class: "ws-import" }, [kept, this.own]);
        return;
      }
      this.drop = this.dropZone();
      this.cards = el("div", { class: "ws-cards", attrs: { role: "radiogroup", "aria-label": say("data.samples") } }, this.options.samples.map((one) => this.card(one)));
      this.samples = el("details", { class: "ws-found", attrs: { open: true } }, [el("summary", { text: say("data.or_sample") }), this.cards]);
      this.node = el("div", { class: "ws-import" }, [this.drop, this.samples, this.own]);
      this.own.hidden = true;
    }

    // Plugs carry their own words; encodings and delimiters have words of ours.
    choiceOption(name, one) {
      if (name === "encoding") return el("option", { text: this.ctx.say(`data.encoding.${one}`), attrs: { value: one } });
      if (name === "delimiter") return el("option", { text: this.ctx.say(`data.delimiter.${DELIMITERS[one]}`), attrs: { value: one } });
      return el("option", { text: whetstone.said(one.title), attrs: { value: one.value } });
    }

    choiceMenu(name) {
      const { say } = this.ctx;
      const auto = el("option", { text: say("data.choice_auto"), attrs: { value: "" } });
      const menu = el("select", { class: "ws-input", attrs: { "data-choice": name } }, [
        auto,
        ...this.options[name].map((one) => this.choiceOption(name, one)),
      ]);
      menu.value = this.again?.choices?.[name] ?? "";
      return menu;
    }

    dropZone() {
      const { say } = this.ctx;
      this.file = el("input", { attrs: { type: "file", accept: ".json,.jsonl,.ndjson,.csv,.tsv,.txt,.parquet", "aria-label": say("data.choose_file") }, on: { change: () => this.take(this.file.files[0]) } });
      this.bar = el("progress", { attrs: { max: "1", value: "0", "aria-label": say("data.upload_progress") } });
      this.bar.hidden = true;
      this.dropWords = el("div", { class: "ws-drop-words" });
      this.dropState = el("div", { attrs: { role: "status" } });
      this.sayDrop(say("data.drop_here"), false);
      const limit = say("data.drop_limit", { limit: whetstone.bytes(this.options.limit_bytes) });
      const zone = el("label", { class: "ws-drop" }, [this.file, this.dropWords, el("div", { class: "ws-why", text: limit }), this.bar, this.dropState]);
      const over = (on) => (event) => {
        event.preventDefault();
        zone.classList.toggle("ws-over", on);
      };
      zone.addEventListener("dragover", over(true));
      zone.addEventListener("dragleave", over(false));
      zone.addEventListener("drop", (event) => {
        over(false)(event);
        this.take(event.dataTransfer.files[0]);
      });
      return zone;
    }

    sayDrop(text, isData) {
      this.dropWords.textContent = text;
      if (isData) this.dropWords.setAttribute("translate", "no");
    }

    async take(file) {
      if (!file) return;
      this.upload?.sending.stop();
      this.choose(null);
      this.dropState.replaceChildren();
      if (file.size > this.options.limit_bytes) {
        const values = { limit: whetstone.bytes(this.options.limit_bytes) };
        this.dropState.replaceChildren(data.problem({ message: this.ctx.say("data.upload_too_large", values), hint: this.ctx.say("data.upload_too_large_hint") }));
        return;
      }
      this.sayDrop(`${file.name} · ${whetstone.bytes(file.size)}`, true);
      this.drop.classList.add("ws-on");
      this.bar.hidden = false;
      this.bar.value = 0;
      const sending = sendFile(file, this.options.limit_bytes, (share) => (this.bar.value = share));
      const upload = { file, sending };
      this.upload = upload;
      this.deed = this.ctx.deed();
      this.name.placeholder = file.name.replace(/\.[^.]+$/, "");
      this.own.hidden = false;
      this.samples.open = false;
      try {
        await sending.sent;
        if (this.upload === upload) this.bar.value = 1;
      } catch (error) {
        if (this.upload === upload) this.dropState.replaceChildren(data.problem(error));
      }
    }

    card(sample) {
      const node = el("button", { class: "ws-card", attrs: { type: "button", role: "radio", "aria-checked": "false", "data-sample": sample.id }, on: { click: () => this.choose(sample) } }, [
        el("span", { class: "ws-card-title" }, [
          el("strong", { text: whetstone.said(sample.title) }),
          el("span", { class: "ws-tag", text: this.ctx.say("data.fact_rows", { rows: sample.rows }) }),
        ]),
        el("span", { class: "ws-why", text: whetstone.said(sample.description) }),
      ]);
      return node;
    }

    choose(sample) {
      this.sample = sample;
      this.deed = this.ctx.deed();
      for (const card of this.cards.children) {
        const on = card.dataset.sample === sample?.id;
        card.classList.toggle("ws-on", on);
        card.setAttribute("aria-checked", String(on));
      }
      if (!sample) return;
      this.upload?.sending.stop();
      this.upload = null;
      this.own.hidden = true;
      this.bar.hidden = true;
      this.drop.classList.remove("ws-on");
      this.dropWords.removeAttribute("translate");
      this.sayDrop(this.ctx.say("data.drop_here"), false);
    }

    choices() {
      return Object.fromEntries(CHOICES.map((name) => [name, this.menus[name].value || null]));
    }

    // Starts the import and answers with its job. Throws the sentence of what is missing.
    async start() {
      const { server, say } = this.ctx;
      const { deed } = this;
      const asked = { deed, name: this.name.value.trim() || null, choices: this.choices(), held_out_fraction: this.share.fraction() };
      if (this.again) return server.again({ ...asked, job_id: this.again.job_id });
      if (this.sample) return server.sample({ deed, sample_id: this.sample.id });
      if (!this.upload) throw { code: "NothingChosen", message: say("data.nothing_chosen"), hint: say("data.nothing_chosen_hint") };
      const { file, sending } = this.upload;
      const place = await sending.sent;
      if (place === null) throw { code: "NothingChosen", message: say("data.nothing_chosen"), hint: say("data.nothing_chosen_hint") };
      return server.upload({ ...asked, path: place, file_name: file.name });
    }
  }

  // Opens the dialog; answers with the id of the import that was started, or null.
  data.openImporter = async (ctx, again) => {
    const options = await ctx.server.options({});
    const importer = new Importer(ctx, options, again);
    let job = null;
    const done = async () => {
      job = await importer.start();
    };
    const title = ctx.say(again ? "data.again_title" : "data.import_title");
    await data.ask({ title, body: [importer.node], act: ctx.say("data.import"), done, wide: true });
    if (!job) importer.upload?.sending.stop();
    return job;
  };
})();
