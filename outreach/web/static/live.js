// A plus for pages that are polled: how old the numbers are, no flicker, details that stay open, and forms that fit the campaign's state.
// Nothing is lost without it: the server writes the time, and a link updates the page.
(() => {
  "use strict";
  const OLD = 15; // seconds without an answer after which the numbers are called old
  const live = document.getElementById("live");
  const age = document.getElementById("age");
  const lost = document.getElementById("lost");
  const shown = new WeakMap(); // element -> what it was filled with last
  const opened = new WeakMap(); // element -> ids of the details that were open in it
  let heard = performance.now();

  const tell = () => {
    const seconds = Math.round((performance.now() - heard) / 1000);
    age.textContent = seconds < 1 ? age.dataset.now : age.dataset.ago.replace("{n}", seconds);
    const words = seconds < OLD ? "" : lost.dataset.words;
    if (lost.textContent !== words) lost.textContent = words;
  };

  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr } = event.detail;
    if (xhr.status !== 200) return;
    if (shown.get(target) === xhr.responseText) event.detail.shouldSwap = false; // keep what people point at or read
    shown.set(target, xhr.responseText);
    opened.set(target, [...target.querySelectorAll("details[open][id]")].map((one) => one.id));
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    for (const id of opened.get(event.detail.target) ?? []) document.getElementById(id)?.setAttribute("open", "");
  });

  if (!live || !age || !lost) return;
  // Parts with forms in them, which polling does not bring: each says what it fits, and is fetched when that is over.
  const parts = { levers: false, rung: true }; // whether it waits until nobody is in it
  const freshen = () => {
    const now = live.querySelector("[data-levers]");
    for (const [id, waits] of Object.entries(parts)) {
      const part = document.getElementById(id);
      if (!part || !now || part.dataset.state === now.dataset[id]) continue;
      if (!waits || !part.matches(":focus-within, :hover")) htmx.trigger(part, "stale");
    }
  };
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt !== live || !event.detail.successful) return;
    heard = performance.now();
    tell();
    freshen(); // also when nothing is new: whoever was in a part may have left it
  });
  tell();
  setInterval(tell, 1000);
})();
