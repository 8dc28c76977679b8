// Nested settings as rows with dotted names, as an error of the project file names them.

export function flat(value: unknown, name = ''): Array<[string, string]> {
  if (Array.isArray(value) && value.some((one) => typeof one === 'object' && one !== null)) return value.flatMap((one, i) => flat(one, `${name}[${i}]`));
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, one]) => flat(one, name ? `${name}.${key}` : key));
  }
  return [[name, typeof value === 'string' ? value : JSON.stringify(value) ?? '']];
}

/** What an entry of the audit changed, only what differs: `role: viewer → admin`; and where it was not done, or nobody knows, that. */
export function changed({ before, after }: { before?: unknown; after?: unknown }): string {
  const act = typeof after === 'object' && after !== null && 'asked' in after ? after as { asked: unknown; failed?: string } : null;
  const wanted = act ? act.asked : after;
  const [old, now] = [new Map(before ? flat(before) : []), new Map(wanted ? flat(wanted) : [])];
  const words = [...new Set([...old.keys(), ...now.keys()])].filter((name) => old.get(name) !== now.get(name))
    .map((name) => `${name ? `${name}: ` : ''}${old.has(name) ? `${old.get(name)} → ` : ''}${now.get(name) ?? 'nothing'}`).join(', ');
  if (!act) return words;
  return `${words} (${act.failed === undefined ? 'asked for; how it ended is not known' : `failed: ${act.failed}`})`;
}
