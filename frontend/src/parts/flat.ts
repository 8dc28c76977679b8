// Nested settings as rows with dotted names, as an error of the project file names them.

export function flat(value: unknown, name = ''): Array<[string, string]> {
  if (Array.isArray(value) && value.some((one) => typeof one === 'object' && one !== null)) return value.flatMap((one, i) => flat(one, `${name}[${i}]`));
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, one]) => flat(one, name ? `${name}.${key}` : key));
  }
  return [[name, typeof value === 'string' ? value : JSON.stringify(value) ?? '']];
}
