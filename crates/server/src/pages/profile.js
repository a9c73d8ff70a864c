// Profile page.

import { attempt, enter } from './member.js';
import { registered, role, status } from './show.js';

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
});
