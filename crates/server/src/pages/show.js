// Rendering of accounts. Text of the server is never parsed as HTML.

/** Creates an element with properties and children. */
export function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** An account without a password is that of an invitation that was not accepted yet. */
export function isActivated({ has_password: isActivated = true }) {
  return isActivated;
}

/** Returns `true` if an admin has to decide about the account. */
export function waits(user) {
  return user.status === 'pending' && isActivated(user);
}

export function status(user) {
  const status = user.status === 'pending' && !isActivated(user) ? 'not_activated' : user.status;
  return make('span', { className: `pill ${status}`, textContent: STATUS[status] ?? status });
}

/** Mark of an account whose address is not verified. */
export function unverified() {
  return make('span', { className: 'you', textContent: 'Not verified' });
}

export function role({ is_admin }) {
  return is_admin ? 'Admin' : 'Member';
}

export function registered({ created_at }) {
  return day(created_at);
}

/** Day of an event. */
export function day(time) {
  const text = new Date(time).toLocaleDateString(undefined, { dateStyle: 'medium' });
  return make('time', { dateTime: time, textContent: text });
}

/** Day and time of an event. */
export function moment(time) {
  const text = new Date(time).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  return make('time', { dateTime: time, textContent: text });
}

const STATUS = { pending: 'Waiting', approved: 'Approved', disabled: 'Disabled', deleted: 'Deleted', not_activated: 'Not activated' };
