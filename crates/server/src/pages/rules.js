// Rules for new addresses and passwords, told while the user types. The server decides: it also
// knows common passwords.

/** Returns what is wrong with an address, or the empty text. */
export function emailProblem(text) {
  return text === '' || isEmail(text) ? '' : 'It should look like ada@example.com.';
}

/** Returns what is wrong with the password of an account, or the empty text. */
export function passwordProblem(text, email) {
  const characters = [...text];
  if (characters.length === 0) return '';
  if (characters.length < MIN) return `${characters.length} of at least ${MIN} characters.`;
  if (characters.length > MAX) return `${characters.length} characters: ${MAX} are allowed.`;
  const password = text.toLowerCase();
  const address = email.trim().toLowerCase();
  if (password === address || password === address.split('@')[0]) return 'This is your e-mail address. Choose something else.';
  if (new Set(password).size === 1) return 'This is a single character, repeated. Choose something else.';
  return '';
}

/**
 * Shows in `hint` what `problem` says about the field, in place of its text: while the user types if
 * it is `live` or has said something before, else when the user leaves the field.
 */
export function watch(field, hint, problem, { live = false } = {}) {
  const rule = hint.textContent;
  let timer;
  const show = (left) => {
    const text = problem(field.value);
    hint.textContent = text || rule;
    hint.classList.toggle('wrong', text !== '');
    if (left || !text) field.ariaInvalid = text ? 'true' : null;
  };
  // A screen reader reads each change, and a click that leaves the field must hit what it was aimed at.
  const later = (left) => {
    clearTimeout(timer);
    timer = setTimeout(show, 300, left);
  };
  field.addEventListener('input', () => (live || hint.textContent !== rule) && later(false));
  field.addEventListener('change', () => later(true));
}

function isEmail(text) {
  const at = text.indexOf('@');
  const labels = text.slice(at + 1).split('.');
  return at <= 64 && text.length <= 254
    && text.slice(0, Math.max(at, 0)).split('.').every((atom) => ATOM.test(atom))
    && labels.length >= 2 && labels.every((label) => LABEL.test(label)) && TOP_LEVEL.test(labels.at(-1));
}

const MIN = 8;
const MAX = 128;

// RFC 5322, section 3.2.3; RFC 1123, section 2.1; RFC 3696, section 2.
const ATOM = /^[\w!#$%&'*+\-/=?^`{|}~]+$/;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
const TOP_LEVEL = /^([a-z]{2,}|xn--.+)$/i;
