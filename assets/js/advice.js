// "Should I fine-tune at all?": three questions and one honest answer in words.
(() => {
  "use strict";
  const { el, say } = whetstone;
  const QUESTIONS = ["form", "facts", "once"];

  /** answers: {form, facts, once}, each true, false, or missing while it was not said. The key of what to advise. */
  function advise({ form, facts, once }) {
    if (once) return "prompt";
    if ([form, facts, once].includes(undefined)) return "open";
    if (form) return facts ? "both" : "train";
    return facts ? "retrieve" : "leave";
  }

  /** Opens the dialog; nothing is kept of it. */
  whetstone.adviseTuning = () => {
    const answers = {};
    const said = el("p", { class: "ws-advice", attrs: { role: "status" } });
    const draw = () => { said.dataset.advice = advise(answers); said.textContent = say(`advice.says.${advise(answers)}`); };

    function question(name) {
      const choose = (value) => () => {
        answers[name] = value;
        for (const button of choice.children) button.setAttribute("aria-checked", String(button.dataset.value === String(value)));
        draw();
      };
      const answer = (value) => el("button", { text: say(value ? "common.yes" : "common.no"), attrs: { type: "button", role: "radio", "aria-checked": "false", "data-value": String(value) }, on: { click: choose(value) } });
      const choice = el("div", { class: "ws-choice ws-advice-choice", attrs: { role: "radiogroup", "aria-label": say(`advice.asks.${name}`), "data-question": name } }, [answer(true), answer(false)]);
      return el("div", { class: "ws-advice-question" }, [el("span", { text: say(`advice.asks.${name}`) }), choice]);
    }

    draw();
    return whetstone.dialog({ title: say("advice.title"), body: [...QUESTIONS.map(question), said], actions: [{ label: say("common.close"), value: null, primary: true }] });
  };
})();
