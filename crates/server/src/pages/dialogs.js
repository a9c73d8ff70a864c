// Dialogs of the user administration page.

import { onSubmit } from './form.js';

const confirm = document.querySelector('#confirm');
const reset = document.querySelector('#reset');
const resetForm = reset.querySelector('form');

/** Resolves to `true` if the user confirms. Cancel has the focus, and the Escape key cancels, too. */
export async function confirmed(name, email, text) {
  confirm.querySelector('h2').textContent = `${name}?`;
  confirm.querySelector('.whom').textContent = email;
  confirm.querySelector('.why').textContent = text;
  confirm.querySelector('.yes').textContent = name;
  confirm.returnValue = '';
  await shown(confirm);
  return confirm.returnValue === 'yes';
}

/** Asks for a new password and calls `act` with it; resolves once that is done or cancelled. */
export async function withNewPassword(email, own, act) {
  reset.querySelector('.whom').textContent = email;
  reset.querySelector('.why').textContent = own
    ? 'This is your own account. You will be logged out and log in with the new password.'
    : 'The old password and every log-in with it end at once.';
  send = act;
  await shown(reset);
  // Do not keep the password.
  resetForm.reset();
  resetForm.querySelector('.error').textContent = '';
}

let send;

onSubmit(resetForm, async ({ password }) => {
  await send(password);
  reset.close();
});
reset.querySelector('.cancel').addEventListener('click', () => reset.close());

/** Shows a dialog; resolves once it is closed. */
function shown(dialog) {
  dialog.showModal();
  return new Promise((resolve) => {
    // The event is asynchronous: the dialog may be open again by then.
    dialog.onclose = () => dialog.open || resolve();
  });
}
