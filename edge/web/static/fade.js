// Fades: the new node comes in while the old one goes, in the same place. At most one old node is on its way out.

const OUT_MS = 850;

export function crossfade(place, node) {
  for (const old of place.querySelectorAll(":scope > .leaving")) old.remove();
  const old = place.lastElementChild;
  if (old) {
    old.classList.remove("entering");
    old.classList.add("leaving");
    old.inert = true;
    old.setAttribute("aria-hidden", "true");
    setTimeout(() => old.remove(), OUT_MS);
  }
  if (node) {
    node.classList.add("entering");
    place.append(node);
  }
}

export function crossfadeText(place, text) {
  const shown = place.querySelector(":scope > :not(.leaving)");
  if ((shown?.textContent ?? "") === text) return false;
  const span = document.createElement("span");
  span.textContent = text;
  crossfade(place, text ? span : null);
  return true;
}
