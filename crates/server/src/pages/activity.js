// Dialog with the last events of an account.

import { ask } from './api.js';
import { attempt } from './member.js';
import { make, moment } from './show.js';

const dialog = document.querySelector('#activity');
const list = dialog.querySelector('.events');
const error = dialog.querySelector('.error');

/** Counts the calls: the response to an earlier one is dropped. */
let calls = 0;

/** Shows the last events of an account, newest first; `own` is the id of the admin's own account. */
export async function showActivity({ id, email }, own) {
  const call = (calls += 1);
  dialog.querySelector('.whom').textContent = email;
  error.textContent = '';
  list.replaceChildren(make('li', { className: 'loading', textContent: 'Loading …' }));
  dialog.showModal();
  let events = [];
  const failure = make('p');
  await attempt(async () => {
    events = await ask('GET', `users/${id}/events`);
  }, failure);
  if (call !== calls) return;
  error.textContent = failure.textContent;
  list.replaceChildren(...events.map((event) => item(event, id, own)));
  if (events.length === 0 && !error.textContent) {
    list.append(make('li', { textContent: 'Nothing has been recorded.' }));
  }
}

function item({ event, reason, at, address, actor }, id, own) {
  const what = make('strong', { textContent: EVENTS[event] ?? words(event) });
  const why = reason ? ` (${REASONS[reason] ?? words(reason)})` : '';
  const details = make('span', { className: 'times' }, moment(at));
  if (address) details.append(`, from ${address}`);
  if (actor === 'system') details.append(', by the system');
  else if (Number(actor) === own && own !== id) details.append(', by you');
  else if (actor !== 'anonymous' && Number(actor) !== id) details.append(`, by account ${actor}`);
  return make('li', {}, make('div', {}, what, why, details));
}

/** For names of a later version of the server. */
function words(name) {
  return name.replaceAll('_', ' ');
}

const EVENTS = {
  login_succeeded: 'Logged in',
  login_failed: 'Log-in failed',
  account_registered: 'Registered',
  first_admin_created: 'Became the first admin',
  account_imported: 'Imported',
  account_approved: 'Approved',
  account_disabled: 'Disabled',
  account_set_pending: 'Set to waiting',
  account_promoted: 'Made admin',
  account_demoted: 'Made member',
  email_changed: 'E-mail changed',
  display_name_changed: 'Name changed',
  email_change_requested: 'Change of e-mail requested',
  email_verified: 'E-mail verified',
  account_deleted: 'Deleted',
  data_exported: 'Data downloaded',
  password_reset: 'Password reset',
  password_reset_link_created: 'Reset link created',
  password_reset_mailed: 'Reset link sent by mail',
  password_reset_by_link: 'New password set by a link',
  one_time_token_rejected: 'Invalid link was tried',
  account_invited: 'Invited',
  invitation_accepted: 'Invitation accepted',
  registration_mailed: 'Registration link sent by mail',
  registration_completed: 'Registration completed',
  password_changed: 'Password changed',
  password_rehashed: 'Password hash renewed',
  tokens_revoked: 'Logged out everywhere',
  operation_vetoed: 'Rejected by the application',
  session_opened: 'Session opened',
  session_ended: 'Session ended',
  refresh_token_reused: 'Refresh token used twice',
};

const REASONS = {
  wrong_password: 'wrong password',
  account_pending: 'waiting for approval',
  account_disabled: 'account disabled',
  vetoed: 'rejected by the application',
  password_change_required: 'temporary password, to be changed',
  must_change: 'to be changed at the next log-in',
  wrong_current_password: 'wrong current password',
  logout: 'log-out',
  owner: 'ended by the owner',
  expired: 'expired',
  reused_token: 'refresh token used twice',
  admin: 'as an admin',
  account_exists: 'there is an account already',
  never_approved: 'never approved',
  unconfirmed: 'not confirmed by the database',
};
