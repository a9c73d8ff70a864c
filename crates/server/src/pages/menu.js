// Menu of a row: a popover with buttons. There is one, which moves to the row.

import { make } from './show.js';

const menu = document.querySelector('#menu');
let opener;

/** Creates the button that opens the menu; `items` returns its buttons, `mayOpen` whether it may open now. */
export function menuButton(label, items, mayOpen) {
  const button = make('button', { className: 'more', ariaLabel: label, ariaExpanded: 'false' }, '⋯');
  button.popoverTargetElement = menu;
  button.addEventListener('click', (event) => {
    if (menu.matches(':popover-open') && opener === button) return;
    if (!mayOpen(event)) {
      event.preventDefault();
      return;
    }
    menu.replaceChildren(...items());
    // Next to its button, for the order of the Tab key.
    button.after(menu);
    opener = button;
  });
  return button;
}

/** Closes the menu, if it is open. The focus returns to its button. */
export function closeMenu() {
  if (menu.matches(':popover-open')) menu.hidePopover();
}

menu.addEventListener('toggle', ({ newState }) => {
  opener.ariaExpanded = String(newState === 'open');
  if (newState !== 'open') return;
  place();
  menu.style.visibility = 'visible';
  menu.querySelector('button').focus({ preventScroll: true });
});

/** Puts the menu below its button, or above it. */
function place() {
  if (!menu.matches(':popover-open')) return;
  const { right, top, bottom } = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = bottom + GAP + height <= innerHeight;
  menu.style.left = `${Math.max(GAP, Math.min(right - width, innerWidth - width - GAP))}px`;
  menu.style.top = `${Math.max(GAP, below ? bottom + GAP : top - GAP - height)}px`;
}

menu.addEventListener('beforetoggle', ({ newState }) => {
  // Not where the last one was, until it has its place.
  if (newState === 'open') menu.style.visibility = 'hidden';
});

menu.addEventListener('keydown', (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const items = [...menu.querySelectorAll('button')];
  items.at((items.indexOf(document.activeElement) + step) % items.length).focus();
});

menu.addEventListener('focusout', ({ relatedTarget }) => {
  if (relatedTarget && relatedTarget !== opener && !menu.contains(relatedTarget)) closeMenu();
});

for (const event of ['scroll', 'resize']) addEventListener(event, place, { passive: true });

const GAP = 4;
