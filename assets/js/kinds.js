// What a record of each kind is made of, in the order of the screen, and how an empty one begins.
(() => {
  "use strict";
  const data = (whetstone.data = whetstone.data || {});

  const turns = (name) => ({ name, type: "turns" });
  const PARTS = {
    conversation: [turns("messages")],
    prompt_completion: [turns("prompt"), turns("completion")],
    preference: [turns("prompt"), turns("chosen"), turns("rejected"), { name: "margin", type: "number" }],
    unpaired: [turns("prompt"), turns("completion"), { name: "label", type: "rating" }],
    verifiable: [turns("prompt"), { name: "answer", type: "text" }, { name: "verifier", type: "verifier" }],
    document: [{ name: "text", type: "text" }],
    classification: [{ name: "text", type: "text" }, { name: "label", type: "labels" }],
    extraction: [{ name: "text", type: "marked" }, { name: "entities", type: "entities" }],
  };
  const WITH_TOOLS = ["conversation", "prompt_completion", "preference", "unpaired", "verifiable"];

  data.partsOf = (kind) => PARTS[kind] || [];

  // Which message lists a record of a kind has.
  data.sectionsOf = (kind) => data.partsOf(kind).filter((part) => part.type === "turns").map((part) => part.name);

  data.canHaveTools = (kind) => WITH_TOOLS.includes(kind);

  // What a record has under names that no part of its kind shows.
  data.fieldsBeside = (kind, record) => {
    const shown = new Set([...data.partsOf(kind).map((part) => part.name), "tools"]);
    return Object.fromEntries(Object.entries(record).filter(([name]) => !shown.has(name)));
  };

  data.emptyRecord = (kind) => {
    const turn = (role) => ({ role, content: "" });
    const empty = {
      conversation: () => ({ messages: [turn("user"), turn("assistant")] }),
      prompt_completion: () => ({ prompt: [turn("user")], completion: [turn("assistant")] }),
      preference: () => ({ prompt: [turn("user")], chosen: [turn("assistant")], rejected: [turn("assistant")] }),
      unpaired: () => ({ prompt: [turn("user")], completion: [turn("assistant")], label: true }),
      verifiable: () => ({ prompt: [turn("user")], answer: "", verifier: "exact" }),
      document: () => ({ text: "" }),
      classification: () => ({ text: "", label: "" }),
      extraction: () => ({ text: "", entities: [] }),
    };
    return (empty[kind] || empty.conversation)();
  };

  // Kinds that can be typed into a dataset: its own first, then those that train together with it, then the others.
  const NEAR = [["conversation", "prompt_completion"], ["prompt_completion", "conversation"], ["preference", "unpaired"], ["unpaired", "preference"]];
  data.kindsFor = (kind) => {
    const near = NEAR.filter(([own]) => own === kind).map(([, other]) => other);
    return [kind, ...near, ...Object.keys(PARTS).filter((other) => other !== kind && !near.includes(other))];
  };
})();
