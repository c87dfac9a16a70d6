// The event stream, kept open: silence and errors both end in a new try, with back-off and jitter.

const FIRST_MS = 300;
const LONGEST_MS = 4000;

// `on`: {hello, view, down}. Calls down() once for each loss. `silence_ms()`: the stream must say something so often.
export function connect(on, silence_ms) {
  let source, watchdog;
  let wait_ms = FIRST_MS;

  function alive() {
    clearTimeout(watchdog);
    watchdog = setTimeout(lost, silence_ms());
  }

  function lost() {
    clearTimeout(watchdog);
    source.close();
    on.down();
    setTimeout(open, wait_ms * (0.5 + Math.random() / 2));
    wait_ms = Math.min(wait_ms * 2, LONGEST_MS);
  }

  function open() {
    source = new EventSource("/events");
    source.addEventListener("hello", (message) => {
      wait_ms = FIRST_MS;
      alive();
      on.hello(JSON.parse(message.data));
    });
    source.addEventListener("view", (message) => {
      alive();
      on.view(JSON.parse(message.data));
    });
    source.addEventListener("beat", alive);
    source.addEventListener("error", lost);
    alive();
  }

  open();
}
