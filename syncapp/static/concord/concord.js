// Keys, the reader's time zone, and nothing that a page could not do without.
(() => {
  "use strict";
  const ROWS = "[data-keys=queue] .cc-row-link, [data-keys=list] th a";
  const typing = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;

  const rememberZone = () => {
    if (document.cookie.includes("concord_zone=")) return;
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (zone) document.cookie = `concord_zone=${zone}; path=/; max-age=31536000; samesite=lax`;
  };

  const move = (step) => {
    const links = [...document.querySelectorAll(ROWS)];
    if (!links.length) return;
    const at = links.findIndex((link) => link === document.activeElement);
    const next = at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + step, 0), links.length - 1);
    links[next].focus();
    links[next].scrollIntoView({ block: "nearest" });
  };

  const help = () => {
    const keys = document.getElementById("keys");
    if (!keys) return false;
    keys.open = !keys.open;
    if (keys.open) keys.scrollIntoView({ block: "nearest" });
    return true;
  };

  const onCard = (key) => {
    if (/^[1-9]$/.test(key)) {
      const button = document.querySelector(`[data-answer="${key}"]`);
      if (button) { button.focus(); button.scrollIntoView({ block: "nearest" }); }
      return button !== null;
    }
    const input = key === "e" ? document.querySelector(".cc-typed input:not([type=hidden]), .cc-typed textarea, .cc-typed select") : null;
    if (input) input.focus();
    return input !== null;
  };

  const pressed = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const { key } = event;
    let used = false;
    if (key === "?") used = help();
    else if (document.querySelector(ROWS) && (key === "j" || key === "k")) { move(key === "j" ? 1 : -1); used = true; }
    else if (document.querySelector("[data-keys=card]")) used = onCard(key);
    if (used) event.preventDefault();
  };

  rememberZone();
  document.addEventListener("keydown", pressed);
})();
