// Two texts compared word by word: what both have, what is gone, what is new. Japanese is cut into words as well.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});

  // More differences than this are no longer read word by word: the whole text counts as rewritten.
  const MOST_STEPS = 800;
  const segmenters = new Map();

  const wordsOf = (text) => {
    const language = data.languageOf(text) || "en";
    if (!segmenters.has(language)) segmenters.set(language, new Intl.Segmenter(language, { granularity: "word" }));
    return Array.from(segmenters.get(language).segment(text), ({ segment }) => segment);
  };

  /** [{kind: "same", "gone" or "new", text}] in reading order; what is gone stands before what came in its place. */
  data.wordDiff = (before, after) => {
    const [old, fresh] = [wordsOf(before), wordsOf(after)];
    let start = 0;
    while (start < old.length && start < fresh.length && old[start] === fresh[start]) start += 1;
    let end = 0;
    while (end < old.length - start && end < fresh.length - start && old[old.length - 1 - end] === fresh[fresh.length - 1 - end]) end += 1;
    const middle = walk(old.slice(start, old.length - end), fresh.slice(start, fresh.length - end));
    const same = (words) => words.map((text) => ({ kind: "same", text }));
    return joined([...same(old.slice(0, start)), ...middle, ...same(old.slice(old.length - end))]);
  };

  // Myers' shortest edit script: for each number of differences, how far every diagonal reaches.
  function walk(old, fresh) {
    const whole = [...old.map((text) => ({ kind: "gone", text })), ...fresh.map((text) => ({ kind: "new", text }))];
    if (!old.length || !fresh.length) return whole;
    const trace = [];
    let reach = new Map([[1, 0]]);
    for (let steps = 0; steps <= Math.min(old.length + fresh.length, MOST_STEPS); steps += 1) {
      trace.push(reach);
      const next = new Map();
      for (let diagonal = -steps; diagonal <= steps; diagonal += 2) {
        const down = diagonal === -steps || (diagonal !== steps && (reach.get(diagonal - 1) ?? -1) < (reach.get(diagonal + 1) ?? -1));
        let x = down ? reach.get(diagonal + 1) ?? 0 : (reach.get(diagonal - 1) ?? 0) + 1;
        while (x < old.length && x - diagonal < fresh.length && old[x] === fresh[x - diagonal]) x += 1;
        next.set(diagonal, x);
        if (x >= old.length && x - diagonal >= fresh.length) return back(old, fresh, [...trace, next]);
      }
      reach = next;
    }
    return whole;
  }

  function back(old, fresh, trace) {
    const found = [];
    let [x, y] = [old.length, fresh.length];
    for (let steps = trace.length - 2; steps >= 0; steps -= 1) {
      const reach = trace[steps];
      const diagonal = x - y;
      const down = diagonal === -steps || (diagonal !== steps && (reach.get(diagonal - 1) ?? -1) < (reach.get(diagonal + 1) ?? -1));
      const from = down ? diagonal + 1 : diagonal - 1;
      const fromX = steps ? reach.get(from) ?? 0 : 0;
      const fromY = steps ? fromX - from : 0;
      while (x > fromX && y > fromY) {
        found.push({ kind: "same", text: old[x - 1] });
        x -= 1;
        y -= 1;
      }
      if (!steps) break;
      found.push(down ? { kind: "new", text: fresh[fromY] } : { kind: "gone", text: old[fromX] });
      [x, y] = [fromX, fromY];
    }
    return found.reverse();
  }

  // Neighbours of one kind as one piece; between two places that both have, what is gone comes first.
  function joined(words) {
    const found = [];
    let gone = "";
    let fresh = "";
    const flush = () => {
      if (gone) found.push({ kind: "gone", text: gone });
      if (fresh) found.push({ kind: "new", text: fresh });
      gone = fresh = "";
    };
    for (const { kind, text } of words) {
      if (kind === "gone") gone += text;
      else if (kind === "new") fresh += text;
      else {
        flush();
        const last = found[found.length - 1];
        if (last?.kind === "same") last.text += text;
        else found.push({ kind, text });
      }
    }
    flush();
    return found;
  }

  const TAGS = { gone: "del", new: "ins", same: "span" };
  const LONGEST_SAME = 240;

  // Of a long stretch that did not change its ends are enough.
  const shortened = (text, isFirst, isLast) => {
    if (text.length <= LONGEST_SAME) return text;
    const half = LONGEST_SAME / 2;
    if (isFirst && isLast) return `${text.slice(0, LONGEST_SAME)} …`;
    return `${isFirst ? "" : text.slice(0, half)} … ${isLast ? "" : text.slice(-half)}`;
  };

  /** A text with its changes marked: nodes for one line or paragraph. Either side may be null. */
  data.markedDiff = (before, after) => {
    const pieces = before === null || after === null ? [{ kind: before === null ? "new" : "gone", text: before ?? after }] : data.wordDiff(before, after);
    return pieces.map(({ kind, text }, index) =>
      el(TAGS[kind], { class: `ws-diff-${kind}`, text: kind === "same" ? shortened(text, index === 0, index === pieces.length - 1) : text }));
  };

  /** One part of a compared record: {section, role, before, after} with its name at the left. */
  data.diffPart = (say, { section, role, before, after, cut }) => {
    const name = role ? say(`data.role.${role}`) : whetstone.has(`data.section.${section}`) ? say(`data.section.${section}`) : section;
    const state = before === null ? "new" : after === null ? "gone" : before === after ? "same" : "changed";
    const text = el("div", { class: "ws-diff-text", attrs: { translate: "no", lang: data.languageOf(after ?? before), dir: "auto" } }, data.markedDiff(before, after));
    return el("div", { class: `ws-diff-part ws-diff-part-${state}`, attrs: { "data-part": state } }, [
      el("span", { class: "ws-key ws-diff-name", text: name }), text, cut ? el("small", { class: "ws-key", text: say("diff.cut") }) : null,
    ]);
  };
})();
