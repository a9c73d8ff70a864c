// User administration page.

import { ACTIONS, resetPassword } from './actions.js';
import { ask, leave } from './api.js';
import { confirmed, withNewPassword } from './dialogs.js';
import { attempt, countPending, enter } from './member.js';
import { make, registered, role, status } from './show.js';

const list = document.querySelector('#users');
const find = document.querySelector('#find');
const show = document.querySelector('#show');
const count = document.querySelector('#count');
const done = document.querySelector('#done');

/** Accounts by id, newest first, each with its row once it was rendered. */
let entries = new Map();
let me;
let said;

attempt(async () => {
  me = await enter(onPending);
  await refresh();
});
for (const field of [find, show]) field.addEventListener('input', draw);

async function refresh() {
  const users = await ask('GET', 'users');
  entries = new Map(users.map((user) => {
    const entry = entries.get(user.id);
    return [user.id, same(entry?.user, user) ? entry : { user }];
  }));
  draw();
}

/** Reloads the list after a registration or a change by another admin. */
function onPending(pending) {
  const waiting = [...entries.values()].filter(({ user }) => user.status === 'pending');
  return entries.size > 0 && waiting.length !== pending ? refresh() : null;
}

function draw() {
  const text = find.value.trim().toLowerCase();
  const matches = [...entries.values()].filter(({ user }) => user.email.includes(text)
    && (!show.value || user.status === show.value));
  const drawn = matches.slice(0, MOST);
  const more = matches.length > MOST ? `, of which ${MOST} are shown` : '';
  count.textContent = `${matches.length} ${matches.length === 1 ? 'account' : 'accounts'}${more}`;

  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const place = focused && [...list.rows].indexOf(focused.closest('tr'));
  list.replaceChildren(...drawn.map((entry) => (entry.row ??= row(entry.user))));
  if (!focused) return;
  // Keep the focus: on the button, or on the one that replaced it.
  const next = list.rows[Math.min(place, drawn.length - 1)]?.querySelector('button');
  (focused.isConnected ? focused : next ?? find).focus();
}

function row(user) {
  const own = user.id === me.id;
  const actions = ACTIONS.filter(({ fits }) => fits(user))
    .map((action) => button(user, action.name, action.kind, () => run(action, user, own)));
  const reset = button(user, 'Reset password', '', () => newPassword(user, own));
  actions.splice(-1, 0, reset);
  // Long addresses break before the `@` first.
  const [local, domain] = user.email.split('@');
  const name = make('th', { scope: 'row' }, local, make('wbr'), `@${domain}`);
  if (own) name.append(' ', make('span', { className: 'you', textContent: 'you' }));
  return make('tr', {},
    name,
    make('td', {}, status(user)),
    make('td', {}, role(user)),
    make('td', {}, registered(user)),
    make('td', { className: 'actions' }, ...actions));
}

function button(user, name, kind, act) {
  const it = make('button', { className: kind ?? '', ariaLabel: `${name} ${user.email}` }, name);
  // The second click of a double click would hit the button that replaced the first.
  it.addEventListener('click', ({ detail }) => detail > 1 || attempt(act));
  return it;
}

async function run({ name, question, act, done }, user, own) {
  const text = question?.(own);
  if (text && !await confirmed(name, user.email, text)) return;
  await finished(user, own, await act(user), done);
}

async function newPassword(user, own) {
  let reset = false;
  await withNewPassword(user.email, own, async (password) => {
    await resetPassword(user, password);
    reset = true;
  });
  if (reset) await finished(user, own, user, 'has a new password');
}

/** Replaces `user` by `now`; removes it if `now` is undefined. */
async function finished(user, own, now, what) {
  // The server decides what remains allowed for the admin's own account.
  if (own) await leave('/');
  if (now) entries.set(user.id, same(user, now) ? entries.get(user.id) : { user: now });
  else entries.delete(user.id);
  draw();
  say(`${user.email} ${what}.`);
  await countPending();
}

function say(text) {
  done.textContent = text;
  clearTimeout(said);
  said = setTimeout(() => (done.textContent = ''), 8_000);
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Maximum number of rows; beyond that, search is more useful. */
const MOST = 200;
