// What stands behind the # of the address: a path and its query.  All state of a page lives there, so a link shows what one sees.

export interface Place {
  path: string;
  query: Record<string, string>;
}

export function readPlace(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#/, '').split(/\?(.*)/s);
  return { path: `/${path.replace(/^\/+|\/+$/g, '')}`, query: Object.fromEntries(new URLSearchParams(query)) };
}

/** Empty values are left out, names are in order: one view has one address. */
export function writePlace({ path, query }: Place): string {
  const filled = Object.entries(query).filter(([, value]) => value !== '').sort(([a], [b]) => (a < b ? -1 : 1));
  const text = new URLSearchParams(filled).toString().replaceAll('%2C', ',').replaceAll('%2F', '/');
  return `#${path}${text ? `?${text}` : ''}`;
}

/** The names in PATTERN ("/runs/:id") with what PATH has there; null where it is another page. */
export function matchPath(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split('/');
  const found = path.split('/');
  if (wanted.length !== found.length) return null;
  const names: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    if (part.startsWith(':')) {
      const value = decoded(found[i]!);
      if (!value) return null;
      names[part.slice(1)] = value;
    } else if (part !== found[i]) return null;
  }
  return names;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // a lone % is nobody's name
  }
}

export const listed = (text: string): string[] => text.split(',').filter(Boolean);
