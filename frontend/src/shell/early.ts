// Before the first pixel: the theme and the rail that the reader chose, so that no page flashes white or moves.  Loaded by itself, since scripts in the page are forbidden.
try {
  const chosen = localStorage.getItem('aimass.theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset['theme'] = chosen;
  if (localStorage.getItem('aimass.rail') === 'folded') document.documentElement.dataset['rail'] = 'folded';
  // Where somebody was signed in the last time, the line for live figures is opened while the other scripts load: pages then ask once, not again when they begin to hear.
  if (localStorage.getItem('aimass.known')) window.line = new WebSocket(new URL('api/v1/live', document.baseURI).href.replace(/^http/, 'ws'));
  if (localStorage.getItem('aimass.rows') === '36') document.documentElement.dataset['rows'] = '36';
} catch {
  // no storage, no choice
}
