// Touches on their way to the companion. The page has already answered by itself; here they may wait and be resent.

const KEPT = 20;
const OLD_MS = 60000;
const AGAIN_MS = 1000;

export class Touches {
  #token = "";
  #waiting = [];
  #sending = false;

  // A new companion has a new token.
  authorise(token) {
    this.#token = token;
    this.#flush();
  }

  send(touch) {
    this.#waiting.push({ body: JSON.stringify(touch), born_ms: Date.now() });
    if (this.#waiting.length > KEPT) this.#waiting.shift();
    this.#flush();
  }

  async #flush() {
    if (this.#sending || !this.#token) return;
    this.#sending = true;
    while (this.#waiting.length) {
      const first = this.#waiting[0];
      if (Date.now() - first.born_ms < OLD_MS) {
        const status = await this.#post(first.body);
        if (status === 403) this.#token = ""; // an older companion's: wait for the next hello
        if (status === 429 || status === 503) setTimeout(() => this.#flush(), AGAIN_MS);
        if ([0, 403, 429, 503].includes(status)) break;
      }
      if (this.#waiting[0] === first) this.#waiting.shift();
    }
    this.#sending = false;
  }

  // The answer's status; 0: nobody answers, the next hello tries again.
  async #post(body) {
    const headers = { "content-type": "application/json", "x-moodcast-token": this.#token };
    try {
      return (await fetch("/feedback", { method: "POST", headers, body, credentials: "omit" })).status;
    } catch {
      return 0;
    }
  }
}
