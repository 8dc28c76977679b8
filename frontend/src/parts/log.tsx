// Lines of a log, of any number, of which only those in view are drawn.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { levelOf, toneOf } from './level.ts';
import { risen } from './lines.ts';
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
  const before = useRef(lines);
  const follows = useRef(follow);
  follows.current = follow;
  const down = () => (box.current!.scrollTop = box.current!.scrollHeight);
  const place = useMemo(() => (mark ? lines.findIndex((line) => line.id === mark) : -1), [lines, mark]);
  useLayoutEffect(() => {
    const root = box.current!;
    const watch = new ResizeObserver(() => {
      move((at) => ({ ...at, tall: root.clientHeight }));
      if (follows.current) down();
    });
    watch.observe(root);
    return () => watch.disconnect();
  }, []);
  useLayoutEffect(() => {
    const root = box.current!;
    if (follow) down();
    else root.scrollTop += ROW * risen(before.current, lines); // what one reads stays where it is
    before.current = lines;
    if (root.scrollTop < NEAR * ROW) above?.();
  }, [lines, follow]);
  useEffect(() => {
    if (place >= 0 && !follow) box.current!.scrollTop = Math.max(0, place - 8) * ROW;
  }, [mark, place >= 0]);
  const { from, to } = windowOf(at.scrolled, at.tall, ROW, lines.length, 20);
  const scroll = ({ currentTarget: { scrollTop, clientHeight, scrollHeight } }: { currentTarget: HTMLDivElement }) => {
    if (scrollTop < at.scrolled && scrollTop + clientHeight < scrollHeight - ROW) stray(); // by whatever means
    move({ scrolled: scrollTop, tall: clientHeight });
    if (scrollTop < NEAR * ROW) above?.();
  };
  return (
    <div class="log" ref={box} tabIndex={0} role="log" aria-label={title} aria-live="off" onScroll={scroll}>
      <ol style={{ height: `${lines.length * ROW}px`, paddingTop: `${from * ROW}px` }}>
        {lines.slice(from, to).map((line) => (
          <li key={line.id} class={`${toneOf(levelOf(line.text))}${line.id === mark ? ' marked' : ''}`}>{head(line)}<span class="text">{line.text}</span></li>
        ))}
      </ol>
    </div>
  );
}
