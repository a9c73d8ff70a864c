// Page that verifies an address, by the one-time token of its link, or has another link sent.

import { Refusal, ask } from './api.js';
import { carryAddress, onSubmit } from './form.js';
import { onToken } from './link.js';

const [form, again] = ['#verify', '#again'].map((id) => document.querySelector(id));
let token;

carryAddress(again.elements.email);
// A button, because mail servers open links to scan them.
onToken((found) => {
  token = found;
  show(token ? '#verify' : '#again');
});

onSubmit(form, async () => {
  try {
    const { status } = await ask('POST', 'verify-email', { token });
    show(`#${status}`);
  } catch (refusal) {
    if (!(refusal instanceof Refusal) || refusal.code !== 'invalid_one_time_token') throw refusal;
    show('#again');
    again.querySelector('.error').textContent = refusal.message;
  }
});

onSubmit(again, async ({ email }) => {
  await ask('POST', 'verify-email/request', { email });
  show('#sent');
});

function show(id) {
  for (const part of document.querySelectorAll('#verify, #again, #approved, #pending, #sent')) {
    part.hidden = !part.matches(id);
  }
}
