// Row of an account. Its buttons have fixed places, so that none moves under the pointer.

import { inColumn, inMenu } from './actions.js';
import { closeMenu, menuButton } from './menu.js';
import { day, make, registered, role, status, unverified } from './show.js';

/** Creates a row. `run` is called with the row, the account and the action that the user chose. */
export function newRow(user, own, run) {
  // Long addresses break before the `@` first.
  const [local, domain] = user.email.split('@');
  const name = make('th', { scope: 'row' }, local, make('wbr'), `@${domain}`);
  if (user.display_name) name.append(make('bdi', { className: 'name', textContent: user.display_name }));
  if (own) name.append(' ', make('span', { className: 'you', textContent: 'you' }));
  const row = make('tr', {}, name, ...Array.from({ length: 4 }, () => make('td')));

  // The second click of a double click was not meant for what the first one made of the button.
  const counts = ({ detail }) => detail <= 1 && !row.ariaBusy;
  const buttons = COLUMNS.map((column) => {
    const button = make('button');
    button.addEventListener('click', (event) => {
      if (counts(event)) run(row, row.user, inColumn(column, row.user));
    });
    return button;
  });
  const more = menuButton(`More for ${user.email}`, () => inMenu(row.user).map((action) => {
    const item = make('button', { className: action.kind ?? '', textContent: action.name });
    item.addEventListener('click', () => {
      closeMenu();
      run(row, row.user, action);
    });
    return item;
  }), counts);
  row.append(make('td', { className: 'actions' }, ...buttons, more));
  fill(row, user);
  // It takes its place before it is known.
  fillLogin(row, '');
  return row;
}

/** Shows the account as it is `now`; `null` if it is deleted. */
export function fill(row, now) {
  const [, state, kind, since, , actions] = row.cells;
  row.user = now;
  row.classList.toggle('gone', !now);
  state.replaceChildren(status(now ?? { status: 'deleted' }));
  const marks = document.querySelector('#users').dataset.verification === 'on';
  if (now && marks && !now.email_verified_at) state.append(' ', unverified());
  if (now) {
    kind.textContent = role(now);
    since.replaceChildren(registered(now));
  }
  const [more] = actions.querySelectorAll('.more');
  const hadFocus = actions.contains(document.activeElement);
  for (const column of COLUMNS) {
    const button = actions.children[column];
    const action = now && inColumn(column, now);
    button.className = action?.kind ?? '';
    button.textContent = action?.name ?? '';
    button.ariaLabel = action ? `${action.name} ${now.email}` : null;
    button.classList.toggle('none', !action);
  }
  more.classList.toggle('none', !now);
  if (!hadFocus || !document.activeElement.matches('.none')) return;
  // To what does nothing if the key is pressed once more.
  row.tabIndex = -1;
  (now ? more : row).focus();
}

/** Shows the last log-in: its time, or `null` if none was recorded. */
export function showLogin(row, time) {
  const none = make('span', {}, make('span', { ariaHidden: 'true' }, '–'), make('span', { className: 'unseen' }, 'None'));
  fillLogin(row, time ? day(time) : none);
}

function fillLogin(row, content) {
  row.cells[4].className = 'login';
  row.cells[4].replaceChildren(make('span', { className: 'label' }, 'Last log-in: '), content);
}

export function setBusy(row, isBusy) {
  row.ariaBusy = isBusy ? 'true' : null;
  for (const button of row.querySelectorAll('.actions > button')) {
    button.ariaDisabled = isBusy ? 'true' : null;
  }
}

/** Columns of buttons, before that of the menu. */
const COLUMNS = [0, 1];
