// Votes on their way: shown as taken at once, sent in order, sent again until the app says that they are on the disk.
(() => {
  "use strict";
  const preferences = (whetstone.preferences = whetstone.preferences || {});
  const PREFIX = "whetstone:votes:";
  const MOST_AT_ONCE = 100;
  const WAITS_MS = [500, 1000, 2000, 4000, 8000];
  // What another try cannot mend: the project is gone, or the app takes it for no vote.
  const FINAL = ["NotYours", "RequestRefused"];

  /** This page's id: a reload keeps it, and with it the pairs the page had; another tab has its own. */
  preferences.pageId = () => {
    const isReload = performance.getEntriesByType("navigation")[0]?.type === "reload";
    try {
      const known = isReload && sessionStorage.getItem("whetstone:page");
      const id = known || whetstone.deed();
      sessionStorage.setItem("whetstone:page", id);
      return id;
    } catch {
      return whetstone.deed(); // storage may be forbidden; then a reload is another page
    }
  };

  // Votes that a reload, a crash or a closed tab left unsent wait in the browser's storage, by person.
  const stored = (key) => {
    try {
      const found = JSON.parse(localStorage.getItem(key) || "[]");
      return Array.isArray(found) ? found : [];
    } catch {
      return [];
    }
  };
  const store = (key, entries) => {
    try {
      if (entries.length) localStorage.setItem(key, JSON.stringify(entries));
      else localStorage.removeItem(key);
    } catch {
      // see pageId()
    }
  };
  const keysOf = (person) => {
    try {
      return Object.keys(localStorage).filter((key) => key.startsWith(`${PREFIX}${person}:`));
    } catch {
      return [];
    }
  };

  class Outbox {
    // send(project, votes) → {saved, refused}; settled(project, answer) and changed() are told.
    constructor(page, { send, settled, changed }) {
      Object.assign(this, { page, send, settled, changed, entries: [], person: null, tries: 0, busy: false, timer: 0 });
      this.warn = (event) => {
        if (!this.entries.length) return;
        event.preventDefault();
        event.returnValue = "";
      };
      window.addEventListener("beforeunload", this.warn);
      this.wake = () => this.flush();
      window.addEventListener("online", this.wake);
      this.unlisten = whetstone.on("status", () => this.tries && this.flush());
    }

    /** Takes up what earlier pages of this person have left. */
    open(person) {
      if (this.person === person) return;
      this.person = person;
      const known = new Set(this.entries.map((entry) => entry.vote.id));
      for (const key of keysOf(person)) {
        for (const entry of stored(key)) {
          if (!entry?.vote?.id || known.has(entry.vote.id)) continue;
          known.add(entry.vote.id);
          this.entries.push(entry);
        }
        if (key !== this.key) this.adopted = [...(this.adopted || []), key];
      }
      if (this.entries.length) this.keep();
      this.flush();
    }

    get key() {
      return `${PREFIX}${this.person}:${this.page}`;
    }

    get count() {
      return this.entries.length;
    }

    of(project) {
      return this.entries.filter((entry) => entry.project === project).map((entry) => entry.vote);
    }

    add(project, vote) {
      this.entries.push({ project, vote });
      this.keep();
      if (!this.tries) this.flush();
    }

    keep() {
      store(this.key, this.entries);
      for (const key of this.adopted || []) store(key, []);
      this.adopted = [];
      this.changed();
    }

    // One call at a time, so that votes and undos arrive in the order they were made.
    async flush() {
      clearTimeout(this.timer);
      if (this.busy || !this.entries.length || this.person === null) return;
      this.busy = true;
      const { project } = this.entries[0];
      const cut = this.entries.findIndex((entry) => entry.project !== project);
      const votes = this.entries.slice(0, cut < 0 ? MOST_AT_ONCE : Math.min(cut, MOST_AT_ONCE)).map((entry) => entry.vote);
      let answer = null;
      try {
        answer = await this.send(project, votes);
      } catch (error) {
        if (FINAL.includes(error?.code)) {
          answer = { saved: [], refused: votes.map(({ id }) => ({ id })) };
          whetstone.report(error);
        }
      }
      this.busy = false;
      if (!answer) {
        this.timer = setTimeout(this.wake, WAITS_MS[Math.min(this.tries, WAITS_MS.length - 1)]);
        this.tries += 1;
        this.changed();
        return;
      }
      this.tries = 0;
      const settled = new Set([...answer.saved, ...answer.refused.map((one) => one.id)]);
      this.entries = this.entries.filter((entry) => !settled.has(entry.vote.id));
      this.keep();
      this.settled(project, answer);
      if (this.entries.length) this.flush();
    }

    close() {
      clearTimeout(this.timer);
      window.removeEventListener("beforeunload", this.warn);
      window.removeEventListener("online", this.wake);
      this.unlisten();
    }
  }

  preferences.outbox = (page, hooks) => new Outbox(page, hooks);
})();
