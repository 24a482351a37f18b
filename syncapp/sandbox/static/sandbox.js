// Keeps the page fresh about once a second without touching what the person is typing.
"use strict";
(function () {
  const dirty = (input) => input.value !== was(input).value;
  const was = (input) => document.getElementsByName("was-" + input.name)[0];

  function freshen(page) {
    for (const box of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(box.id);
      if (fresh && fresh.innerHTML !== box.innerHTML && !box.contains(document.activeElement)) {
        box.innerHTML = fresh.innerHTML;
      }
    }
    for (const input of document.querySelectorAll("[data-field]")) {
      const fresh = page.getElementsByName("was-" + input.name)[0];
      if (fresh) freshenField(input, fresh.value);
    }
  }

  function freshenField(input, value) {
    const note = document.getElementById("note-" + input.name);
    if (value === was(input).value) return;
    if (dirty(input) || input === document.activeElement) {
      note.textContent = "Changed meanwhile to “" + value + "”. Saving replaces that.";
      return;
    }
    input.value = value;
    was(input).value = value;
    note.textContent = "";
    input.classList.add("fresh");
    setTimeout(() => input.classList.remove("fresh"), 2000);
  }

  async function look() {
    if (!document.hidden && document.querySelector("[data-live]")) {
      try {
        // On a refused form the address is the same, and a GET shows the record.
        const answer = await fetch(location.href, { cache: "no-store" });
        if (answer.ok) freshen(new DOMParser().parseFromString(await answer.text(), "text/html"));
        document.body.classList.remove("away");
      } catch (error) {
        document.body.classList.add("away");
      }
    }
    setTimeout(look, 1000);
  }
  setTimeout(look, 1000);
})();
