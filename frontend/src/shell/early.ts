// Before the first pixel: the theme and the rail that the reader chose, so that no page flashes white or moves.  Loaded by itself, since scripts in the page are forbidden.
try {
  const chosen = localStorage.getItem('aimass.theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset['theme'] = chosen;
  if (localStorage.getItem('aimass.rail') === 'folded') document.documentElement.dataset['rail'] = 'folded';
  if (localStorage.getItem('aimass.rows') === '36') document.documentElement.dataset['rows'] = '36';
} catch {
  // no storage, no choice
}
