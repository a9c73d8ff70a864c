// Names of devices.

/** Returns a short name for a `User-Agent`, which is text that the device chose. */
export function device(userAgent) {
  const browser = named(BROWSERS, userAgent);
  const system = named(SYSTEMS, userAgent);
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? (userAgent ? userAgent.slice(0, 60) : 'Unknown device');
}

function named(names, userAgent) {
  return names.find(([token]) => userAgent.includes(token))?.[1];
}

// Browsers also name those that they are compatible with: the more special ones first.
const BROWSERS = [
  ['Edg', 'Edge'], ['OPR/', 'Opera'], ['SamsungBrowser/', 'Samsung Internet'], ['Firefox/', 'Firefox'],
  ['FxiOS/', 'Firefox'], ['CriOS/', 'Chrome'], ['Chrome/', 'Chrome'], ['Safari/', 'Safari'], ['curl/', 'curl'],
];

const SYSTEMS = [
  ['Android', 'Android'], ['iPhone', 'iPhone'], ['iPad', 'iPad'], ['Windows', 'Windows'], ['CrOS', 'ChromeOS'],
  ['Mac OS X', 'macOS'], ['Linux', 'Linux'],
];
