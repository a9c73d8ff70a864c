// Profile page: the account, its password, and its log-ins.

import { ask } from './api.js';
import { device } from './device.js';
import { onSubmit } from './form.js';
import { attempt, enter, logOut } from './member.js';
import { showOwnAccount } from './own_account.js';
import { passwordProblem, watch } from './rules.js';
import { make, moment, registered, role, status } from './show.js';

const form = document.querySelector('#change');
const changed = document.querySelector('#password-changed');
const address = document.querySelector('#change-email');
const sessions = document.querySelector('#sessions');
const list = sessions.querySelector('.sessions');
const { new_password: password } = form.elements;

attempt(async () => {
  const me = await enter((count) => {
    const waiting = count === 1 ? 'One account waits' : `${count} accounts wait`;
    document.querySelector('#waiting span').textContent = `${waiting} for your approval.`;
    document.querySelector('#waiting').hidden = count === 0;
  });
  document.querySelector('#email').textContent = me.email;
  document.querySelector('#status').replaceChildren(status(me));
  document.querySelector('#role').textContent = role(me);
  document.querySelector('#registered').replaceChildren(registered(me));
  form.elements.username.value = me.email;
  showVerification(me);
  document.querySelector('#password').hidden = false;
  showOwnAccount(me);
  watch(password, document.querySelector('#new-hint'), (text) => passwordProblem(text, me.email), { live: true });
  await showSessions();
});

function showVerification({ email, email_verified_at }) {
  const isOn = document.querySelector('main').dataset.verification === 'on';
  document.querySelector('#address').hidden = !isOn;
  const note = document.querySelector('#unverified');
  note.hidden = !isOn || Boolean(email_verified_at);
  const button = note.querySelector('button');
  button.addEventListener('click', () => attempt(async () => {
    await ask('POST', 'verify-email/request', { email });
    button.hidden = true;
    note.querySelector('span').textContent = 'The mail arrives in a few minutes.';
  }));
}

onSubmit(address, async ({ email, password }) => {
  const requested = document.querySelector('#email-requested');
  requested.textContent = '';
  await ask('POST', 'me/email', { email, password });
  address.reset();
  requested.textContent = `If no other account has it, ${email} gets a mail in a few minutes.`;
});

onSubmit(form, async ({ current_password, new_password }) => {
  changed.textContent = '';
  await ask('POST', 'password', { current_password, new_password });
  form.reset();
  await showSessions();
  changed.textContent = 'Your password is changed. Your other log-ins have ended.';
});

async function showSessions() {
  const open = await ask('GET', 'sessions');
  // The one of this browser first.
  open.sort((one, other) => other.is_current - one.is_current);
  list.replaceChildren(...open.map(item));
  document.querySelector('#end-others').hidden = !open.some(({ is_current }) => !is_current);
  sessions.hidden = false;
}

function item(session) {
  const name = make('strong', { title: session.device }, device(session.device));
  const times = make('span', { className: 'times' },
    'Logged in ', moment(session.created_at), ', last used ', moment(session.last_used_at));
  const end = session.is_current
    ? make('span', { className: 'pill approved' }, 'This browser')
    : make('button', {}, 'End', make('span', { className: 'unseen' }, ` ${name.textContent}`));
  if (!session.is_current) {
    end.addEventListener('click', () => act(async () => {
      await ask('DELETE', `sessions/${session.id}`);
      return `${name.textContent} is logged out.`;
    }));
  }
  return make('li', {}, make('div', {}, name, times), end);
}

document.querySelector('#end-others').addEventListener('click', () => act(async () => {
  await ask('POST', 'sessions/end-others');
  return 'All other log-ins have ended.';
}));

document.querySelector('#end-all').addEventListener('click', () => act(() => logOut(async () => {
  await ask('POST', 'logout-all');
  await ask('POST', 'cookie/logout');
})));

/** Runs an action on sessions, one at a time, and says what it did. */
async function act(action) {
  if (sessions.ariaBusy === 'true') return;
  const [error, done] = [sessions.querySelector('.error'), sessions.querySelector('.done')];
  sessions.ariaBusy = 'true';
  done.textContent = '';
  await attempt(async () => {
    const said = await action();
    await showSessions();
    done.textContent = said;
    // The button is gone.
    document.querySelector('#end-all').focus();
  }, error);
  sessions.ariaBusy = null;
}
