// Markdown of a reply as elements: paragraphs, headings, lists, code, quotes, bold and italic; all else stays text.
(() => {
  "use strict";
  const { el } = whetstone;
  const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)/;
  // Each ends in what matches anything (`s`: U+2028 too), so none goes back over a line for a better end.
  const HEADING = /^ {0,3}(#{1,6})\s+(.*)/s;
  const ITEM = /^(\s*)(?:([-*+])|(\d{1,9})[.)])\s+(.*)/s;
  const QUOTE = /^ {0,3}>\s?(.*)/s;
  const RULE = /^ {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$/;
  // A run of backticks is taken whole, also where none as long closes it: its parts would each be looked for.
  const INLINE = /(`+)(?!`)(?:(.*?[^`])\1(?!`))?|\*\*(?=\S)(.+?)\*\*|__(?=\S)(.+?)__|\*(?=[^\s*])(.+?)\*/;
  const LONGEST_LINE = 4000; // a line beyond it is a paragraph and shown as it is: looking for pairs in it would take too long
  const DEEPEST = 6; // lists in lists, quotes in quotes: a hostile text could nest without end

  /** A list of nodes; nothing in it is ever read as markup, links stay text. */
  whetstone.markdown = (text) => blocks(text.replace(/\r\n?/g, "\n").split("\n"), 0);

  function blocks(lines, depth) {
    const made = [];
    let at = 0;
    while (at < lines.length) {
      at = readerOf(lines[at], depth)(lines, at, made, depth);
    }
    return made;
  }

  function readerOf(line, depth) {
    if (line.length > LONGEST_LINE) return line.trim() ? paragraph : skip;
    return !line.trim() ? skip : FENCE.test(line) ? code : HEADING.test(line) ? heading : RULE.test(line) ? rule
      : depth < DEEPEST && ITEM.test(line) ? list : depth < DEEPEST && QUOTE.test(line) ? quote : paragraph;
  }

  const skip = (lines, at) => at + 1;

  function code(lines, at, made) {
    const mark = lines[at].match(FENCE)[1];
    const close = new RegExp(`^ {0,3}${mark[0]}{${mark.length},}\\s*$`);
    let end = at + 1;
    while (end < lines.length && !close.test(lines[end])) end += 1;
    made.push(el("pre", { attrs: { tabindex: "0" } }, el("code", { text: lines.slice(at + 1, end).join("\n") })));
    return end + 1;
  }

  // A reply's headings stand below those of the page.
  function heading(lines, at, made) {
    const [, marks, words] = lines[at].match(HEADING);
    made.push(el("div", { class: `ws-md-h${marks.length}`, attrs: { role: "heading", "aria-level": String(Math.min(9, marks.length + 3)) } }, inline(unclosed(words.trim()))));
    return at + 1;
  }

  /** A heading's words without the marks that may close it; those of "C#" belong to the word. */
  function unclosed(words) {
    let end = words.length;
    while (words[end - 1] === "#") end -= 1;
    return !end || /\s/.test(words[end - 1]) ? words.slice(0, end).trimEnd() : words;
  }

  function rule(lines, at, made) {
    made.push(el("hr"));
    return at + 1;
  }

  function quote(lines, at, made, depth) {
    let end = at;
    while (end < lines.length && QUOTE.test(lines[end])) end += 1;
    made.push(el("blockquote", {}, blocks(lines.slice(at, end).map((line) => line.match(QUOTE)[1]), depth + 1)));
    return end;
  }

  /** Items at the depth of the first; what is set further in belongs to the item above it. */
  function list(lines, at, made, depth) {
    const [, space, bullet, number] = lines[at].match(ITEM);
    const items = [];
    let end = at;
    for (; end < lines.length; end += 1) {
      const found = lines[end].match(ITEM);
      const inner = /^\s/.test(lines[end]) && lines[end].search(/\S/) > space.length;
      if (found && found[1].length <= space.length) {
        if (found[1].length < space.length || Boolean(found[2]) !== Boolean(bullet)) break;
        items.push([found[4]]);
      } else if (inner || (!lines[end].trim() && belongs(lines[end + 1], space.length, bullet))) items[items.length - 1].push(outdent(lines[end], space.length + 2));
      else break;
    }
    const attrs = bullet || number === "1" ? {} : { start: number };
    made.push(el(bullet ? "ul" : "ol", { attrs }, items.map((item) => el("li", {}, tight(blocks(item, depth + 1))))));
    return end;
  }

  const outdent = (line, by) => line.replace(new RegExp(`^\\s{0,${by}}`), "");

  /** Whether the line after an empty one goes on with the list. */
  function belongs(line, indent, bullet) {
    if (line === undefined || !line.trim()) return false;
    const found = line.match(ITEM);
    if (found && found[1].length === indent) return Boolean(found[2]) === Boolean(bullet);
    return line.search(/\S/) > indent;
  }

  /** The one paragraph of an item needs no space around it. */
  const tight = (nodes) => (nodes.length && nodes[0].tagName === "P" ? [...nodes[0].childNodes, ...nodes.slice(1)] : nodes);

  function paragraph(lines, at, made, depth) {
    let end = at + 1;
    while (end < lines.length && readerOf(lines[end], depth) === paragraph) end += 1;
    made.push(el("p", {}, inline(lines.slice(at, end).join("\n").trim())));
    return end;
  }

  function inline(text) {
    if (text.length > LONGEST_LINE) return [document.createTextNode(text)];
    const made = [];
    let rest = text;
    for (let found = rest.match(INLINE); found; found = rest.match(INLINE)) {
      if (found.index) made.push(document.createTextNode(rest.slice(0, found.index)));
      const [whole, ticks, literal, bold, underlined, italic] = found;
      if (literal) made.push(el("code", { text: literal.trim() || literal }));
      else if (ticks) made.push(document.createTextNode(ticks));
      else if (italic) made.push(el("em", {}, inline(italic)));
      else made.push(el("strong", {}, inline(bold || underlined)));
      rest = rest.slice(found.index + whole.length);
    }
    if (rest) made.push(document.createTextNode(rest));
    return made;
  }
})();
