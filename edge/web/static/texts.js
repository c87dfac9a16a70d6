// Texts of the page in every language, from /texts.json; views carry keys.

export class Texts {
  language = document.documentElement.lang;
  name = "";
  languages = {};
  heartbeat_s = 5;
  #all = {};
  #notice = {};

  async load() {
    const given = await (await fetch("/texts.json", { credentials: "omit" })).json();
    Object.assign(this, { name: given.name, languages: given.languages, heartbeat_s: given.heartbeat_s });
    this.#all = given.texts;
    this.#notice = given.notice;
    return given;
  }

  get(key, values = {}) {
    const text = this.#all[this.language]?.[key] ?? this.#all.en?.[key] ?? "";
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  }

  notice() {
    return this.#notice[this.language] ?? this.#notice.en ?? [];
  }

  // The code of the language that the switch leads to.
  next() {
    const codes = Object.keys(this.languages);
    return codes[(codes.indexOf(this.language) + 1) % codes.length];
  }
}
