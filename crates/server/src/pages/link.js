// One-time token in the fragment of a link, which is sent to no server.

/**
 * Takes the token out of the address, and so out of the history, and passes it on with the parameters of
 * the query; it may be empty.
 */
export function onToken(pass) {
  take();
  // Another link that is opened in this tab.
  addEventListener('hashchange', () => location.hash && take());

  function take() {
    const { hash, search } = location;
    history.replaceState(null, '', location.pathname);
    pass(hash.slice(1), new URLSearchParams(search));
  }
}
