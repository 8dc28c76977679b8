// How bad a line of a log is, by its words: as src/aimass/console/logs/line.py has it (a test holds them together).
export const BAD = /\b(?:error|failed|failure|critical|fatal|traceback|exception)\b|\w(?:Error|Exception):/i;
export const ODD = /\b(?:warn|warning|refused|deprecated)\b|\w+Warning:/i;
export const HEAD = 400; // letters of a line that are looked at

export type Level = 'info' | 'warning' | 'error';
export const LEVELS: Array<[least: '' | Level, title: string]> = [['', 'Everything'], ['warning', 'Warnings and errors'], ['error', 'Errors']];
const ORDER: Level[] = ['info', 'warning', 'error'];

export function levelOf(text: string): Level {
  const head = text.slice(0, HEAD);
  if (BAD.test(head)) return 'error';
  return ODD.test(head) ? 'warning' : 'info';
}

/** Whether a line is at least as bad as LEAST; what is no level asks for nothing. */
export const isBad = (text: string, least: string): boolean => ORDER.indexOf(levelOf(text)) >= ORDER.indexOf(least as Level);

/** How a line of LEVEL looks. */
export const toneOf = (level: string): string => ({ error: 'bad', warning: 'warning' })[level] ?? '';
