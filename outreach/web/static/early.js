// What somebody has typed or chosen before htmx listened (a slow line, a form that the browser filled in again) is said again.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const changed = (field) => {
    if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
    if (field.matches("select")) return ![...field.selectedOptions].every((option) => option.defaultSelected || option === field.options[0]);
    return field.type !== "hidden" && field.value !== field.defaultValue;
  };
  for (const heard of document.querySelectorAll("[hx-post]")) {
    const field = [...heard.querySelectorAll("input, select, textarea")].find(changed);
    if (!field) continue;
    for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
  }
});
