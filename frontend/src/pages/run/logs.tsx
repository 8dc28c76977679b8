// What a run said: live, searched by the server, followed, saved, each line with a link.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { RETRY } from '../../api/answer.ts';
import { call, type Refusal } from '../../api/client.ts';
import type { LogLine, RunDetail } from '../../api/kinds.ts';
import { useTopic } from '../../api/topic.ts';
import { download } from '../../parts/download.ts';
import { absolute, clock, plural } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import { isBad, levelOf, LEVELS, toneOf } from '../../parts/level.ts';
import { useQuery } from '../../parts/place.ts';
import { REST } from '../../parts/soon.ts';
import { Empty, Failed, Loading, Stale } from '../../parts/states.tsx';
import { windowOf } from '../../parts/window.ts';
import { joined, MOST } from './lines.ts';

const ROW = 24; // pixels
const FIRST = 500; // lines: a screen has forty
const PAGE = 5000;

export function Logs({ run }: { run: RunDetail }) {
  const [text, setText] = useQuery('find');
  const [mark, setMark] = useQuery('line');
  const [level, setLevel] = useQuery('level');
  const { lines: all, more, refusal, at, again } = useLines(run.id, text);
  const lines = useMemo(() => (level ? all?.filter((line) => isBad(line.text, level)) : all), [all, level]);
  const [follow, setFollow] = useState(!mark);
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
      {!lines ? <Loading lines={10} /> : lines.length ? <Lines lines={lines} follow={follow} stray={() => setFollow(false)} mark={Number(mark) || 0} choose={(id) => setMark(String(id))} />
        : <Empty title={text || level ? 'No line is like that' : 'It has said nothing yet'} />}
    </div>
  );
}

function Lines({ lines, follow, stray, mark, choose }: { lines: LogLine[]; follow: boolean; stray: () => void; mark: number; choose: (id: number) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const [scrolled, scroll] = useState(0);
  const first = useRef(lines[0]?.id);
  const { from, to } = windowOf(scrolled, box.current?.clientHeight ?? 480, ROW, lines.length, 20);
  const place = useMemo(() => (mark ? lines.findIndex((line) => line.id === mark) : -1), [lines, mark]);
  useLayoutEffect(() => {
    const added = first.current === lines[0]?.id ? 0 : lines.findIndex((line) => line.id === first.current);
    if (follow) box.current!.scrollTop = lines.length * ROW;
    else if (added > 0) box.current!.scrollTop += added * ROW; // what one reads stays where it is
    first.current = lines[0]?.id;
  }, [lines, follow]);
  useEffect(() => {
    if (place >= 0 && !follow) box.current!.scrollTop = Math.max(0, place - 8) * ROW;
  }, [mark, place >= 0]);
  return (
    <div class="log" ref={box} tabIndex={0} role="log" aria-label="Lines of the log" aria-live="off" onWheel={(event) => event.deltaY < 0 && stray()} onScroll={(event) => scroll(event.currentTarget.scrollTop)}>
      <ol style={{ height: `${lines.length * ROW}px`, paddingTop: `${from * ROW}px` }}>
        {lines.slice(from, to).map((line) => (
          <li key={line.id} class={`${toneOf(levelOf(line.text))}${line.id === mark ? ' marked' : ''}`}>
            <button type="button" class="no" title="Link to this line" aria-label={`Link to line ${line.id}`} onClick={() => choose(line.id)}>{line.id}</button>
            <time title={absolute(line.time)}>{clock(line.time)}</time>
            <span class="text">{line.text}</span>
          </li>
        ))}
      </ol>
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
