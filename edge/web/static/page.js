// The kiosk page. A view from the companion says everything; a touch changes the view here at once, then is sent.

import { Cards } from "./cards.js";
import { Touches } from "./feedback.js";
import { crossfadeText } from "./fade.js";
import { connect } from "./stream.js";
import { Texts } from "./texts.js";

const MOMENT_MS = 2000; // a shorter loss of the companion is not worth a word
const OVERLAY_MS = 1500; // so long a touch wins over views that were made before it
const IDLE_LINE_MS = 24000;
const POINTER_MS = 4000;
const CHOICES_MS = 15000;
const LEFT_OPEN_MS = 60000;
const WISH_TONES = { brighter: "bright", calmer: "gentle", surprise: "new" };

const $ = (id) => document.getElementById(id);
const root = document.documentElement;
const texts = new Texts();
const touches = new Touches();
const cards = new Cards($("cards"), texts, touchedCard);
const offline = () => ({ scene: "offline", cards: [], language: texts.language });

let view = offline();
let overlays = []; // [{apply, until_ms}]
let version = "";
let reading = null; // the card in the reader
let momentTimer, choicesTimer, closeTimer;

// --- touches: each is a change of the view that is made here, and a message ------------------------------------------

const CHANGES = {
  like: (v, id) => ({ ...v, cards: v.cards.map((card) => (card.id === id ? { ...card, liked: true } : card)) }),
  skip: (v, id) => ({ ...v, cards: v.cards.filter((card) => card.id !== id) }),
  finished: (v) => v,
  not_quite: (v, wish) =>
    v.scene === "paused" || v.scene === "offline"
      ? v
      : { ...v, scene: v.cards.length ? "cards" : "glow", wish, tone: WISH_TONES[wish], headline: `wish_${wish}` },
  pause: (v) => ({ ...v, scene: "paused", cards: [] }),
  resume: (v) => (v.scene === "paused" ? { ...v, scene: "idle" } : v),
  language: (v, language) => ({ ...v, language }),
};

function touch(kind, what = "") {
  const apply = (v) => CHANGES[kind](v, what);
  overlays.push({ apply, until_ms: Date.now() + OVERLAY_MS });
  view = apply(view);
  render();
  touches.send(["like", "skip", "finished"].includes(kind) ? { kind, item_id: what } : { kind, value: what });
}

function touchedCard(kind, card) {
  if (!card || (kind === "like" && card.liked)) return;
  if (kind === "begin") read(card);
  else touch(kind, card.id);
}

// --- drawing ---------------------------------------------------------------------------------------------------------

function render() {
  const { scene } = view;
  if (texts.language !== view.language && view.language in texts.languages) texts.language = view.language;
  root.lang = texts.language;
  root.dataset.scene = scene;
  root.dataset.tone = view.tone || "now";
  const here = scene === "glow" || scene === "cards";
  $("stage").inert = !here;
  $("rest").inert = scene !== "idle";
  $("still").inert = scene !== "paused" && scene !== "offline";
  labels();
  bar(scene, here);
  still(scene);
  $("word").textContent = view.word ? texts.get(`word.${view.word}`) : "";
  $("headline").ariaHidden = String(!here || !view.headline); // an empty heading says nothing
  crossfadeText($("headline"), here && view.headline ? texts.get(`headline.${view.headline}`) : "");
  cards.show(here ? view.cards : [], view.playing);
  say(here);
}

function labels() {
  for (const element of document.querySelectorAll("[data-text]")) write(element, texts.get(element.dataset.text));
  const next = texts.next();
  write($("language"), texts.languages[next] ?? "");
  $("language").lang = next ?? "";
  document.querySelector(".bar").setAttribute("aria-label", texts.get("bar.controls"));
  $("cards").setAttribute("aria-label", texts.get("bar.suggestions"));
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function bar(scene, here) {
  $("not-quite").hidden = !here;
  $("surprise").hidden = scene !== "idle";
  const hadPause = document.activeElement === $("pause");
  $("pause").hidden = scene === "paused" || scene === "offline";
  $("resume").hidden = scene !== "paused";
  if (hadPause && scene === "paused") $("resume").focus();
  if (!here) closeChoices();
  const wish = here ? view.wish : "";
  write($("not-quite"), texts.get(wish ? `bar.wish_${wish}` : "bar.not_quite"));
  if (wish) $("not-quite").dataset.wish = wish;
  else delete $("not-quite").dataset.wish;
  const playing = here && view.playing ? texts.get("bar.playing", { title: view.playing.title }) : "";
  write($("playing"), playing);
  $("playing").hidden = !playing;
}

function still(scene) {
  if (scene !== "paused" && scene !== "offline") return;
  write($("still-title"), texts.get(`${scene}.title`));
  write($("still-text"), texts.get(`${scene}.text`));
}

// For those who listen to the page: only when the suggestions change.
function say(here) {
  const words = here && view.headline ? texts.get(`headline.${view.headline}`) : texts.get(`${view.scene}.title`);
  write($("say"), [words, ...(here ? view.cards.map((card) => card.title) : [])].filter(Boolean).join(". "));
}

// --- dialogs and choices ---------------------------------------------------------------------------------------------

function paragraphs(place, lines) {
  place.replaceChildren(...lines.map((line) => Object.assign(document.createElement("p"), { textContent: line })));
  place.scrollTop = 0;
}

function read(card) {
  reading = card.id;
  $("reader-title").textContent = card.title;
  paragraphs($("reader-text"), card.text.split(/\n+/).filter((line) => line.trim()));
  $("reader").showModal();
}

function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
}

function closeChoices() {
  clearTimeout(choicesTimer);
  if ($("choices").hidden) return;
  if ($("choices").contains(document.activeElement)) $("not-quite").focus();
  $("choices").hidden = true;
  $("not-quite").setAttribute("aria-expanded", "false");
}

function toggleChoices() {
  if (!$("choices").hidden) return closeChoices();
  $("choices").hidden = false;
  $("not-quite").setAttribute("aria-expanded", "true");
  $("choices").firstElementChild.focus();
  choicesTimer = setTimeout(closeChoices, CHOICES_MS);
}

// --- wiring ----------------------------------------------------------------------------------------------------------

function wire() {
  for (const button of document.querySelectorAll("button[data-wish]")) {
    button.addEventListener("click", () => (closeChoices(), touch("not_quite", button.dataset.wish)));
  }
  $("not-quite").addEventListener("click", toggleChoices);
  $("pause").addEventListener("click", () => touch("pause"));
  $("resume").addEventListener("click", () => (touch("resume"), $("pause").focus()));
  $("language").addEventListener("click", () => touch("language", texts.next()));
  $("notice-open").addEventListener("click", () => (paragraphs($("notice-text"), texts.notice()), $("notice").showModal()));
  $("finished").addEventListener("click", () => ($("reader").close(), touch("finished", reading)));
  for (const button of document.querySelectorAll("dialog .close")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeChoices());
  let pointerTimer;
  document.addEventListener("pointermove", () => {
    root.classList.remove("quiet");
    clearTimeout(pointerTimer);
    pointerTimer = setTimeout(() => root.classList.add("quiet"), POINTER_MS);
  });
  for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, watchOpen);
}

// Dialogs that somebody left open close by themselves once nobody is here.
function watchOpen() {
  clearTimeout(closeTimer);
  if (view.scene === "idle" || view.scene === "paused") closeTimer = setTimeout(closeDialogs, LEFT_OPEN_MS);
}

function idleLines() {
  let line = 0;
  const next = () => crossfadeText($("idle-line"), texts.get(`idle.${line++ % 4}`));
  next();
  setInterval(next, IDLE_LINE_MS);
}

function arrived(next) {
  overlays = overlays.filter((overlay) => overlay.until_ms > Date.now());
  const before = view.scene;
  view = overlays.reduce((v, overlay) => overlay.apply(v), next);
  render();
  if (view.scene !== before) watchOpen();
}

async function greeted(hello) {
  if (version && hello.version !== version) return location.reload(); // the companion was updated
  version = hello.version;
  clearTimeout(momentTimer);
  momentTimer = null;
  touches.authorise(hello.token);
  await loadTexts();
}

async function loadTexts() {
  try {
    const given = await texts.load();
    document.title = $("name").textContent = given.name;
    $("logo").hidden = !given.logo;
    $("logo").alt = given.name;
    if (given.logo && !$("logo").getAttribute("src")) $("logo").src = "/brand/logo.svg";
    render();
  } catch {
    // The companion went away again; its next hello loads them.
  }
}

function lost() {
  momentTimer ??= setTimeout(() => ((view = offline()), render()), MOMENT_MS);
}

wire();
loadTexts().then(idleLines);
connect({ hello: greeted, view: arrived, down: lost }, () => texts.heartbeat_s * 3000);
