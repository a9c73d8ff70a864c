// Actions of admins on accounts.

import { ask } from './api.js';

/**
 * Each action has a name, a predicate for the accounts that it fits, the call, and the message when it
 * is `done`. `question` is the text to confirm first, if any; `own` is true for the admin's own account.
 */
export const ACTIONS = [
  {
    name: 'Approve',
    kind: 'primary',
    fits: ({ status }) => status === 'pending',
    act: ({ id }) => change(id, { status: 'approved' }),
    done: 'is approved',
  },
  {
    name: 'Enable',
    fits: ({ status }) => status === 'disabled',
    act: ({ id }) => change(id, { status: 'approved' }),
    done: 'is enabled',
  },
  {
    name: 'Disable',
    fits: ({ status }) => status !== 'disabled',
    question: (own) => own
      && 'This is your own account. You will be logged out, and only another admin can let you in again.',
    act: ({ id }) => change(id, { status: 'disabled' }),
    done: 'is disabled',
  },
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
      && 'This is your own account. You will not see this page again until another admin lets you.',
    act: ({ id }) => change(id, { is_admin: false }),
    done: 'is no admin any more',
  },
  {
    name: 'Delete',
    kind: 'danger',
    fits: () => true,
    question: (own) => own
      ? 'This is your own account. You will be logged out, and it cannot be brought back.'
      : 'The account cannot be brought back.',
    act: ({ id }) => ask('DELETE', `users/${id}`),
    done: 'is deleted',
  },
];

export function resetPassword({ id }, password) {
  return ask('POST', `users/${id}/reset-password`, { password });
}

function change(id, fields) {
  return ask('PUT', `users/${id}`, fields);
}
