
"use strict";
// A link to a neuron opens its section, and what that is in.
function open() {
  const place = document.getElementById(location.hash.slice(1));
  if (!place) return;
  for (let one = place; one; one = one.parentElement) {
    if (one.tagName === "DETAILS") one.open = true;
  }
  const title = place.querySelector("summary");
  if (title && place.tagName === "DETAILS") title.focus({ preventScroll: true });
  place.scrollIntoView();
}
addEventListener("hashchange", open);
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");  // also one that was followed before
  if (link && link.hash === location.hash) open();
});
open();
