// User administration page.

import { confirmed, DOUBLE_CLICK_MILLISECONDS, withInvitation, withLink, withNewPassword } from './dialogs.js';
import { Refusal, ask, leave } from './api.js';
import { attempt, enter, showBadge } from './member.js';
import { make, waits } from './show.js';
import { START, UserPages } from './user_pages.js';
import { fill, newRow, setBusy, showLogin } from './user_row.js';

const table = document.querySelector('table');
const list = document.querySelector('#users');
const find = document.querySelector('#find');
const show = document.querySelector('#show');
const count = document.querySelector('#count');
const changed = document.querySelector('#changed');
const pager = document.querySelector('#pager');
const done = document.querySelector('#done');

let me;
let said;

/** The pages of the present search, and where those up to the present one start. */
let pages;
let starts = [];
let next;

/** Number of pending accounts by the last event, and when the list was loaded. */
let pending;
let shown;

/** Counts the loads: the response to an earlier one is dropped. */
let loads = 0;
let held;

attempt(async () => {
  me = await enter(onPending);
  await search();
});

let typed;
find.addEventListener('input', () => {
  clearTimeout(typed);
  typed = setTimeout(search, TYPING_MILLISECONDS);
});
show.addEventListener('change', search);
changed.addEventListener('click', () => search().then(() => find.focus()));
document.querySelector('#invite').addEventListener('click', () => invite());
pager.querySelector('.previous').addEventListener('click', () => turn(-1));
pager.querySelector('.next').addEventListener('click', () => turn(1));

/** Loads the first page of what is asked for. */
function search() {
  clearTimeout(typed);
  pages = new UserPages(find.value.trim().toLowerCase(), show.value);
  return load([START]);
}

async function turn(step) {
  if (table.ariaBusy) return;
  if (step > 0 && next) await load([...starts, next]);
  if (step < 0 && starts.length > 1) await load(starts.slice(0, -1));
}

/** Loads the last of the pages that start there, in place of the present one. */
async function load(where) {
  const load = (loads += 1);
  const expected = pending;
  table.ariaBusy = 'true';
  try {
    const page = await pages.load(where.at(-1));
    if (load !== loads) return;
    const isTurned = where.length !== starts.length;
    starts = where;
    next = page.next;
    if (starts.length === 1) {
      shown = pages.pending ?? pending;
      // The list is newer than the last event, unless there was one meanwhile.
      if (pending === expected) pending = shown;
    }
    draw(page);
    showLogins(page.users, load);
    if (isTurned) table.scrollIntoView({ block: 'nearest' });
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    if (load !== loads) return;
    const again = make('button', { textContent: 'Try again' });
    again.addEventListener('click', () => load === loads && search());
    message(make('span', { role: 'alert', textContent: refusal.message }), ' ', again);
    count.textContent = '';
    pager.hidden = true;
  } finally {
    if (load === loads) table.ariaBusy = null;
  }
  onChange();
}

function draw({ users, total }) {
  if (list.matches(':hover')) hold();
  const hadFocus = list.contains(document.activeElement);
  list.replaceChildren(...users.map((user) => newRow(user, user.id === me.id, run)));
  if (users.length === 0) message('There is no such account.');
  if (hadFocus) find.focus();
  const all = `${total.toLocaleString()} ${total === 1 ? 'account' : 'accounts'}`;
  const isWhole = starts.length === 1 && !next;
  count.textContent = isWhole ? all : `Page ${starts.length} of ${all}`;
  pager.hidden = isWhole;
  pager.querySelector('.previous').ariaDisabled = String(starts.length === 1);
  pager.querySelector('.next').ariaDisabled = String(!next);
}

/** Adds the last log-ins to the rows. Without them the list is of use all the same. */
async function showLogins(users, load) {
  if (users.length === 0) return;
  try {
    const logins = await ask('GET', `users/logins/last?ids=${users.map(({ id }) => id)}`);
    if (load !== loads) return;
    const times = new Map(logins.map(({ id, last_login_at }) => [id, last_login_at]));
    users.forEach(({ id }, index) => showLogin(list.rows[index], times.get(id) ?? null));
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
  }
}

/** Shows text in place of the rows. */
function message(...text) {
  const cell = make('td', { colSpan: 6, className: 'nothing' }, ...text);
  list.replaceChildren(make('tr', {}, cell));
}

function onPending(now) {
  pending = now;
  onChange();
}

/** Reloads the list, or offers it, after a registration or a change by another admin. */
function onChange() {
  const isChanged = shown !== undefined && pending !== shown && list.querySelector('[aria-busy]') === null;
  const isInUse = list.matches(':hover') || list.contains(document.activeElement)
    || document.querySelector('dialog[open]') || starts.length !== 1 || table.ariaBusy;
  if (isChanged && !isInUse) search();
  changed.hidden = !isChanged;
  const more = pending - shown;
  changed.textContent = more > 0 ? `Show ${more} more waiting` : 'Reload: the list has changed';
}

/** For a moment the list takes no clicks: they were meant for what was there before. */
function hold() {
  list.classList.add('held');
  clearTimeout(held);
  held = setTimeout(() => list.classList.remove('held'), DOUBLE_CLICK_MILLISECONDS);
}

// A key that is held down acts once.
document.addEventListener('keydown', (event) => {
  const acts = event.key === 'Enter' || event.key === ' ';
  if (event.repeat && acts && event.target.closest('button')) event.preventDefault();
});

/** Runs an action on the account of a row, once it is confirmed. */
async function run(row, user, action) {
  const own = user.id === me.id;
  const { name, question, asksPassword, givesLink, invites, act, done, show } = action;
  if (show) {
    await show(user, me.id);
    return;
  }
  if (invites) {
    await invite(user);
    return;
  }
  const text = question?.(own);
  if (givesLink) {
    await withLink(user.email, text, () => act(user));
    return;
  }
  const before = pending;
  await attempt(async () => {
    let now;
    if (asksPassword) {
      const isSet = await withNewPassword(user.email, text, own, async (...given) => {
        now = await act(user, ...given);
      });
      hold();
      if (!isSet) return;
    } else {
      const isConfirmed = !text || await confirmed(name, user.email, text);
      if (text) hold();
      if (!isConfirmed) return;
      now = await busy(row, () => act(user), () => finished(row, user, null, before));
    }
    // The server decides what remains allowed for the admin's own account.
    if (own) await leave('/');
    finished(row, user, now, before);
    say(`${user.email} ${done}.`);
  });
}

/** Invites the owner of an address, or that of an account again. */
async function invite(user) {
  await attempt(async () => {
    const email = await withInvitation(user, (fields) => ask('POST', 'invitations', fields));
    if (!email) return;
    await search();
    say(`${email} is invited.`);
  });
}

/** Calls the action while the row is busy, and leaves it so for a moment. `onGone`: there is no such account. */
async function busy(row, act, onGone) {
  setBusy(row, true);
  try {
    return await act();
  } catch (refusal) {
    if (refusal.code === 'user_not_found') onGone();
    throw refusal;
  } finally {
    setTimeout(() => {
      setBusy(row, false);
      onChange();
    }, SETTLE_MILLISECONDS);
  }
}

/**
 * Shows the account as it is now, `null` if it is deleted. The row stays where it is. `before` is the number
 * of pending accounts when the action began.
 */
function finished(row, user, now, before) {
  const difference = Number(Boolean(now && waits(now))) - Number(waits(user));
  shown += difference;
  // The event may have been faster.
  if (pending === before) pending += difference;
  showBadge(pending);
  fill(row, now);
  onChange();
}

function say(text) {
  done.textContent = text;
  clearTimeout(said);
  said = setTimeout(() => (done.textContent = ''), 8_000);
}

const TYPING_MILLISECONDS = 250;

/** A second click is often that late. */
const SETTLE_MILLISECONDS = 1_000;
