// The event stream of the server, while the page is visible.

/**
 * Follows the stream: calls `handlers[name]` with the data of each event, and `onLost` whenever the stream
 * has ended, with whether nothing will be received for a while. Browsers open six connections to a server
 * over HTTP/1.1, for all tabs together, so a hidden page has none.
 */
export function follow(handlers, onLost) {
  let source;
  let retry;

  function open() {
    if (document.hidden || source) return;
    source = new EventSource('/api/events');
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, ({ data }) => handle(JSON.parse(data)));
    }
    source.addEventListener('error', () => {
      // The browser connects again by itself, except after an error response.
      const isClosed = source.readyState === EventSource.CLOSED;
      if (isClosed) {
        close();
        retry = setTimeout(open, RETRY_MILLISECONDS);
      }
      onLost(isClosed);
    });
  }

  function close() {
    clearTimeout(retry);
    source?.close();
    source = undefined;
  }

  document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
  addEventListener('pagehide', close);
  open();
}

const RETRY_MILLISECONDS = 30_000;
