// Part of the profile page: the name and the data of the account, and its deletion.

import { ask } from './api.js';
import { onSubmit } from './form.js';
import { logOut } from './member.js';

const own = document.querySelector('#own');
const done = own.querySelector('.done');
const dialog = document.querySelector('#confirm');
const form = dialog.querySelector('form');

const naming = document.querySelector('#naming');
const nameForm = naming.querySelector('form');

/** What the dialog does with the password. */
let act;

export function showOwnAccount(me) {
  form.elements.username.value = me.email;
  showName(me);
  nameForm.elements.display_name.value = me.display_name ?? '';
  for (const section of [naming, own]) section.hidden = false;
}

function showName({ display_name: name }) {
  document.querySelector('#name').textContent = name ?? '–';
}

onSubmit(nameForm, async ({ display_name: typed }) => {
  const said = nameForm.querySelector('.done');
  said.textContent = '';
  const me = await ask('PUT', 'me/display-name', { display_name: typed.trim() || null });
  showName(me);
  nameForm.elements.display_name.value = me.display_name ?? '';
  said.textContent = me.display_name ? 'Your name is saved.' : 'Your name is removed.';
});

own.querySelector('#export').addEventListener('click', () => {
  confirm('Download data', 'The file has your account, its log-ins and its activity, and no password.', async (password) => {
    save(await ask('POST', 'me/export', { password }));
    done.textContent = 'Your data is downloaded.';
  });
});

own.querySelector('#delete').addEventListener('click', () => {
  confirm('Delete account', 'The account and its log-ins end at once. It cannot be brought back.', async (password) => {
    await logOut(() => ask('POST', 'me/delete', { password }));
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
  // Firefox reads it after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
