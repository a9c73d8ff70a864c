// Accounts in pages: those that wait for approval first, then those whose owner has not set a password yet,
// then approved, then disabled ones.

import { askWithHeaders } from './api.js';

/** Where the first page starts: in which status, and after which account. */
export const START = { status: 0, query: null };

/** Accounts whose address starts with `search`, of one status or of each. */
export class UserPages {
  #search;
  #statuses;
  #total;

  /** Number of all accounts that wait, if the first page had to count them. */
  pending;

  constructor(search, status) {
    this.#search = search;
    this.#statuses = status ? [status] : ['pending', 'not_activated', 'approved', 'disabled'];
  }

  /**
   * Loads the page that starts at `start`. Returns its users, the start of the next page if there is one,
   * and the number of all accounts.
   */
  async load(start) {
    const users = [];
    let { status, query } = start;
    let next = null;
    let total = 0;
    for (; status < this.#statuses.length; status += 1) {
      const missing = PAGE - users.length;
      query ??= this.#query(status);
      // A full page needs to know only whether there is another account, and how many.
      query.set('limit', missing || 1);
      const [rows, headers] = await askWithHeaders('GET', `users?${query}`);
      const matches = Number(headers.get('x-total-count') ?? rows.length);
      total += matches;
      if (!this.#search && this.#statuses[status] === 'pending') this.pending ??= matches;
      users.push(...rows.slice(0, missing));
      query = missing ? nextQuery(headers.get('link')) : null;
      if (query || (!missing && rows.length > 0)) next ??= { status, query };
      query = null;
      // The total is that of the first page.
      if (next && this.#total !== undefined) break;
    }
    this.#total ??= total;
    return { users, next, total: this.#total };
  }

  #query(status) {
    const sort = this.#statuses[status] === 'pending' ? 'created_at' : '-created_at';
    const query = new URLSearchParams({ status: this.#statuses[status], sort });
    if (this.#search) query.set('search', this.#search);
    return query;
  }
}

/** Returns the query of the link to the next page (RFC 8288). */
function nextQuery(link) {
  const [, target] = /<([^>]*)>\s*;[^,]*\brel="?next\b/.exec(link ?? '') ?? [];
  return target === undefined ? null : new URL(target, location.href).searchParams;
}

const PAGE = 50;
