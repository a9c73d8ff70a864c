// Part of the profile page: the data of the account, and its deletion. Both are confirmed by the password.

import { ask, leave } from './api.js';
import { onSubmit } from './form.js';

const own = document.querySelector('#own');
const done = own.querySelector('.done');
const dialog = document.querySelector('#confirm');
const form = dialog.querySelector('form');

/** What the dialog does with the password. */
let act;

export function showOwnAccount({ email }) {
  form.elements.username.value = email;
  own.hidden = false;
}

own.querySelector('#export').addEventListener('click', () => {
  confirm('Download data', 'The file has your account, its log-ins and its activity, and no password.', async (password) => {
    save(await ask('POST', 'me/export', { password }));
    done.textContent = 'Your data is downloaded.';
  });
});

own.querySelector('#delete').addEventListener('click', () => {
  confirm('Delete account', 'The account and its log-ins end at once. It cannot be brought back.', async (password) => {
    await ask('POST', 'me/delete', { password });
    await leave('/login');
  });
});

/** Asks for the password, and calls `action` with it. */
function confirm(name, text, action) {
  done.textContent = '';
  dialog.querySelector('h2').textContent = name;
  dialog.querySelector('#confirm-text').textContent = text;
  const button = form.querySelector('.primary');
  button.textContent = name;
  button.classList.toggle('danger', name.startsWith('Delete'));
  act = action;
  dialog.showModal();
}

onSubmit(form, async ({ password }) => {
  await act(password);
  dialog.close();
});
dialog.querySelector('.cancel').addEventListener('click', () => dialog.close());
// Do not keep the password.
dialog.addEventListener('close', () => {
  form.elements.password.value = '';
  form.querySelector('.error').textContent = '';
});

function save(data) {
  const file = new Blob([JSON.stringify(data, null, 2)], { type: 'application/json' });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = 'account.json';
  link.click();
  URL.revokeObjectURL(link.href);
}
