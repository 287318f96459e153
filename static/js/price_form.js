// A new price: only the fields of the chosen model are shown. Without this all are, and the rest is not read.
(() => {
  const form = document.querySelector(".form-page");
  const tiers = form.querySelector("[data-tiers]");
  const rows = [...tiers.querySelectorAll("[data-tier]")];
  const add = tiers.querySelector("[data-tier-add]");
  const value = (name) => form.elements[name].value;
  const show = (name, shown) => { form.elements[name].closest(".field").hidden = !shown; };
  const filled = (row) => row.querySelector(".field-error") || [...row.querySelectorAll("input")].some((input) => input.value);

  const follow = () => {
    const model = value("model");
    const recurs = value("type") === "recurring";
    show("unit_amount", model === "per_unit" || model === "package");
    for (const name of ["divide_by", "round"]) show(name, model === "package");
    show("percentage", model === "percentage");
    for (const name of ["interval_count", "interval", "trial_period_days", "cycle_day", "meter_id", "minimum_amount"]) show(name, recurs);
    form.querySelector("[data-currencies]").hidden = model !== "per_unit" && model !== "package";
    tiers.hidden = model !== "graduated" && model !== "volume";
  };

  // As many rows as are filled, and at least two: a first tier and what lies above it.
  let shown = Math.max(2, 1 + rows.findLastIndex(filled));
  const open = () => {
    rows.forEach((row, n) => { row.hidden = n >= shown; });
    add.hidden = shown >= rows.length;
  };
  add.addEventListener("click", () => {
    shown += 1;
    open();
    rows[shown - 1].querySelector("input").focus();
  });
  form.addEventListener("change", follow);
  follow();
  open();
})();
