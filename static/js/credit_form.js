// A credit note: the amount or the lines are shown, as chosen. Without this both are, and the other is not read.
(() => {
  const form = document.querySelector("form[data-credit]");
  const by = form.elements.by;
  if (!by) return;
  const follow = () => form.querySelectorAll("[data-by]").forEach((part) => { part.hidden = part.dataset.by !== by.value; });
  form.addEventListener("change", follow);
  follow();
})();
