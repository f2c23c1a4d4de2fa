// What the panels of the Data tab share: buttons, fields, deeds that run once, and a dialog with one deed.
(() => {
  "use strict";
  const { el } = whetstone;
  const data = (whetstone.data = whetstone.data || {});

  // kind: "primary", "small" or "danger"
  data.button = (text, act, kind) =>
    el("button", { class: kind ? `ws-btn ws-btn-${kind}` : "ws-btn", text, attrs: { type: "button" }, on: { click: act } });

  data.field = (label, control, why) =>
    el("label", { class: "ws-field" }, [
      el("span", { class: "ws-key", text: label }),
      control,
      why ? el("span", { class: "ws-why", text: why }) : null,
    ]);

  data.problem = (error) =>
    el("div", { class: "ws-problem", attrs: { role: "alert" } }, [
      el("strong", { text: error.message }),
      el("span", { text: error.hint || "" }),
    ]);

  // Runs a deed once however often its button is clicked, and leaves the button as it should be afterwards.
  data.once = async (button, act) => {
    if (button.dataset.busy) return;
    button.dataset.busy = "1";
    button.disabled = true;
    try {
      await act();
    } finally {
      delete button.dataset.busy;
      button.disabled = false;
    }
  };

  // A dialog with one deed. It stays open, with the sentence of the error, until the deed succeeds or is given up.
  data.ask = ({ title, body, act, done, danger, wide }) => {
    const place = el("div", { class: "ws-place" });
    let busy = false;
    const check = async () => {
      if (busy) return false;
      busy = true;
      place.replaceChildren();
      try {
        return (await done()) !== false;
      } catch (error) {
        if (!error?.code) throw error;
        place.replaceChildren(data.problem(error));
        place.scrollIntoView({ block: "nearest" });
        return false;
      } finally {
        busy = false;
      }
    };
    const form = el("form", { class: "ws-form" }, [body, place]);
    // Enter in a field does the deed, except the Enter that ends a Japanese conversion.
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target.tagName !== "INPUT" || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      form.closest("dialog").querySelector(".ws-btn-primary").click();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    return whetstone.dialog({
      title,
      body: [form],
      wide,
      actions: [
        { label: whetstone.say("common.cancel"), value: false },
        { label: act, value: true, primary: true, danger, check },
      ],
    });
  };
})();
