// Lines of any number, of which only those in view are drawn.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { absolute, clock } from '../../parts/format.ts';
import { toneOf } from '../../parts/level.ts';
import { windowOf } from '../../parts/window.ts';
import type { Said } from './stream.ts';

const ROW = 24; // pixels
const NEAR = 40; // lines from the top at which older ones are asked for

interface Props {
  lines: Said[];
  follow: boolean;
  stray: () => void;
  mark: string;
  choose: (id: string) => void;
  above: () => void;
}

export function Lines({ lines, follow, stray, mark, choose, above }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [at, move] = useState({ scrolled: 0, tall: 480 });
  const first = useRef(lines[0]?.id);
  const shown = useRef(lines.length);
  useLayoutEffect(() => {
    const root = box.current!;
    const watch = new ResizeObserver(() => move((at) => ({ ...at, tall: root.clientHeight })));
    watch.observe(root);
    return () => watch.disconnect();
  }, []);
  useLayoutEffect(() => {
    const root = box.current!;
    const added = first.current === lines[0]?.id ? 0 : Math.max(0, lines.findIndex((line) => line.id === first.current));
    if (follow) root.scrollTop = lines.length * ROW;
    else if (added) root.scrollTop += added * ROW; // what one reads stays where it is
    first.current = lines[0]?.id;
    shown.current = lines.length;
    if (root.scrollHeight <= root.clientHeight) above(); // nothing to scroll by
  }, [lines, follow]);
  useEffect(() => {
    const place = lines.findIndex((line) => line.id === mark);
    if (place >= 0 && !follow) box.current!.scrollTop = Math.max(0, place - 8) * ROW;
  }, [mark, lines.length > 0]);
  const { from, to } = windowOf(at.scrolled, at.tall, ROW, lines.length, 20);
  const scroll = (event: { currentTarget: HTMLDivElement }) => {
    const { scrollTop, clientHeight } = event.currentTarget;
    move({ scrolled: scrollTop, tall: clientHeight });
    if (scrollTop < NEAR * ROW) above();
  };
  return (
    <div class="log" ref={box} tabIndex={0} role="log" aria-label="Lines of the logs" aria-live="off" onWheel={(event) => event.deltaY < 0 && stray()} onScroll={scroll}>
      <ol style={{ height: `${lines.length * ROW}px`, paddingTop: `${from * ROW}px` }}>
        {lines.slice(from, to).map((line) => (
          <li key={line.id} class={`${toneOf(line.level)}${line.id === mark ? ' marked' : ''}`}>
            <button type="button" class="no" title={`${absolute(line.time)}: link to this line`} aria-label={`Link to line ${line.id}`} onClick={() => choose(line.id)}>{clock(line.time)}</button>
            {line.run ? <a class="key" href={`#/runs/${line.run}?tab=logs`}>run {line.run}</a> : <span class="key">{line.key}</span>}
            <span class="text">{line.text}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
