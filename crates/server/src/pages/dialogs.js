// Dialogs of the user administration page.

import { onSubmit } from './form.js';

const confirm = document.querySelector('#confirm');
const yes = confirm.querySelector('.yes');
const reset = document.querySelector('#reset');
const resetForm = reset.querySelector('form');

/** Resolves to `true` if the user confirms. Cancel has the focus, and the Escape key cancels, too. */
export async function confirmed(name, email, text) {
  confirm.querySelector('h2').textContent = `${name}?`;
  confirm.querySelector('.whom').textContent = email;
  confirm.querySelector('.why').textContent = text;
  yes.textContent = name;
  confirm.returnValue = '';
  await shown(confirm);
  return confirm.returnValue === 'yes';
}

/** Asks for a new password and calls `act` with it; resolves to `true` once that is done. */
export async function withNewPassword(email, text, act) {
  reset.querySelector('.whom').textContent = email;
  reset.querySelector('.why').textContent = text;
  let isDone = false;
  send = async (password) => {
    await act(password);
    isDone = true;
  };
  await shown(reset);
  // Do not keep the password.
  resetForm.reset();
  resetForm.querySelector('.error').textContent = '';
  return isDone;
}

let send;

onSubmit(resetForm, async ({ password }) => {
  await send(password);
  reset.close();
});
reset.querySelector('.cancel').addEventListener('click', () => reset.close());

yes.addEventListener('click', (event) => yes.ariaDisabled && event.preventDefault());

/** Shows a dialog; resolves once it is closed. */
function shown(dialog) {
  // The second click of a double click on the button that opened the dialog confirms nothing.
  yes.ariaDisabled = 'true';
  setTimeout(() => (yes.ariaDisabled = null), DOUBLE_CLICK_MILLISECONDS);
  dialog.showModal();
  return new Promise((resolve) => {
    // The event is asynchronous: the dialog may be open again by then.
    dialog.onclose = () => dialog.open || resolve();
  });
}

/** What most systems take for a double click. */
export const DOUBLE_CLICK_MILLISECONDS = 500;
