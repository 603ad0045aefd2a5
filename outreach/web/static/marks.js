// A plus for marking: words that are selected in the passage stand in the field at once. Without it they are pasted there.
(() => {
  "use strict";
  const passage = document.getElementById("passage");
  const words = document.getElementById("words");
  document.addEventListener("selectionchange", () => {
    const selection = document.getSelection();
    if (!selection || selection.isCollapsed || !passage.contains(selection.anchorNode) || !passage.contains(selection.focusNode)) return;
    const copy = selection.getRangeAt(0).cloneContents();
    for (const kind of copy.querySelectorAll(".mark-kind")) kind.remove(); // our word for a mark is none of theirs
    const chosen = copy.textContent.replace(/\s+/g, " ").trim();
    if (chosen && chosen.length <= words.maxLength) words.value = chosen;
  });
})();
