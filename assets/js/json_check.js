// Says of a text whether it is JSON, and if not where it stops being so: line, column and what was expected there.
(() => {
  "use strict";
  const data = (whetstone.data = whetstone.data || {});
  const SPACE = /[ \t\r\n]*/y;
  const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
  const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
  const WORD = /true|false|null/y;
  const DEEPEST = 200;

  class Stop {
    constructor(at, code) {
      Object.assign(this, { at, code });
    }
  }

  class Reader {
    constructor(text) {
      this.text = text;
      this.at = 0;
    }

    skip(pattern) {
      pattern.lastIndex = this.at;
      const found = pattern.exec(this.text);
      if (found) this.at = pattern.lastIndex;
      return Boolean(found);
    }

    next() {
      this.skip(SPACE);
      return this.text[this.at];
    }

    stop(code) {
      throw new Stop(this.at, this.at >= this.text.length ? "ends" : code);
    }

    value(depth) {
      if (depth > DEEPEST) this.stop("deep");
      const sign = this.next();
      if (sign === "{") this.list("}", depth, () => this.pair(depth));
      else if (sign === "[") this.list("]", depth, () => this.value(depth + 1));
      else if (sign === '"') this.string();
      else if (!this.skip(WORD) && !this.skip(NUMBER)) this.stop("value");
    }

    string() {
      if (!this.skip(STRING)) this.stop("string");
    }

    pair(depth) {
      if (this.next() !== '"') this.stop("name");
      this.string();
      if (this.next() !== ":") this.stop("colon");
      this.at += 1;
      this.value(depth + 1);
    }

    list(end, depth, item) {
      this.at += 1;
      if (this.next() === end) return void (this.at += 1);
      for (;;) {
        item();
        const sign = this.next();
        if (sign !== "," && sign !== end) this.stop(end === "}" ? "comma_brace" : "comma_bracket");
        this.at += 1;
        if (sign === end) return;
      }
    }
  }

  /** {value} of a JSON text, as `readJson` reads it, else {at, line, column, code}: counted from 1; the code is worded under `data.json.<code>`. */
  data.checkJson = (text) => {
    const reader = new Reader(text);
    try {
      reader.value(0);
      if (reader.next() !== undefined) throw new Stop(reader.at, "rest");
      return { value: data.readJson(text) };
    } catch (stop) {
      if (!(stop instanceof Stop)) throw stop;
      const before = text.slice(0, stop.at).split("\n");
      return { at: stop.at, line: before.length, column: before[before.length - 1].length + 1, code: stop.code };
    }
  };

  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

  /** What is wrong with the tools of a record; null if nothing. Words under `data.json.<code>`. */
  data.toolsProblem = (value) => {
    if (!Array.isArray(value)) return { code: "tools_list" };
    const index = value.findIndex((tool) => !isObject(tool) || !data.isText((isObject(tool.function) ? tool.function : tool).name));
    return index < 0 ? null : { code: "tool_name", number: index + 1 };
  };

  /** What is wrong with the tool calls of a turn; null if nothing. */
  data.toolCallsProblem = (value) => {
    if (!Array.isArray(value) || !value.length) return { code: "calls_list" };
    const unnamed = value.findIndex((call) => !isObject(call) || !isObject(call.function) || !data.isText(call.function.name) || !call.function.name);
    if (unnamed >= 0) return { code: "call_name", number: unnamed + 1 };
    const loose = value.findIndex((call) => call.function.arguments !== undefined && !isObject(call.function.arguments));
    return loose < 0 ? null : { code: "call_arguments", number: loose + 1 };
  };
})();
