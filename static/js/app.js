// Small behaviours shared by all faces. Everything still works without them, only less smoothly.
(() => {
  const root = document.documentElement;

  // Toasts: closed by hand, or after a while unless the pointer rests on them.
  const armToast = (toast) => {
    toast.querySelector("[data-toast-close]")?.addEventListener("click", () => toast.remove());
    let timer = setTimeout(() => toast.remove(), 8000);
    toast.addEventListener("pointerenter", () => clearTimeout(timer));
    toast.addEventListener("pointerleave", () => { timer = setTimeout(() => toast.remove(), 4000); });
  };

  // A form is sent once: the server holds a one-time token too, this only saves the reader a page.
  const guardDoubleSubmit = (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.method !== "post" || form.dataset.resubmit !== undefined) return;
    if (form.dataset.sent !== undefined) { event.preventDefault(); return; }
    form.dataset.sent = "";
    // After the browser has collected the pressed button's own name and value.
    setTimeout(() => form.querySelectorAll("[type=submit]").forEach((button) => button.classList.add("is-busy")), 0);
  };

  const toggleTheme = () => {
    const next = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
    root.setAttribute("data-bs-theme", next);
    document.cookie = `theme=${next}; path=/; max-age=31536000; samesite=lax`;
    document.dispatchEvent(new CustomEvent("theme:changed"));
  };

  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copyFrom);
    await navigator.clipboard.writeText(source ? source.textContent : button.dataset.copy);
    const label = button.querySelector("[data-copy-label]");
    if (label.dataset.before === undefined) label.dataset.before = label.textContent;
    label.textContent = button.dataset.copied;
    button.classList.add("is-copied");
    setTimeout(() => { label.textContent = label.dataset.before; button.classList.remove("is-copied"); }, 1500);
  };

  // A column of radio buttons, all at once.
  const checkAll = (button) => button.closest("table").querySelectorAll(`input[value="${button.dataset.checkAll}"]`)
    .forEach((radio) => { radio.checked = true; });

  // A long page narrowed to what holds the words typed; a group without any goes too.
  const narrow = (input) => {
    const words = input.value.trim().toLowerCase();
    document.querySelectorAll("[data-narrow-group]").forEach((group) => {
      const rows = [...group.querySelectorAll("[data-narrow]")];
      rows.forEach((row) => { row.hidden = !row.dataset.narrow.includes(words); });
      group.hidden = rows.every((row) => row.hidden);
    });
  };

  // Acts open in the page's one <dialog>; without JavaScript, or in a new tab, the same address is a page.
  const openDialog = (link, event) => {
    if (!window.htmx || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    htmx.ajax("GET", link.href, { target: "#dialog", swap: "innerHTML" })
      .then(() => document.getElementById("dialog").showModal());
  };

  const closeDialog = (link, event) => {
    const dialog = link.closest("dialog");
    if (dialog) { event.preventDefault(); dialog.close(); }
  };

  document.addEventListener("submit", guardDoubleSubmit);
  document.addEventListener("click", (event) => {
    const target = event.target.closest(
      "[data-theme-toggle],[data-copy],[data-check-all],[data-print],[data-row-href],[data-dialog],[data-dialog-close]",
    );
    if (!target) return;
    if (target.dataset.themeToggle !== undefined) toggleTheme();
    else if (target.dataset.copy !== undefined) copy(target);
    else if (target.dataset.checkAll !== undefined) checkAll(target);
    else if (target.dataset.print !== undefined) window.print();
    else if (target.dataset.dialog !== undefined) openDialog(target, event);
    else if (target.dataset.dialogClose !== undefined) closeDialog(target, event);
    else if (!event.target.closest("a,button,input,label,select,summary") && !getSelection().toString()) location.assign(target.dataset.rowHref);
  });

  // Pages come back from the back-forward cache with their buttons still locked.
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    form.querySelectorAll(".is-busy").forEach((button) => button.classList.remove("is-busy"));
  }));

  // Filters left empty stay out of the address.
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.target.matches(".filters")) return;
    const parameters = event.detail.parameters;
    for (const name of Object.keys(parameters)) if (parameters[name] === "") delete parameters[name];
  });

  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-narrows]")) narrow(event.target);
  });

  // "/" goes to the search box, as in every list worth using.
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.closest("input,textarea,select,[contenteditable]")) return;
    const search = document.querySelector("[data-search]");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  });

  const start = () => document.querySelectorAll("[data-toast]").forEach(armToast);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
