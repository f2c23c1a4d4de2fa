// The curves of one run: plotly.js, loaded once and late, fed by what is new so that zoom and hover survive.
(() => {
  "use strict";
  const { el, say } = whetstone;
  const VIEWS = {
    loss: [
      { line: "loss", word: "chart.raw", colour: "--s1", width: 1.2, opacity: 0.4, dash: "solid" },
      { line: "smoothed", word: "chart.smoothed", colour: "--s1", width: 2.2, opacity: 1, dash: "solid" },
      { line: "held_out", word: "chart.held_out", colour: "--s2", width: 2, opacity: 1, dash: "dash", symbol: "diamond" },
    ],
    learning_rate: [{ line: "learning_rate", word: "chart.learning_rate", colour: "--s3", width: 2, opacity: 1, dash: "solid" }],
    grad_norm: [{ line: "grad_norm", word: "chart.grad_norm", colour: "--s4", width: 1.4, opacity: 1, dash: "dot" }],
    preference: [ // the margin at the left, shares of pairs and of replies at the right
      { line: "rewards/margins", word: "chart.margin", colour: "--s1", width: 1.6, opacity: 0.7, dash: "solid" },
      { line: "held_out/rewards/margins", word: "chart.margin.held_out", colour: "--s1", width: 2, opacity: 1, dash: "dash", symbol: "diamond" },
      { line: "held_out/rewards/accuracies", word: "chart.accuracy.held_out", colour: "--s2", width: 2, opacity: 1, dash: "dash", symbol: "diamond", share: true },
      { line: "samples/rate", word: "chart.rate", colour: "--s3", width: 2.4, opacity: 1, dash: "solid", symbol: "circle", share: true },
    ],
    rewards: [
      { line: "rewards/chosen", word: "chart.reward.chosen", colour: "--s3", width: 1.8, opacity: 1, dash: "solid" },
      { line: "rewards/rejected", word: "chart.reward.rejected", colour: "--s4", width: 1.8, opacity: 1, dash: "dot" },
    ],
  };
  const LINES = [...new Set(Object.values(VIEWS).flat().map((look) => look.line))];
  const MARKS = (name) => name.startsWith("held_out") || name.startsWith("samples/"); // measured now and then, never thinned
  const FEW = 40; // below this a point may stand alone between two gaps: markers show it

  const plotlyUrl = document.currentScript.src.replace(/js\/chart\.js.*$/, "plotly.js");
  let loading = null;
  const plotly = () =>
    (loading = loading || new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = plotlyUrl;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => reject({ code: "ChartMissing" });
      document.head.append(script);
    }));

  /** zoom(first, last) → Promise of the lines between two steps in full detail.
      Returns {root, feed, clear, view, log, clip, png, whole, language, theme, destroy}. */
  whetstone.chart = ({ zoom, zoomed }) => {
    const root = el("div", { class: "ws-chart", attrs: { role: "img" } });
    const store = {}, plotted = {};
    const shown = { view: "loss", log: false, clip: false, range: null, height: null, detail: null };
    let size = 1, factor = 0, reach = 0, drawn = false, queue = Promise.resolve(), lastZoom = 0, ended = false;
    clearStore();

    function clearStore() {
      for (const name of LINES) store[name] = { x: [], y: [], main: 0 };
      size = 1;
    }

    // ---- what is drawn -------------------------------------------------------------------------------------
    const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();
    const data = (line) => (shown.detail && shown.detail[line]) || store[line];

    function traces() {
      return VIEWS[shown.view].map((look) => {
        const { x, y } = data(look.line);
        const marked = look.symbol || y.length < FEW;
        return {
          type: "scatter", x: x.slice(), y: y.slice(), name: say(look.word, { factor }),
          mode: marked ? "lines+markers" : "lines", opacity: look.opacity, connectgaps: false, hoverlabel: { namelength: -1 }, cliponaxis: !look.symbol,
          line: { color: css(look.colour), width: look.width, dash: look.dash },
          marker: { color: css(look.colour), size: look.symbol ? 7 : 4, symbol: look.symbol || "circle" },
          ...(look.share ? { yaxis: "y2", hovertemplate: "%{y:.0%}" } : {}),
        };
      });
    }

    function layout() {
      const grid = { gridcolor: css("--line"), zerolinecolor: css("--line"), linecolor: css("--line-strong"), automargin: true };
      const narrow = root.clientWidth < 560;
      const shares = VIEWS[shown.view].some((look) => look.share && data(look.line).x.length);
      return {
        margin: { l: 44, r: shares ? 44 : 12, t: narrow ? 40 : 30, b: 34 }, hovermode: "x unified", showlegend: true, separators: ".,",
        paper_bgcolor: css("--panel"), plot_bgcolor: css("--panel"),
        font: { family: css("--font"), size: 12, color: css("--ink-2") },
        hoverlabel: { bgcolor: css("--panel"), bordercolor: css("--line-strong"), font: { color: css("--ink") } },
        legend: { orientation: "h", x: 1, xanchor: "right", y: 1, yanchor: "bottom", font: { size: narrow ? 11 : 12 }, bgcolor: css("--panel") },
        xaxis: { ...grid, title: { text: say("chart.step"), standoff: 6 }, showgrid: false, tickformat: ",", rangemode: "tozero", ...rangeOf(shown.range || (reach ? [0, reach] : null)) },
        yaxis: { ...grid, type: shown.log ? "log" : "linear", exponentformat: "e", hoverformat: ".4~g", ...rangeOf(shown.height || clipped()) },
        ...(shares ? { yaxis2: { ...grid, overlaying: "y", side: "right", range: [0, 1.02], fixedrange: true, tickmode: "array", tickvals: [0, 0.25, 0.5, 0.75, 1], tickformat: ".0%", showgrid: false } } : {}),
      };
    }

    const rangeOf = (range) => (range ? { range: range.slice(), autorange: false } : { autorange: true });

    // Without outliers: from the smallest value to a little above what 98 of 100 points stay under.
    function clipped() {
      if (!shown.clip) return null;
      const values = VIEWS[shown.view].filter((look) => !look.share).flatMap((look) => data(look.line).y).filter((y) => y !== null).sort((a, b) => a - b);
      if (values.length < 3) return null;
      const low = values[0], high = values[Math.floor((values.length - 1) * 0.98)];
      const room = (high - low || Math.abs(high) || 1) * 0.08;
      if (!shown.log) return [low - room, high + room];
      return low > 0 ? [Math.log10(low) - 0.02, Math.log10(high) + 0.04] : null;
    }

    // Everything that touches plotly waits in one line: two of its calls at once confuse it.
    const inTurn = (work) => (queue = queue.then(work).catch(failed));
    function failed(error) {
      if (!error || error.code !== "ChartMissing") return whetstone.report(error);
      return root.replaceChildren(el("div", { class: "ws-empty", text: `${say("chart.missing.message")} ${say("chart.missing.hint")}` }));
    }
    const redraw = () =>
      inTurn(async () => {
        const Plotly = await plotly();
        if (!root.isConnected || !root.clientWidth) return;
        const now = snapshot();
        await Plotly.react(root, traces(), layout(), { displayModeBar: false, responsive: false, doubleClick: false, showTips: false });
        if (!drawn) listen();
        drawn = true;
        mark(now);
      });

    // Remembers how far each line is final in what is about to be drawn.
    function snapshot() {
      for (const name of LINES) plotted[name] = store[name].main;
      const { x } = store.loss;
      return { points: x.length, last: x.length ? x[x.length - 1] : 0 };
    }

    function mark({ points, last }) {
      root.dataset.points = points;
      root.dataset.lastStep = last;
      root.setAttribute("aria-label", say("chart.label", { points, view: say(`chart.view.${shown.view}`) }));
    }

    // ---- what is new ---------------------------------------------------------------------------------------
    // Cuts the provisional tail off and appends.
    function append(lines, tail) {
      for (const [name, line] of Object.entries(lines)) {
        const kept = store[name];
        if (!kept) continue; // a number of the method that no view draws; the CSV has it
        kept.x.length = kept.y.length = kept.main;
        kept.x.push(...line.x);
        kept.y.push(...line.y);
        kept.main = kept.x.length;
        if (tail && tail[name]) {
          kept.x.push(...tail[name].x);
          kept.y.push(...tail[name].y);
        }
      }
    }

    // The axis shows the whole run, or the half, quarter … of it that has been reached, so that it seldom moves.
    function reachOf({ step, total_steps: total }) {
      if (!total || ended) return step;
      let end = total;
      while (end / 2 >= step && end > 16) end /= 2;
      return end;
    }

    /** news: {first, points, held_out, marks, facts, status} as the server sends it. */
    function feed(news) {
      ended = ["finished", "failed", "stopped"].includes(news.status);
      const few = store.loss.x.length < FEW;
      const frame = [factor, reach];
      factor = news.facts.factor;
      reach = reachOf(news.facts);
      if (news.first) clearStore();
      const { points } = news;
      const lines = { ...(points ? points.lines : {}) };
      if (news.held_out.x.length) lines.held_out = news.held_out;
      for (const { line, step, value } of news.marks) {
        lines[line] = lines[line] || { x: [], y: [] };
        lines[line].x.push(step);
        lines[line].y.push(value);
      }
      const reframed = frame[0] !== factor || frame[1] !== reach;
      if (!Object.keys(lines).length && !news.first && !(reframed && drawn)) return queue;
      if (points && points.reset) {
        for (const name of LINES) if (!MARKS(name)) store[name] = { x: [], y: [], main: 0 };
        size = points.size;
      }
      append(lines, points && points.tail);
      const whole = news.first || news.marks.length || (points && points.reset) || !drawn || reframed;
      if (shown.detail) return refine(false);
      if (whole || few || shown.clip) return redraw();
      return extend();
    }

    // Appends what the drawing lacks, after cutting off its provisional tail.
    const extend = () =>
      inTurn(async () => {
        const Plotly = await plotly();
        const update = { x: [], y: [] }, indices = [];
        VIEWS[shown.view].forEach(({ line }, index) => {
          const start = plotted[line], { x, y } = store[line];
          if (x.length === start && root.data[index].x.length === start) return;
          root.data[index].x.length = root.data[index].y.length = start;
          update.x.push(x.slice(start));
          update.y.push(y.slice(start));
          indices.push(index);
        });
        const now = snapshot();
        if (indices.length) await Plotly.extendTraces(root, update, indices);
        mark(now);
      });

    // ---- zoom ----------------------------------------------------------------------------------------------
    function listen() {
      root.on("plotly_doubleclick", () => ranged(null).then(redraw));
      root.on("plotly_relayout", (change) => {
        const [left, right] = side(change, "xaxis"), [low, high] = side(change, "yaxis");
        if (low !== undefined) shown.height = [low, high];
        if (left !== undefined) ranged([left, right]).catch(failed);
      });
    }

    const side = (change, axis) => change[`${axis}.range`] || [change[`${axis}.range[0]`], change[`${axis}.range[1]`]];

    // A zoom is kept by us: plotly would give up the part of it that a redraw's own range differs from.
    function ranged(range) {
      shown.range = range;
      root.dataset.zoomed = range ? "yes" : "no";
      if (!range) shown.height = null;
      zoomed(Boolean(range));
      if (range && size > 1) return refine(true);
      if (!shown.detail) return queue;
      shown.detail = null;
      return redraw();
    }

    // The zoomed range in full detail; while the run goes on it is asked for again at most every other second.
    async function refine(now) {
      const { range } = shown;
      const last = store.loss.x[store.loss.x.length - 1] || 0;
      const moving = !ended && range && range[1] >= last - 1 && performance.now() - lastZoom > 2000;
      if (!range || !(now || moving)) return mark(snapshot());
      lastZoom = performance.now();
      const { lines } = await zoom(range[0], range[1]);
      if (shown.range !== range) return undefined;
      shown.detail = lines;
      await redraw();
      root.dataset.detail = lines.loss.x.length;
      return undefined;
    }

    // ---- what the panel asks for ---------------------------------------------------------------------------
    const set = (name, value) => {
      shown[name] = value;
      shown.height = null;
      return redraw();
    };
    const resized = new ResizeObserver(() => {
      if (!root.clientWidth) return;
      if (drawn) inTurn(() => window.Plotly.Plots.resize(root));
      else if (store.loss.x.length || store.held_out.x.length) redraw();
    });
    resized.observe(root);

    return {
      root,
      feed,
      clear: () => {
        clearStore();
        Object.assign(shown, { range: null, height: null, detail: null });
        zoomed(false);
        return drawn ? redraw() : queue;
      },
      view: (name) => set("view", name),
      log: (on) => set("log", on),
      clip: (on) => set("clip", on),
      whole: () => ranged(null).then(redraw),
      png: async (filename) => (await plotly()).downloadImage(root, { format: "png", width: 1280, height: 640, scale: 2, filename }),
      language: () => drawn && redraw(),
      theme: () => drawn && redraw(),
      destroy: () => {
        resized.disconnect();
        if (drawn) window.Plotly.purge(root);
      },
    };
  };
})();
