// Numbers that JavaScript would round, as marked texts with all their digits: see studio/data/exact_numbers.py.
(() => {
  "use strict";
  const data = (whetstone.data = whetstone.data || {});
  const MARK = "\ufdd0";
  const STRING = '"[^"\\\\]*(?:\\\\.[^"\\\\]*)*"';
  const STRINGS = new RegExp(STRING, "g");
  const TOKENS = new RegExp(`${STRING}|-?[0-9][0-9.eE+-]*`, "g");

  const isRounded = (number) => Number.isInteger(number) && !Number.isSafeInteger(number);
  const begins = (value) => typeof value === "string" && value.startsWith(MARK);

  /** Whether a value of a record is a text, and no number that looks like one here. */
  data.isText = (value) => typeof value === "string" && (!begins(value) || value[1] === MARK);

  /** What a person is shown of a text or a number of a record. */
  data.plainText = (value) => (begins(value) ? value.slice(1) : String(value));

  /** The value of what a person typed as a number; undefined for none. */
  data.readNumber = (typed) => {
    const number = typed === "" ? NaN : Number(typed);
    if (!Number.isFinite(number)) return undefined;
    if (!isRounded(number)) return number;
    return MARK + (/^-?[0-9]+$/.test(typed) ? typed : number.toExponential());
  };

  /** A value of a record as JSON for people, every digit of its numbers in place. */
  data.jsonText = (value) =>
    JSON.stringify(value, null, 2).replace(STRINGS, (text) => {
      if (!text.startsWith(`"${MARK}`)) return text;
      const read = JSON.parse(text);
      return data.isText(read) ? JSON.stringify(read.slice(1)) : read.slice(1);
    });

  /** What JSON.parse reads, with the numbers that it would round marked, as a record has them here. */
  data.readJson = (text) =>
    JSON.parse(text.replace(TOKENS, (token) => {
      if (token[0] !== '"') return isRounded(Number(token)) ? JSON.stringify(MARK + token) : token;
      return /^"(?:\ufdd0|\\ufdd0)/i.test(token) ? JSON.stringify(MARK + JSON.parse(token)) : token;
    }));
})();
