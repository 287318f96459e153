// Runs before the first paint: the theme chosen by the reader (a cookie, so that the server knows it too), else the system's.
(() => {
  const chosen = document.cookie.match(/(?:^|; )theme=(light|dark)/)?.[1];
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = (theme) => document.documentElement.setAttribute("data-bs-theme", theme);
  apply(chosen ?? (system.matches ? "dark" : "light"));
  if (!chosen) {
    system.addEventListener("change", () => {
      apply(system.matches ? "dark" : "light");
      document.dispatchEvent(new CustomEvent("theme:changed"));
    });
  }
})();
