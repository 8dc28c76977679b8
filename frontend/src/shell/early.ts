// Before the first pixel: the theme that the reader chose, so that no page flashes white.  Loaded by itself, since scripts in the page are forbidden.
try {
  const chosen = localStorage.getItem('aimass.theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset['theme'] = chosen;
} catch {
  // no storage, no choice
}
