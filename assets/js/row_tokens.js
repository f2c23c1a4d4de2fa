// The lengths of rows in tokens: of the page that is shown at once, of all rows by a job where they are ordered by it.
(() => {
  "use strict";
  const data = (whetstone.data = whetstone.data || {});
  const KEPT = 5000;
  const LOOK_MS = 400;
  const counted = new Map(); // a row at a revision, as a base reads it → its tokens, null where it cannot be told

  const nameOf = (base, id, row) => `${base} ${id} ${row.row_id} ${row.revision}`;

  /** How many tokens a row of a page has: measured by the job, or counted since; undefined before it is known. */
  data.tokensOf = (row, page) => row.tokens ?? counted.get(nameOf(page.base, page.id, row));

  /** Tokens where every row of the page has them, or while they are counted; else characters. The head says which. */
  data.lengthUnit = (page) => (page.rows.length && (page.counting || page.rows.every((row) => data.tokensOf(row, page) != null)) ? "tokens" : "characters");

  /** Counts what is not known of a page; true where something was found. A base that cannot count leaves characters. */
  data.countTokens = async (server, page) => {
    const unknown = page.rows.filter((row) => data.tokensOf(row, page) === undefined);
    if (!unknown.length) return false;
    page.counting = true;
    try {
      const found = await server.count({ id: page.id, base: page.base, rows: unknown.map(({ row_id: id }) => id) });
      for (const row of unknown) counted.set(nameOf(page.base, page.id, row), found[row.row_id] ?? null);
      for (const name of counted.keys()) {
        if (counted.size <= KEPT) break;
        counted.delete(name);
      }
    } catch {
      // the X-ray beside the table says what is wrong with the base
    }
    page.counting = false;
    return true;
  };

  /** Has the tokens of every row counted; false where that cannot be done. waits(): told once when it takes a moment. */
  data.measureRows = async (server, id, base, waits) => {
    for (let first = true; ; first = false) {
      let status;
      try {
        status = await server.measure({ id, base });
      } catch (error) {
        whetstone.report(error);
        return false;
      }
      if (status !== "measuring") return status === "ready";
      if (first) waits();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  };
})();
