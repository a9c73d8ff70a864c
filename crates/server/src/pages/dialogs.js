// Dialogs of the user administration page.

import { onSubmit } from './form.js';

const confirm = document.querySelector('#confirm');
const yes = confirm.querySelector('.yes');
const reset = document.querySelector('#reset');
const resetForm = reset.querySelector('form');
const link = document.querySelector('#link');
const linkForm = link.querySelector('form');
const invitation = document.querySelector('#invitation');
const invitationForm = invitation.querySelector('form');

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
  showLink(link, '');
  linkForm.querySelector('.error').textContent = '';
}

/**
 * Asks for an address and a role, those of `user` if it is given, and calls `act` with them; resolves to the
 * address once the dialog is closed, or to `null` if nobody was invited.
 */
export async function withInvitation(user, act) {
  const { email, is_admin: role } = invitationForm.elements;
  email.value = user?.email ?? '';
  email.readOnly = Boolean(user);
  role.checked = user?.is_admin ?? false;
  let invited = null;
  invite = async (fields) => {
    try {
      const answer = await act(fields);
      invited = fields.email;
      return answer;
    } catch (refusal) {
      if (refusal.code === 'email_taken') refusal.message = 'There is an account with this e-mail already.';
      throw refusal;
    }
  };
  await shown(invitation);
  showLink(invitation, '');
  invitation.querySelector('.asked').hidden = false;
  invitationForm.querySelector('.error').textContent = '';
  invitationForm.reset();
  return invited;
}

let invite;

onSubmit(invitationForm, async ({ email, is_admin: role }) => {
  const { token, expires_in: seconds } = await invite({ email, is_admin: role === 'on' });
  if (!token) {
    // It was sent by mail.
    invitation.close();
    return;
  }
  invitation.querySelector('.asked').hidden = true;
  const hint = `Hand it over to the owner of ${email}. It works once, for ${Math.floor(seconds / 86_400)} days.`;
  showLink(invitation, `/accept-invitation#${token}`, hint);
});

let create;

onSubmit(linkForm, async () => {
  const { token, expires_in: seconds } = await create();
  const hint = `Works once, for ${Math.floor(seconds / 60)} minutes. It is not shown again.`;
  showLink(link, `/reset-password#${token}`, hint);
});

/** Shows a link in the dialog, or how to create one. Its token is in the fragment, which is in no log. */
function showLink(dialog, path, hint = '') {
  const field = dialog.querySelector('.created input');
  field.value = path && new URL(path, location.href).href;
  dialog.querySelector('.created').hidden = !path;
  dialog.querySelector('.copy').hidden = !path;
  dialog.querySelector('.primary').hidden = Boolean(path);
  dialog.querySelector('.hint').textContent = hint;
  if (path) field.select();
}

for (const dialog of [link, invitation]) {
  const field = dialog.querySelector('.created input');
  dialog.querySelector('.copy').addEventListener('click', async () => {
    const hint = dialog.querySelector('.hint');
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      hint.textContent = 'The link is copied.';
    } catch {
      hint.textContent = 'Copy the selected text.';
    }
  });
  dialog.querySelector('.cancel').addEventListener('click', () => dialog.close());
}

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
