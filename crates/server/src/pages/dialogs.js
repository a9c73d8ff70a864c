// Dialogs of the user administration page.

import { onSubmit } from './form.js';

const confirm = document.querySelector('#confirm');
const yes = confirm.querySelector('.yes');
const reset = document.querySelector('#reset');
const resetForm = reset.querySelector('form');
const link = document.querySelector('#link');
const linkForm = link.querySelector('form');
const linkUrl = link.querySelector('#link-url');
const linkHint = link.querySelector('#link-hint');

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

/**
 * Asks for a new password and calls `act` with it, and with `true` if it has to be changed at the next log-in;
 * resolves to `true` once that is done. The admin's own password stays.
 */
export async function withNewPassword(email, text, own, act) {
  reset.querySelector('.whom').textContent = email;
  reset.querySelector('.why').textContent = text;
  let isDone = false;
  reset.querySelector('#must-change').hidden = own;
  send = async ({ password, must_change }) => {
    await act(password, must_change === 'on' && !own);
    isDone = true;
  };
  await shown(reset);
  // Do not keep the password.
  resetForm.reset();
  resetForm.querySelector('.error').textContent = '';
  return isDone;
}

/** Calls `act` once the user wants a link, and shows it; resolves once the dialog is closed. */
export async function withLink(email, text, act) {
  link.querySelector('.whom').textContent = email;
  link.querySelector('.why').textContent = text;
  create = act;
  await shown(link);
  // Do not keep the link.
  showLink('');
  linkForm.querySelector('.error').textContent = '';
}

/** Shows the link, or how to create one. */
function showLink(url) {
  linkUrl.value = url;
  link.querySelector('.created').hidden = !url;
  link.querySelector('.copy').hidden = !url;
  link.querySelector('.primary').hidden = Boolean(url);
}

let create;

onSubmit(linkForm, async () => {
  const { token, expires_in: seconds } = await create();
  // In the fragment, which is sent to no server and is in no log.
  showLink(new URL(`/reset-password#${token}`, location.href).href);
  linkHint.textContent = `Works once, for ${Math.floor(seconds / 60)} minutes. It is not shown again.`;
  linkUrl.select();
});
link.querySelector('.copy').addEventListener('click', async () => {
  linkUrl.select();
  try {
    await navigator.clipboard.writeText(linkUrl.value);
    linkHint.textContent = 'The link is copied.';
  } catch {
    linkHint.textContent = 'Copy the selected text.';
  }
});
link.querySelector('.cancel').addEventListener('click', () => link.close());

let send;

onSubmit(resetForm, async (fields) => {
  await send(fields);
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
