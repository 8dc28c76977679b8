// Beside the form: would it run, start it, what is known of such runs, and how a program asks for the same.
import { useState } from 'preact/hooks';
import { base, call, type Refusal } from '../../api/client.ts';
import { Problem } from '../../parts/form.tsx';
import { bytes, plural, seconds } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import { go } from '../../parts/place.ts';
import { sentence } from '../../parts/states.tsx';
import { copy } from '../../shell/keys.ts';
import { toast } from '../../shell/toasts.tsx';
import type { Check, Checked } from './check.ts';

export function Beside({ step, gives, check }: { step: string; gives: string; check: Check }) {
  const { checked, refusal, settled } = check;
  const [busy, work] = useState(false);
  const [refused, refuse] = useState<Refusal>();
  const task = checked?.task;
  const start = () => {
    if (!task) return;
    work(true);
    refuse(undefined);
    call('POST /jobs', { body: { task } }).then((job) => {
      toast(`${job.label} is asked for as job ${job.id}`);
      go(`/jobs/${job.id}`);
    }, (problem: Refusal) => {
      refuse(problem);
      work(false);
    });
  };
  return (
    <aside class="to-start card" aria-label="What will run">
      <div role="status" class="looked">{refusal ? <Problem refusal={refusal} /> : <Verdict checked={checked} settled={settled} gives={gives} />}</div>
      <button type="button" class="primary start" disabled={!task || !settled || busy} onClick={start}><Icon name="play" /> Start {step}</button>
      <Problem refusal={refused} />
      {checked?.known && <p class="small">Run <a href={`#/runs/${checked.known.run}`}>{checked.known.run}</a> did exactly this: its {gives} is given again at once, and nothing is worked out twice.</p>}
      {checked?.took && !checked.known && <p class="small muted">{plural(checked.took.runs, 'run')} of this step{checked.took.same && ' on the same inputs'} took {seconds(checked.took.seconds)}{checked.took.runs > 1 && ', half of them less'}{checked.took.memory_gb !== null && `; ${bytes(checked.took.memory_gb * 1e9)} of memory at most`}.</p>}
      {task && checked?.command && <Ways command={checked.command} task={task} />}
    </aside>
  );
}

function Verdict({ checked, settled, gives }: { checked: Checked | undefined; settled: boolean; gives: string }) {
  if (!checked) return <p class="muted">Looking at it…</p>;
  if (!checked.problems.length) return <p class={settled ? '' : 'muted'}><span class="mark good" aria-hidden="true">✓</span> {settled ? `Ready: it will make a ${gives}` : 'Looking at it…'}</p>;
  return (
    <>
      <p><span class="mark bad" aria-hidden="true">✕</span> {checked.problems.length === 1 ? 'One thing is to be mended' : `${checked.problems.length} things are to be mended`}</p>
      <ul class="troubles">{checked.problems.map((one) => (
        <li key={one.key}>{one.key && <button type="button" class="link" onClick={() => show(one.key)}>{one.key}</button>} <span class="small">{sentence(one.error)}</span></li>
      ))}</ul>
    </>
  );
}

/** Puts the reader where KEY is written. */
function show(key: string): void {
  const field = document.getElementById(`set-${key}`) ?? document.getElementById(`set-${key.replace(/\.use$/, '')}`);
  field?.closest('details')?.setAttribute('open', '');
  field?.scrollIntoView({ block: 'center' });
  field?.focus();
}

function Ways({ command, task }: { command: string; task: NonNullable<Checked['task']> }) {
  const [way, choose] = useState<'command' | 'request'>('command');
  const text = way === 'command' ? command : requestOf(task);
  return (
    <section class="ways" aria-label="The same, asked for by a program">
      <p class="row" role="group" aria-label="As">
        <button type="button" class="chip" aria-pressed={way === 'command'} onClick={() => choose('command')}>Command</button>
        <button type="button" class="chip" aria-pressed={way === 'request'} onClick={() => choose('request')}>Request</button>
        <span class="space" />
        <button type="button" class="quiet" onClick={() => copy(text, way === 'command' ? 'The command is copied' : 'The request is copied')}><Icon name="copy" /> Copy</button>
      </p>
      <pre tabIndex={0} aria-label={way === 'command' ? 'The command' : 'The request'}>{text}</pre>
    </section>
  );
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const requestOf = (task: unknown): string => [`curl -X POST ${base}/jobs \\`, '  -H "authorization: Bearer $AIMASS_KEY" \\', "  -H 'content-type: application/json' \\", `  -d ${quoted(JSON.stringify({ task }))}`].join('\n');
