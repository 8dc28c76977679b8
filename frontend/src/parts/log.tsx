// Lines of a log, of any number, of which only those in view are drawn.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { levelOf, toneOf } from './level.ts';
import { windowOf } from './window.ts';

const ROW = 24; // pixels
const NEAR = 40; // lines from the top at which older ones are asked for

interface Line {
  id: number | string;
  text: string;
}

interface Props<L extends Line> {
  title: string;
  lines: L[];
  follow: boolean;
  stray: () => void; // somebody reads on by hand
  mark: L['id'];
  head: (line: L) => ComponentChildren; // what stands before the text of a line
  above?: () => void; // asks for older ones
}

export function Log<L extends Line>({ title, lines, follow, stray, mark, head, above }: Props<L>) {
  const box = useRef<HTMLDivElement>(null);
  const [at, move] = useState({ scrolled: 0, tall: 480 });
  const first = useRef(lines[0]?.id);
  const place = useMemo(() => lines.findIndex((line) => line.id === mark), [lines, mark]);
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
    if (root.scrollHeight <= root.clientHeight) above?.(); // nothing to scroll by
  }, [lines, follow]);
  useEffect(() => {
    if (place >= 0 && !follow) box.current!.scrollTop = Math.max(0, place - 8) * ROW;
  }, [mark, place >= 0]);
  const { from, to } = windowOf(at.scrolled, at.tall, ROW, lines.length, 20);
  const scroll = (event: { currentTarget: HTMLDivElement }) => {
    const { scrollTop, clientHeight } = event.currentTarget;
    move({ scrolled: scrollTop, tall: clientHeight });
    if (scrollTop < NEAR * ROW) above?.();
  };
  return (
    <div class="log" ref={box} tabIndex={0} role="log" aria-label={title} aria-live="off" onWheel={(event) => event.deltaY < 0 && stray()} onScroll={scroll}>
      <ol style={{ height: `${lines.length * ROW}px`, paddingTop: `${from * ROW}px` }}>
        {lines.slice(from, to).map((line) => (
          <li key={line.id} class={`${toneOf(levelOf(line.text))}${line.id === mark ? ' marked' : ''}`}>{head(line)}<span class="text">{line.text}</span></li>
        ))}
      </ol>
    </div>
  );
}
