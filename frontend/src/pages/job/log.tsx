import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import { Followed } from '../../api/followed.ts';
import { useAlone } from '../../api/news.ts';
import { useTopic } from '../../api/topic.ts';

/** What the process of a job says, followed. */
export function Log({ job }: { job: string }) {
  const [text, set] = useState('');
  const box = useRef<HTMLPreElement>(null);
  const said = useMemo(() => new Followed(
    (at) => call('GET /jobs/{job}/log', { path: { job }, query: { at } }),
    (more) => set((before) => ending(before + more)),
  ), []);
  const more = () => void said.look();
  const ready = useTopic(`job/${job}`, more, more);
  useEffect(() => void (ready && said.look()), [ready]);
  useAlone(more);
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

/** The end of TEXT, from the begin of a line on where it has one: half a letter is none. */
function ending(text: string): string {
  const end = text.slice(-MOST);
  return end === text ? text : end.slice(end.indexOf('\n') + 1);
}
