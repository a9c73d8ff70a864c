// Actions of admins on accounts.

import { showActivity } from './activity.js';
import { ask } from './api.js';
import { isActivated, waits } from './show.js';

/**
 * Each action has a name, a predicate for the accounts that it fits, the call, and the message when it is
 * `done`. `column` is that of its button: an action without one is in the menu. `question` is the text to
 * confirm first; `own` is true for the admin's own account. An action with `asksPassword` calls with one, and
 * with `true` if it has to be changed; one with `givesLink` gives a one-time token, to be shown as a link; one
 * with `show` opens a dialog and changes nothing; one with `invites` opens that of invitations.
 */
const ACTIONS = [
  {
    name: 'Approve',
    column: 0,
    kind: 'primary',
    fits: waits,
    act: ({ id }) => change(id, { status: 'approved' }),
    done: 'is approved',
  },
  {
    name: 'Invite again',
    column: 0,
    fits: (user) => !isActivated(user) && user.status === 'pending',
    invites: true,
  },
  {
    name: 'Revoke',
    column: 1,
    fits: (user) => !isActivated(user) && user.status === 'pending',
    question: () => 'The account is deleted, and links that were sent for it are no longer valid.',
    act: ({ id }) => remove(id),
    done: 'is deleted',
  },
  {
    name: 'Reject',
    column: 1,
    fits: waits,
    question: () => 'The account is deleted, and its owner can register again. '
      + 'To prevent that, disable the account instead.',
    act: ({ id }) => remove(id),
    done: 'is rejected',
  },
  {
    name: 'Enable',
    column: 1,
    fits: (user) => user.status === 'disabled' && isActivated(user),
    act: ({ id }) => change(id, { status: 'approved' }),
    done: 'is enabled',
  },
  disable(1, ({ status }) => status === 'approved'),
  disable(undefined, waits),
  {
    name: 'Make admin',
    fits: ({ is_admin, status }) => !is_admin && status === 'approved',
    question: () => 'An admin can approve, disable and delete every account, yours too.',
    act: ({ id }) => change(id, { is_admin: true }),
    done: 'is an admin now',
  },
  {
    name: 'Make member',
    fits: ({ is_admin }) => is_admin,
    question: (own) => own
      ? 'This is your own account. You will not see this page again until another admin changes that.'
      : 'The account stays approved, and can no longer open this page.',
    act: ({ id }) => change(id, { is_admin: false }),
    done: 'is no admin any more',
  },
  {
    name: 'Reset password',
    fits: isActivated,
    asksPassword: true,
    question: (own) => own
      ? 'This is your own account. You will be logged out and log in with the new password.'
      : 'The old password and every log-in with it end at once.',
    act: async (user, password, must_change) => {
      await ask('POST', `users/${user.id}/reset-password`, { password, must_change });
      return { ...user, has_password: true };
    },
    done: 'has a new password',
  },
  {
    name: 'Reset link',
    fits: ({ status }) => status === 'approved',
    givesLink: true,
    question: () => 'The link sets a new password, once; every log-in of the account ends then. '
      + 'Hand it over to the owner of the account only.',
    act: ({ id }) => ask('POST', `users/${id}/password-reset-token`),
  },
  {
    name: 'Activity',
    fits: () => true,
    show: showActivity,
  },
  {
    name: 'Delete',
    kind: 'danger',
    fits: ({ status }) => status !== 'pending',
    question: (own) => own
      ? 'This is your own account. You will be logged out, and it cannot be brought back.'
      : 'The account cannot be brought back.',
    act: ({ id }) => remove(id),
    done: 'is deleted',
  },
];

/** Returns the action of a column that fits an account, if there is one. */
export function inColumn(column, user) {
  return ACTIONS.find((action) => action.column === column && action.fits(user));
}

export function inMenu(user) {
  return ACTIONS.filter((action) => action.column === undefined && action.fits(user));
}

function disable(column, fits) {
  return {
    name: 'Disable',
    column,
    fits,
    question: (own) => own
      ? 'This is your own account. You will be logged out, and only another admin can enable it again.'
      : 'Every log-in of this account ends at once. You can enable it again.',
    act: ({ id }) => change(id, { status: 'disabled' }),
    done: 'is disabled',
  };
}

function change(id, fields) {
  return ask('PUT', `users/${id}`, fields);
}

/** Resolves to `null`: there is no account any more. */
async function remove(id) {
  await ask('DELETE', `users/${id}`);
  return null;
}
