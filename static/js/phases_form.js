// A schedule's phases: two are open, one more by each press. Without this all are shown, and empty ones are not read.
(() => {
  const form = document.querySelector("[data-phases]");
  const phases = [...form.querySelectorAll("[data-phase]")];
  const add = form.querySelector("[data-phase-add]");
  let shown = 1 + phases.findLastIndex((phase) => "open" in phase.dataset);
  const open = () => {
    phases.forEach((phase, n) => { phase.hidden = n >= shown; });
    add.hidden = shown >= phases.length;
  };
  add.addEventListener("click", () => {
    shown += 1;
    open();
    phases[shown - 1].querySelector("select").focus();
  });
  open();
})();
