// Forms that are sent by a script.

import { Refusal, withAddress } from './api.js';

/** Calls `act` with the fields at each submit, one at a time. The form shows a rejection. */
export function onSubmit(form, act) {
  const error = form.querySelector('.error');
  const button = form.querySelector('.primary');
  const secrets = form.querySelectorAll('input[type="password"]');
  const conceal = [...secrets].map(revealable);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.ariaBusy === 'true' || button.disabled) return;
    form.ariaBusy = 'true';
    error.textContent = '';
    for (const field of form.elements) field.ariaInvalid = null;
    // Browsers remember what is typed into a field of text.
    for (const hide of conceal) hide();
    try {
      await act(Object.fromEntries(new FormData(form)));
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      error.textContent = refusal.message;
      if (refusal.seconds) pause(button, refusal.seconds, () => (error.textContent = ''));
      // Forms that confirm an action have it under another name.
      const isCurrent = refusal.field === 'current_password';
      const field = form.querySelector(isCurrent ? '[autocomplete="current-password"]' : `#${refusal.field}`);
      if (field) {
        field.ariaInvalid = 'true';
        field.focus();
      }
    } finally {
      form.ariaBusy = null;
    }
  });
}

/** Fills in the address that another page handed over, and hands it on to the links `data-carry`. */
export function carryAddress(field) {
  const email = new URLSearchParams(location.hash.slice(1)).get('email');
  if (email) {
    history.replaceState(null, '', location.pathname + location.search);
    if (!field.value) field.value = email;
  }
  const hand = () => handOn(field.value);
  hand();
  field.addEventListener('input', hand);
}

/** Adds the address to the links `data-carry`. */
export function handOn(email) {
  for (const link of document.querySelectorAll('a[data-carry]')) {
    link.href = withAddress(link.pathname, email);
  }
}

/** Adds a button that shows the password; returns a function that hides it. */
function revealable(field) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'reveal';
  button.setAttribute('aria-controls', field.id);
  const show = (visible) => {
    field.type = visible ? 'text' : 'password';
    const what = document.createElement('span');
    what.className = 'unseen';
    what.textContent = ' password';
    button.replaceChildren(visible ? 'Hide' : 'Show', what);
  };
  show(false);
  button.addEventListener('click', () => show(field.type === 'password'));
  field.after(button);
  return () => show(false);
}

/** Disables the button for a number of seconds, which it counts down, then calls `done`. */
function pause(button, seconds, done) {
  const name = button.textContent;
  const end = performance.now() + seconds * 1000;
  button.disabled = true;
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    button.textContent = left > 0 ? `${name} (${left} s)` : name;
    if (left > 0) return;
    clearInterval(timer);
    button.disabled = false;
    done();
  };
  const timer = setInterval(tick, 250);
  tick();
}
