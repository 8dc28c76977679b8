// What a run said: live, searched by the server, followed, saved, each line with a link.
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { RETRY } from '../../api/answer.ts';
import { call, type Refusal } from '../../api/client.ts';
import type { LogLine, RunDetail } from '../../api/kinds.ts';
import { useTopic } from '../../api/topic.ts';
import { download } from '../../parts/download.ts';
import { absolute, clock, plural } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import { isBad, LEVELS } from '../../parts/level.ts';
import { FIRST, joined, MOST, PAGE } from '../../parts/lines.ts';
import { Log } from '../../parts/log.tsx';
import { useQuery } from '../../parts/place.ts';
import { REST } from '../../parts/soon.ts';
import { Empty, Failed, Loading, Stale } from '../../parts/states.tsx';

export function Logs({ run }: { run: RunDetail }) {
  const [text, setText] = useQuery('find');
  const [mark, setMark] = useQuery('line');
  const [level, setLevel] = useQuery('level');
  const { lines: all, more, refusal, at, again } = useLines(run.id, text);
  const lines = useMemo(() => (level ? all?.filter((line) => isBad(line.text, level)) : all), [all, level]);
  const [follow, setFollow] = useState(!mark);
  const head = ({ id, time }: LogLine) => (
    <>
      <button type="button" class="no" title="Link to this line" aria-label={`Link to line ${id}`} onClick={() => setMark(String(id))}>{id}</button>
      <time title={absolute(time)}>{clock(time)}</time>
    </>
  );
  if (refusal && !lines) return <Failed refusal={refusal} what="The log" again={again} />;
  return (
    <div class="logs">
      <div class="bar">
        <label class="search"><Icon name="search" /><input type="search" aria-label="Search the log" placeholder="Search the log" value={text} spellcheck={false} onInput={(event) => setText(event.currentTarget.value)} /></label>
        <select aria-label="Level" value={level} onChange={(event) => setLevel(event.currentTarget.value)}>{LEVELS.map(([key, title]) => <option key={key} value={key}>{title}</option>)}</select>
        <span class="muted" role="status">{lines ? `${plural(lines.length, 'line')}${more ? ', more to come' : ''}` : ''}</span>
        <span class="space" />
        <label class="check"><input type="checkbox" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} /> Follow</label>
        <button type="button" class="quiet" disabled={!lines?.length || more} onClick={() => download(`run-${run.id}.log`, new Blob([(lines ?? []).map((line) => `${line.time} ${line.text}\n`).join('')], { type: 'text/plain' }))}><Icon name="save" /> Save</button>
      </div>
      {refusal && <Stale at={at} />}
      {!lines ? <Loading lines={10} /> : lines.length ? <Log title="Lines of the log" lines={lines} follow={follow} stray={() => setFollow(false)} mark={Number(mark) || 0} head={head} />
        : <Empty title={text || level ? 'No line is like that' : 'It has said nothing yet'} />}
    </div>
  );
}

interface Known {
  lines: LogLine[] | null;
  more: boolean; // older ones are on their way
  refusal?: Refusal;
  at: number; // when the last page came, milliseconds
}

/** All lines with TEXT in them: the last ones, then older ones page by page; new ones as they are said. */
function useLines(run: number, text: string): Known & { again: () => void } {
  const [state, set] = useState<Known>({ lines: null, more: false, at: 0 });
  const [turn, next] = useState(0);
  const more = useRef<(lines: LogLine[]) => void>(() => {});
  const ready = useTopic<{ lines?: LogLine[] }>(`run/${run}`, ({ lines }) => lines?.length && more.current(lines), () => next((turn) => turn + 1));
  useLayoutEffect(() => {
    if (!ready) return;
    const stop = new AbortController();
    let known: LogLine[] = [];
    let begun = false; // until then what is shown is of the text before
    const page = async (before: number, limit: number): Promise<void> => {
      const { lines } = await call('GET /runs/{id}/logs', { path: { id: run }, query: { before, limit, text } }, stop.signal);
      known = joined(known, lines);
      begun = true;
      const more = lines.length === limit && known.length < MOST;
      set({ lines: known, more, at: Date.now() });
      if (more) await page(lines[0]!.id, PAGE);
    };
    more.current = (lines) => {
      known = joined(known, lines.filter((line) => line.text.toLowerCase().includes(text.toLowerCase())));
      if (begun) set((before) => ({ ...before, lines: known }));
    };
    const begin = () => page(known[0]?.id ?? Number.MAX_SAFE_INTEGER, begun ? PAGE : FIRST).catch((refusal: Refusal) => {
      if (stop.signal.aborted) return;
      set((before) => ({ ...before, refusal }));
      if (refusal.passing) timer = setTimeout(begin, RETRY);
    });
    let timer = setTimeout(begin, text ? REST : 0);
    return () => {
      clearTimeout(timer);
      stop.abort();
      more.current = () => {};
    };
  }, [run, text, turn, ready]);
  return { ...state, again: () => next((turn) => turn + 1) };
}
