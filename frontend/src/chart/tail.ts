// Reports that came since the curves were fetched.  Each has the number the catalog gave it, so nothing is drawn twice.
import type { Line, Point } from './points.ts';

export type Report = [id: number, name: string, at: number | null, value: number, time: number];

export class Tail {
  #reports: Report[] = [];
  #last = 0;

  get length(): number {
    return this.#reports.length;
  }

  /** Keeps those that are new; false where none is. */
  add(reports: Report[]): boolean {
    const fresh = reports.filter(([id]) => id > this.#last);
    if (!fresh.length) return false;
    this.#reports.push(...fresh);
    this.#last = fresh.at(-1)![0];
    return true;
  }

  clear(): void {
    this.#reports = [];
  }

  /** Forgets what the curves that were fetched hold. */
  settle(through: number): void {
    this.#reports = this.#reports.filter(([id]) => id > through);
    this.#last = Math.max(this.#last, through);
  }

  /** LINES with what came after THROUGH, the last number that they hold; nothing beyond MOST, where the view ends. */
  onto(lines: Line[], through: number, most: number | null = null): Line[] {
    const fresh = new Map<string, Report[]>();
    for (const report of this.#reports) {
      if (report[0] <= through) continue;
      const known = fresh.get(report[1]);
      if (known) known.push(report);
      else fresh.set(report[1], [report]);
    }
    return lines.map((line) => {
      const more = (fresh.get(line.name) ?? []).map((report) => pointOf(report, line.time)).filter((point) => point !== null && (most === null || point[0] <= most)) as Point[];
      return more.length ? { ...line, points: [...line.points, ...more], count: line.count + more.length } : line;
    });
  }
}

function pointOf([, , at, value, when]: Report, time: boolean | undefined): Point | null {
  const x = time ? when : at;
  return x === null ? null : [x, value, value, value];
}
