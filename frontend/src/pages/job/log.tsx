import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import { useEvery } from '../../parts/every.ts';

const EVERY = 2000; // milliseconds

/** What the process of a job says, followed. */
export function Log({ job }: { job: string }) {
  const [text, set] = useState('');
  const at = useRef(0);
  const box = useRef<HTMLPreElement>(null);
  const more = () => void call('GET /jobs/{job}/log', { path: { job }, query: { at: at.current } }).then((page) => {
    if (page.next === at.current) return;
    at.current = page.next;
    set((before) => (before + page.text).slice(-MOST));
  }, () => undefined);
  useEffect(more, []);
  useEvery(EVERY, more);
  useEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  return (
    <section class="said-by" aria-label="Log of the job">
      <h2>What it says</h2>
      {text ? <pre class="log block" ref={box} tabIndex={0}>{text}</pre> : <p class="muted">Nothing yet, or it was said on another machine.</p>}
    </section>
  );
}

const MOST = 200_000; // letters that are shown
