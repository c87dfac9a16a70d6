// The row of cards. A card that stays keeps its place; new ones take the places that became free.

import { crossfade } from "./fade.js";

const KINDS = ["music", "film", "book", "meditation", "activity", "place"];

export class Cards {
  #slots = []; // [{place: <li>, card, node}]
  #list;
  #template = document.getElementById("card");
  #texts;
  #touched;

  // `touched(kind, card)`: like, skip or begin.
  constructor(list, texts, touched) {
    this.#list = list;
    this.#texts = texts;
    this.#touched = touched;
  }

  show(cards, playing) {
    const wanted = new Map(cards.map((card) => [card.id, card]));
    const stays = this.#slots.some((slot) => slot.card && wanted.has(slot.card.id));
    const hadFocus = this.#focused();
    if (!stays && cards.length) this.#resize(cards.length);
    for (const slot of this.#slots) {
      if (slot.card && wanted.has(slot.card.id)) {
        this.#fill(slot.node, (slot.card = wanted.get(slot.card.id)), playing);
        wanted.delete(slot.card.id);
      } else {
        slot.old = slot.card;
        slot.card = null;
      }
    }
    const rest = [...wanted.values()];
    if (stays) this.#grow(cards.length);
    for (const slot of this.#slots) {
      if (slot.card) continue;
      const card = rest.shift();
      if (card) this.#enter(slot, card, playing);
      else if (slot.old) this.#leave(slot);
    }
    this.#restore(hadFocus);
  }

  #resize(count) {
    while (this.#slots.length > count) this.#slots.pop().place.remove();
    this.#grow(count);
  }

  #grow(count) {
    while (this.#slots.length < count) {
      const place = document.createElement("li");
      this.#list.append(place);
      this.#slots.push({ place, card: null, node: null, old: null });
    }
  }

  #enter(slot, card, playing) {
    const node = this.#template.content.firstElementChild.cloneNode(true);
    for (const kind of ["like", "skip", "begin"]) {
      node.querySelector(`.${kind}`).addEventListener("click", () => this.#touched(kind, slot.card));
    }
    const icon = KINDS.includes(card.kind) ? card.kind : "activity";
    node.querySelector(".picture use").setAttribute("href", `#art-${icon}`);
    if (card.image) this.#picture(node, card.image);
    this.#fill(node, card, playing);
    Object.assign(slot, { card, node, old: null });
    crossfade(slot.place, node);
  }

  #leave(slot) {
    Object.assign(slot, { node: null, old: null });
    crossfade(slot.place, null);
  }

  #picture(node, address) {
    const image = new Image();
    image.alt = "";
    image.addEventListener("load", () => node.querySelector(".picture").append(image), { once: true });
    image.src = address; // a picture that does not load leaves the drawn one
  }

  #fill(node, card, playing) {
    const text = (selector, words) => {
      const element = node.querySelector(selector);
      if (element.textContent !== words) element.textContent = words;
    };
    const t = this.#texts;
    const facts = [t.get(`kind.${card.kind}`)];
    if (card.minutes) facts.push(t.get("card.minutes", { minutes: Math.max(1, Math.round(card.minutes)) }));
    if (playing?.item_id === card.id) facts.push(t.get("card.playing"));
    text(".kind", facts.join(" \u00b7 "));
    text(".title", card.title);
    text(".creator", [card.creator, card.year].filter(Boolean).join(", "));
    text(".why", t.get("card.why"));
    text(".because", card.reason);
    for (const kind of ["like", "skip", "begin"]) {
      text(`.${kind} span`, t.get(`card.${kind}`));
      node.querySelector(`.${kind}`).setAttribute("aria-label", `${t.get(`card.${kind}`)}: ${card.title}`);
    }
    node.querySelector(".begin").hidden = !card.text;
    node.querySelector(".like").setAttribute("aria-pressed", String(Boolean(card.liked)));
  }

  // Which button has the keyboard's focus: [place, kind], or null.
  #focused() {
    const active = document.activeElement;
    const index = this.#slots.findIndex((slot) => slot.node?.contains(active));
    return index < 0 ? null : [index, ["like", "skip", "begin"].find((kind) => active.classList.contains(kind))];
  }

  // Keyboard focus stays in its place when the card under it is replaced.
  #restore(focused) {
    if (!focused) return;
    const [index, kind] = focused;
    const slot = this.#slots[index]?.node ? this.#slots[index] : this.#slots.find((other) => other.node);
    const button = slot?.node.querySelector(`.${kind}:not([hidden])`) ?? slot?.node.querySelector(".like");
    if (button && !slot.node.contains(document.activeElement)) button.focus();
  }
}
