// Forms that are sent by a script.

import { Refusal } from './api.js';

/** Calls `act` with the fields at each submit, one at a time. The form shows a rejection. */
export function onSubmit(form, act) {
  const error = form.querySelector('.error');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.ariaBusy === 'true') return;
    form.ariaBusy = 'true';
    error.textContent = '';
    for (const field of form.elements) field.ariaInvalid = null;
    try {
      await act(Object.fromEntries(new FormData(form)));
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      error.textContent = refusal.message;
      const field = form.querySelector(`#${refusal.field}`);
      if (field) {
        field.ariaInvalid = 'true';
        field.focus();
      }
    } finally {
      form.ariaBusy = null;
    }
  });
}
